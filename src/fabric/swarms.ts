/** The members of Docker Swarms, and what runs on all of them. Pure. */

import type { PortainerEnvironment, RoleGuest, Site, Swarm } from "../model.ts";
import { memo } from "./memo.ts";

/** The Swarm called `name`, if the site declares it. */
export function swarmNamed({ swarms }: Pick<Site, "swarms">, name: string | undefined): Swarm | undefined {
  return swarms.find((swarm) => swarm.name === name);
}

/** The machines that run an environment's agent: its own, or every member of its Swarm, the first manager first. */
export function agentMachines(
  site: Pick<Site, "swarms">,
  { guest, kind, swarm }: PortainerEnvironment,
): readonly RoleGuest[] {
  if (kind !== "agent") return [];
  return swarmNamed(site, swarm)?.members.map((member) => member.guest) ?? [guest];
}

/** The members that keep the Swarm's state and take its commands, the first one first. */
export function managersOf({ members }: Swarm): readonly RoleGuest[] {
  return members.filter(({ role }) => role === "manager").map(({ guest }) => guest);
}

const membersByAddress = memo(
  (swarms: readonly Swarm[]) =>
    new Map(swarms.flatMap(({ members }) => members.map(({ guest }) => [guest.address, guest] as const))),
);

/** The member of a Swarm that has the address. */
export function memberAt({ swarms }: Pick<Site, "swarms">, address: string): RoleGuest | undefined {
  return membersByAddress(swarms).get(address);
}
