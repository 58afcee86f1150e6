/** Brings one machine into its Swarm, in its role. Join tokens go from a manager's answer to the member's standard input, and nowhere else. */
import type { Io } from "../../component.ts";
import { ApiError, CommandError, isUnavailable, NotReadyError } from "../../errors.ts";
import { ports } from "../../fabric/ports.ts";
import { addressRange, overlaps } from "../../formats/ipv4/index.ts";
import { member as memberOf, numberOf, textOf, textsOf } from "../../formats/json/index.ts";
import type { Site, Swarm, SwarmMember } from "../../model.ts";
import { askDocker } from "../foreign/docker-api.ts";
import type { Membership } from "./compile.ts";
import { engineView, memberLabel, swarmLabel, updateNode, waitForNode } from "./engine.ts";
import { type Lead, look, type Seen, standingOf } from "./look.ts";

/** For a node that joined to be ready, and for a change of its role to take effect. Milliseconds. */
const settleMs = 60_000;

export async function applyMember(
  swarm: Swarm,
  member: SwarmMember,
  wanted: Membership,
  io: Io,
): Promise<void> {
  const seen = await look(io, swarm);
  const machine = seen.machines.find((each) => each.member.guest.host === member.guest.host);
  const standing = machine === undefined ? undefined : standingOf(seen, machine);
  if (standing?.is === "unknown") throw standing.error;
  if (seen.lead !== undefined && !seen.lead.isOurs) await claim(seen.lead, swarm, io);
  if (standing?.is === "member")
    return settle(swarm, member, { id: standing.node.id, wanted }, seen.lead, io);
  // The state of a Swarm that is gone would stand in the way of the new one.
  if (standing?.is === "forgotten") await leaveByForce(member, io);
  const lead = seen.lead ?? (await init(swarm, member, seen, io));
  if (lead.manager.host !== member.guest.host) await join(swarm, member, lead, io);
  const { nodeId } = await engineView(io.host(member.guest.host));
  await settle(swarm, member, { id: nodeId, wanted }, lead, io);
}

/** Docker's own refuses to leave where it may be missed; here nothing is left to miss. */
async function leaveByForce({ guest }: SwarmMember, io: Io): Promise<void> {
  await askDocker(io.host(guest.host), "POST", "/swarm/leave?force=true");
}

/** Begins the Swarm on its first manager. */
async function init(swarm: Swarm, { guest }: SwarmMember, seen: Seen, io: Io): Promise<Lead> {
  const [first] = seen.swarm.members;
  if (first?.guest.host !== guest.host)
    throw new NotReadyError(`the Swarm ${swarm.name} does not exist yet: it begins on ${first?.guest.host}`, {
      hint: "that machine's own change says why it is not there",
    });
  await askDocker(io.host(guest.host), "POST", "/swarm/init", {
    ListenAddr: `0.0.0.0:${ports.swarmManager}`,
    AdvertiseAddr: guest.address,
    Spec: { Labels: { [swarmLabel]: swarm.name } },
    ...addressPool(io.site),
  });
  const begun = await look(io, swarm);
  if (begun.lead === undefined)
    throw begun.fault ?? new NotReadyError(`the Swarm ${swarm.name} does not begin on ${guest.host}`);
  return begun.lead;
}

/** Where Swarm puts its networks unless it is told: the first one is 10.0.0.0/24, which is many a site's own (26). */
const docker = "10.0.0.0/8";

/** A pool beside the site's network, where Docker's own would hold it. */
function addressPool({ hypervisor }: Site): Readonly<Record<string, unknown>> {
  const own = addressRange(hypervisor.network);
  const isIn = (pool: string): boolean => {
    const range = addressRange(pool);
    return own !== undefined && range !== undefined && overlaps(own, range);
  };
  if (!isIn(docker)) return {};
  const free = ["10.201.0.0/16", "10.202.0.0/16"].filter((pool) => !isIn(pool)).slice(0, 1);
  return free.length === 0 ? {} : { DefaultAddrPool: free, SubnetSize: 24 };
}

async function join(swarm: Swarm, { guest, role }: SwarmMember, { manager }: Lead, io: Io): Promise<void> {
  const tokens = memberOf(await askDocker(io.host(manager.host), "GET", "/swarm"), "JoinTokens");
  const host = io.host(guest.host);
  try {
    await askDocker(host, "POST", "/swarm/join", {
      ListenAddr: `0.0.0.0:${ports.swarmManager}`,
      AdvertiseAddr: guest.address,
      RemoteAddrs: [`${manager.address}:${ports.swarmManager}`],
      JoinToken: textOf(tokens, role === "manager" ? "Manager" : "Worker"),
    });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Docker goes on trying behind its answer.
    await leaveByForce({ guest, role, from: guest.from }, io).catch((left: unknown) => {
      if (!isUnavailable(left)) throw left;
    });
    const ways = `TCP ${ports.swarmManager} and ${ports.swarmGossip}, UDP ${ports.swarmGossip} and ${ports.swarmOverlay}`;
    throw new CommandError(
      host.name,
      1,
      `${host.name} cannot join the Swarm ${swarm.name}: ${error.message}`,
      {
        hint: `it must reach ${manager.address} on ${ways}; \`journalctl -u docker\` on both shows more`,
      },
    );
  }
}

/** Role, availability and our mark, once the manager knows the node. */
async function settle(
  swarm: Swarm,
  { guest }: SwarmMember,
  { id, wanted }: { readonly id: string; readonly wanted: Membership },
  lead: Lead | undefined,
  io: Io,
): Promise<void> {
  if (lead === undefined) return;
  const { manager } = lead;
  io.waiting(`${guest.host} in the Swarm ${swarm.name}`, settleMs);
  const node = await waitForNode(io, manager, id, settleMs, (found) => found?.state === "ready");
  if (node?.state !== "ready")
    throw new CommandError(
      guest.host,
      1,
      `${guest.host} is not ready in the Swarm ${swarm.name} after ${settleMs / 1000} s`,
      {
        hint: "`journalctl -u docker` on it and on a manager shows why",
      },
    );
  const { role } = wanted;
  const availability = wanted.availability === "drain" ? "drain" : "active";
  const isSame = node.role === role && node.availability === availability;
  if (isSame && node.labels[memberLabel] === guest.host) return;
  if (
    node.role === "manager" &&
    role === "worker" &&
    lead.nodes.filter((each) => each.role === "manager").length === 1
  )
    throw new CommandError(guest.host, 1, `${guest.host} is the last manager of the Swarm ${swarm.name}`, {
      hint: "another member must be a manager before this one can be a worker",
    });
  await updateNode(io.host(manager.host), id, { role, availability, labels: { [memberLabel]: guest.host } });
  const isDone = ({ reachability }: { reachability: string }): boolean =>
    role === "manager" ? reachability === "reachable" : reachability === "";
  // A manager that steps down cannot be asked about it.
  if (node.role === role || manager.host === guest.host) return;
  const after = await waitForNode(io, manager, id, settleMs, (found) => found !== undefined && isDone(found));
  if (after === undefined || !isDone(after))
    throw new CommandError(
      guest.host,
      1,
      `${guest.host} has not become a ${role} of the Swarm ${swarm.name} after ${settleMs / 1000} s`,
      {
        hint: "managers must reach each other on TCP 2377; `docker node ls` on a manager shows them",
      },
    );
}

/** Marks a Swarm that somebody else made as the declared one; consent was given for that. */
async function claim({ manager }: Lead, { name }: Swarm, io: Io): Promise<void> {
  const host = io.host(manager.host);
  const found = await askDocker(host, "GET", "/swarm");
  const spec = memberOf(found, "Spec");
  const version = numberOf(memberOf(found, "Version"), "Index");
  const labels = { ...textsOf(memberOf(spec, "Labels")), [swarmLabel]: name };
  await askDocker(host, "POST", `/swarm/update?version=${version}`, { ...(spec as object), Labels: labels });
}
