/** Portainer's environments: the machines that it deploys stacks to. */
import { defined } from "../../defined.ts";
import type { PortainerEnvironment } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import { readHostName } from "../machines/addresses.ts";
import { type GuestEntry, isAddressed } from "../machines/guests.ts";
import type { Problems } from "../text/problems.ts";

/** Agents in the order of the file, and the server's own engine when stacks are assigned to it. */
export function readEnvironments(
  entries: readonly GuestEntry[],
  agentPort: number,
  primary: GuestEntry | undefined,
  primaryHasStacks: boolean,
  problems: Problems,
): readonly PortainerEnvironment[] {
  const environments: PortainerEnvironment[] = [];
  const names = new Map<string, SourceRef>();
  for (const entry of entries) {
    const { guest, cell } = entry;
    const isLocal = entry === primary && primaryHasStacks;
    if (guest.template || (guest.portainerRole !== "agent" && !isLocal)) continue;
    const declared = cell.get("portainer_environment_name");
    const name = declared?.text ?? (isLocal ? "local" : guest.name);
    const at = declared?.ref ?? guest.from;
    const taken = names.get(name.toLowerCase());
    if (name === "" || taken !== undefined)
      problems.report(
        "PHX0707",
        at,
        name === ""
          ? "an environment's name is empty"
          : `two environments of Portainer have the name ${name}`,
        {
          related: taken === undefined ? [] : [taken],
          hint: "give each a name of its own with portainer_environment_name",
        },
      );
    names.set(name.toLowerCase(), taken ?? at);
    const agentName = cell.get("portainer_agent_hostname");
    const hostname = agentName?.text === "" ? undefined : readHostName(agentName, problems);
    if (!isAddressed(guest)) {
      problems.report(
        "PHX0212",
        guest.from,
        `${guest.host} is an environment of Portainer, but has no fixed address`,
      );
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
  return environments;
}
