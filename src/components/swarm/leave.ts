/** Takes a machine out of its Swarm: its containers move first, and what was changed goes back when that fails. */
import type { Io } from "../../component.ts";
import { CandidateError, isUnavailable, messageOf, PhoenixError } from "../../errors.ts";
import { guestOf } from "../../fabric/guests.ts";
import type { RoleGuest, Swarm } from "../../model.ts";
import { poll } from "../../poll.ts";
import type { HostName } from "../../resource.ts";
import type { SwarmNode } from "../../swarm-node.ts";
import { askDocker } from "../foreign/docker-api.ts";
import { memberLabel, tasksOn, updateNode, waitForNode } from "./engine.ts";
import { type Lead, look } from "./look.ts";

/** For a node's containers to end, and for its managers to notice that it left. Milliseconds. */
const drainMs = 120_000;
const noticeMs = 60_000;
const pauseMs = 1_000;

/** @param id of the node; nothing is done where the Swarm does not know it */
export async function leaveSwarm(swarm: Swarm, id: string, io: Io): Promise<void> {
  const { lead, fault } = await look(io, swarm);
  if (lead === undefined) throw fault ?? new CandidateError(`the Swarm ${swarm.name} is not there`);
  const node = lead.nodes.find((each) => each.id === id);
  if (node === undefined) return;
  refuseTheLast(swarm, node, lead);
  try {
    if (node.role === "manager") await demote(io, lead, node);
    if (node.state === "ready") await drain(io, swarm, lead, node);
    await leaveItself(io, node);
  } catch (error) {
    await putBack(io, lead.manager, node);
    throw error;
  }
  await waitForNode(io, lead.manager, id, noticeMs, (found) => found?.state !== "ready");
  await askDocker(io.host(lead.manager.host), "DELETE", `/nodes/${id}?force=true`);
}

function refuseTheLast(swarm: Swarm, node: SwarmNode, { nodes }: Lead): void {
  const others = nodes.filter(
    ({ id, role, reachability }) => id !== node.id && role === "manager" && reachability === "reachable",
  );
  if (node.role === "manager" && others.length === 0)
    throw new CandidateError(
      `${node.name} is the last manager of the Swarm ${swarm.name}, which would end with it`,
      {
        hint: "let another member be a manager first",
      },
    );
}

async function demote(io: Io, { manager }: Lead, { id, name }: SwarmNode): Promise<void> {
  await updateNode(io.host(manager.host), id, { role: "worker" });
  const after = await waitForNode(io, manager, id, noticeMs, (found) => found?.reachability === "");
  if (after?.reachability !== "")
    throw new CandidateError(`${name} is still a manager after ${noticeMs / 1000} s`, {
      hint: "`docker node ls` on another manager shows whether it can be reached",
    });
}

async function drain(io: Io, swarm: Swarm, { manager }: Lead, { id, name }: SwarmNode): Promise<void> {
  const host = io.host(manager.host);
  await updateNode(host, id, { availability: "drain" });
  io.waiting(`the containers of ${name} to move`, drainMs);
  const left = await poll(
    { clock: io.clock, forMs: drainMs, pauseMs },
    () => tasksOn(host, id),
    (tasks) => tasks === 0,
  );
  if (left > 0)
    throw new CandidateError(
      `${left} containers of the Swarm ${swarm.name} still run on ${name} after ${drainMs / 1000} s of draining`,
      { hint: `\`docker node ps ${name}\` on a manager shows which` },
    );
}

/** The machine itself ends its membership, where it can be reached; one that is down or gone is removed by a manager. */
async function leaveItself(io: Io, { labels, name, state }: SwarmNode): Promise<void> {
  const guest = guestOf(io.site, labels[memberLabel] as HostName);
  if (guest === undefined || state !== "ready") {
    if (state === "ready")
      io.note(`${name} is no guest of the site: \`docker swarm leave\` on it ends its own part`);
    return;
  }
  try {
    await askDocker(io.host(guest.host), "POST", "/swarm/leave");
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    throw new CandidateError(`${guest.host} cannot leave its Swarm: ${messageOf(error)}`, {
      hint: "start it, and Docker on it; or power it off, and a manager removes it",
    });
  }
}

/** As it was before. What does not go back is left for the next run, which sees it. */
async function putBack(io: Io, manager: RoleGuest, { id, role, availability }: SwarmNode): Promise<void> {
  const before = availability === "drain" ? "drain" : "active";
  try {
    await updateNode(io.host(manager.host), id, { role, availability: before });
  } catch (error) {
    if (!(error instanceof PhoenixError)) throw error;
    io.note(`the node ${id} could not be put back to ${role}, ${before}: ${error.message}`);
  }
}
