/** What is: the declared machines in their Swarm, and nodes that Phoenix joined and nobody declares any more. */
import type { Io } from "../../component.ts";
import { guestOf } from "../../fabric/guests.ts";
import type { Swarm } from "../../model.ts";
import { type HostName, isGuestName, type Resource } from "../../resource.ts";
import type { SwarmNode } from "../../swarm-node.ts";
import { memberId, memberResource, nodeResource } from "./compile.ts";
import { memberLabel } from "./engine.ts";
import { isView, type Lead, look, type Machine, type Seen, standingOf } from "./look.ts";

export async function read(io: Io): Promise<readonly Resource[]> {
  const read = await Promise.all(io.site.swarms.map((swarm) => readSwarm(io, swarm)));
  return read.flat();
}

async function readSwarm(io: Io, swarm: Swarm): Promise<readonly Resource[]> {
  const seen = await look(io, swarm);
  const members = seen.machines.flatMap((machine) => readMachine(io, seen, machine));
  return [...members, ...(seen.lead === undefined ? [] : readOthers(io, seen, seen.lead))];
}

function readMachine(io: Io, seen: Seen, machine: Machine): readonly Resource[] {
  const { swarm } = seen;
  const { member } = machine;
  const standing = standingOf(seen, machine);
  if (standing.is === "outside") return [];
  if (standing.is === "unknown") {
    io.unread([memberId(swarm, member.guest.name)], standing.error);
    return [];
  }
  const { role, availability } =
    standing.is === "member" ? standing.node : { role: member.role, availability: "none" };
  const found = { swarm: swarm.name, role, availability };
  const fault = standing.is === "member" ? {} : { fault: "the Swarm does not know it any more" };
  return [memberResource(swarm, member, { ...found, ...fault })];
}

/** Nodes that no declared machine is. Those that Phoenix joined can be pruned, the others are told and left alone. */
function readOthers(io: Io, seen: Seen, { nodes, manager }: Lead): readonly Resource[] {
  const { swarm, machines } = seen;
  const current = new Set(machines.flatMap(({ view }) => (isView(view) ? [view.nodeId] : [])));
  return nodes.flatMap((node): readonly Resource[] => {
    if (current.has(node.id)) return [];
    const marked = node.labels[memberLabel];
    const machine = machines.find(
      ({ member: { guest } }) => guest.host === marked || guest.address === node.address,
    );
    // A machine that could not be asked may be this node.
    if (machine !== undefined && !isView(machine.view)) return [];
    if (marked === undefined) {
      io.note(
        `the Swarm ${swarm.name} has a node that the site does not declare: ${node.name} (${node.address}); it was left alone`,
      );
      return [];
    }
    // What a machine was before it was set up anew; while it is up, something else has its name.
    if (machine !== undefined && node.state !== "down") return [];
    return [
      orphanOf(io, swarm, node, { host: marked, isReplaced: machine !== undefined, manager: manager.host }),
    ];
  });
}

function orphanOf(
  io: Io,
  swarm: Swarm,
  node: SwarmNode,
  { host, isReplaced, manager }: { host: string; isReplaced: boolean; manager: HostName },
): Resource {
  const guest = isGuestName(host as HostName) ? guestOf(io.site, host as HostName) : undefined;
  const name = guest?.name ?? node.name;
  const id = memberId(swarm, isReplaced ? `${name}-${node.id}` : name);
  const { role, availability } = node;
  const found = { swarm: swarm.name, role, availability, node: node.id };
  return nodeResource(id, isReplaced ? manager : (guest?.host ?? manager), found);
}
