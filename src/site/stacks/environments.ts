/** Portainer's environments: the machines that it deploys stacks to. */
import { defined } from "../../defined.ts";
import type { PortainerEnvironment } from "../../model.ts";
import type { GuestName, SourceRef } from "../../resource.ts";
import { readHostName } from "../machines/addresses.ts";
import { type GuestEntry, isAddressed } from "../machines/guests.ts";
import { Claims } from "../text/claims.ts";
import type { Problems } from "../text/problems.ts";
import { type DeclaredSwarm, swarmEnvironments, swarmsByMember } from "./swarms.ts";

/**
 * The names of the environments of machines with stacks, in a Portainer that somebody else runs: they are there already. That of
 * the machine that runs it is Portainer's own engine.
 */
export function externalEnvironments(
  entries: readonly GuestEntry[],
  primary: GuestEntry | undefined,
): ReadonlyMap<GuestName, string> {
  return new Map(
    entries.map((entry) => {
      const declared = entry.cell.get("portainer_environment_name")?.text;
      return [entry.guest.host, declared ?? (entry === primary ? "local" : entry.guest.name)];
    }),
  );
}

/**
 * Agents in the order of the file, and the server's own engine when stacks are assigned to it; then one for each Swarm, and none
 * for its members.
 */
export function readEnvironments(
  entries: readonly GuestEntry[],
  swarms: readonly DeclaredSwarm[],
  agentPort: number,
  primary: GuestEntry | undefined,
  primaryHasStacks: boolean,
  problems: Problems,
): readonly PortainerEnvironment[] {
  const environments: PortainerEnvironment[] = [];
  const names = new Claims<SourceRef>();
  const byMember = swarmsByMember(swarms);
  for (const entry of entries) {
    const { guest, cell } = entry;
    const isLocal = entry === primary && primaryHasStacks;
    if (guest.template || byMember.has(guest.host) || (guest.portainerRole !== "agent" && !isLocal)) continue;
    const declared = cell.get("portainer_environment_name");
    const name = declared?.text ?? (isLocal ? "local" : guest.name);
    const at = declared?.ref ?? guest.from;
    claim(names, name, at, "portainer_environment_name", problems);
    const agentName = cell.get("portainer_agent_hostname");
    const hostname = agentName?.text === "" ? undefined : readHostName(agentName, problems);
    if (!isAddressed(guest)) {
      const message = `${guest.host} is an environment of Portainer, but has no fixed address`;
      problems.report("PHX0212", guest.from, message);
      continue;
    }
    environments.push({
      name,
      guest,
      kind: isLocal ? "local" : "agent",
      port: agentPort,
      ...defined({ hostname: isLocal ? undefined : hostname }),
      from: at,
    });
  }
  const ofSwarms = swarmEnvironments(swarms, agentPort);
  for (const { name, from } of ofSwarms) claim(names, name, from, "environment_name", problems);
  return [...environments, ...ofSwarms];
}

/** Reports a name that is empty or another environment's. @param key the one that sets it */
function claim(names: Claims<SourceRef>, name: string, at: SourceRef, key: string, problems: Problems): void {
  const taken = names.take(name.toLowerCase(), at);
  if (name !== "" && taken === undefined) return;
  const message =
    name === "" ? "an environment's name is empty" : `two environments of Portainer have the name ${name}`;
  const hint = `give each a name of its own with ${key}`;
  problems.report("PHX0707", at, message, { related: taken === undefined ? [] : [taken], hint });
}
