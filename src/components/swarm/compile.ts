/** What should be: each declared machine a member of its Swarm, in its role. Pure. */
import type { Site, Swarm, SwarmMember } from "../../model.ts";
import { canonicalJson, type HostName, type Resource, type ResourceId } from "../../resource.ts";

/** A machine's place in a Swarm, as far as Phoenix manages it. */
export interface Membership {
  readonly swarm: string;
  readonly role: "manager" | "worker";
  /** Docker's word: "active", "pause" or "drain". */
  readonly availability: string;
  /** What is wrong with it: "removed from the Swarm". */
  readonly fault?: string;
  /** Of a node that is declared no more: its id in the Swarm. */
  readonly node?: string;
}

/** Managers come first: workers join through them. */
export function compile({ swarms }: Site): readonly Resource[] {
  return swarms.flatMap((swarm) =>
    swarm.members.map((member) =>
      memberResource(swarm, member, { swarm: swarm.name, role: member.role, availability: "active" }),
    ),
  );
}

export function memberId({ name }: Swarm, member: string): ResourceId {
  return `swarm/${name}-${member}`;
}

export function memberResource(swarm: Swarm, { guest, from }: SwarmMember, found: Membership): Resource {
  const resource = nodeResource(memberId(swarm, guest.name), guest.host, found);
  return { ...resource, from: Object.fromEntries(Object.keys(resource.units).map((unit) => [unit, from])) };
}

/** Also of a node that nobody declares. */
export function nodeResource(id: ResourceId, host: HostName, found: Membership): Resource {
  const { swarm, role, availability, fault, node } = found;
  const units = {
    swarm: fault === undefined ? swarm : `${swarm}: ${fault}`,
    role,
    availability,
    ...(node === undefined ? {} : { node }),
  };
  return { id, host, text: canonicalJson(found), units, summary: `${role} of Swarm ${swarm}` };
}
