/** What a stack of a Swarm meets that somebody else made under its name. Reads only. */
import type { EnvironmentState, StackState } from "../../../apis/portainer/index.ts";
import { foreignHazard, type Hazard, type Io } from "../../../component.ts";
import { isUnavailable } from "../../../errors.ts";
import { option } from "../../../option-names.ts";
import type { StackTarget } from "../facts.ts";
import { markOf } from "../live.ts";
import { swarmStackOf } from "./live.ts";

/** What Portainer has, listed once for all stacks. */
export interface PortainerState {
  readonly environments: readonly EnvironmentState[];
  readonly stacks: readonly StackState[];
}

/** Portainer (2.23) creates no stack whose name another one has, wherever that is. */
export async function swarmHazards(
  io: Io,
  { stack, id }: StackTarget,
  { environments, stacks }: PortainerState,
): Promise<readonly Hazard[]> {
  const environment = environments.find(({ name }) => name === stack.portainerEnvironment);
  if (environment === undefined) return [];
  const host = stack.guest.host;
  const found = swarmStackOf(stacks, environment.id, stack.project);
  const becomes = `it becomes what ${stack.compose.file} declares`;
  if (found !== undefined) {
    if (markOf(found) !== undefined) return [];
    const message = `stack "${found.name}" in the Swarm ${stack.swarm} was made in Portainer by somebody else`;
    return [foreignHazard(message, { host, name: `stack ${found.name}`, takeover: becomes })];
  }
  const namesake = stacks.find(({ name }) => name === stack.project);
  if (namesake !== undefined && namesake.environmentId !== environment.id)
    return [elsewhere(namesake, environments, stack.project, host)];
  if (namesake !== undefined) {
    if (markOf(namesake) !== undefined) return [];
    const message = `stack "${namesake.name}" on ${environment.name} is no stack of the Swarm: somebody made it for one machine`;
    const takeover = `it is deleted and created as a stack of the Swarm: ${becomes}; its volumes stay on their machine`;
    return [foreignHazard(message, { host, name: `stack ${namesake.name}`, takeover, for: id })];
  }
  const services = await servicesOf(io, environment, stack.project);
  if (services.length === 0) return [];
  const message = `stack "${stack.project}" in the Swarm ${stack.swarm} was made by the command line: ${services.join(", ")}`;
  const takeover = `it is deleted and created by Portainer: ${becomes}; it is away meanwhile, its volumes stay, and nothing brings it back when its successor fails`;
  return [foreignHazard(message, { host, name: `stack ${stack.project}`, takeover, for: id })];
}

function elsewhere(
  namesake: StackState,
  environments: readonly EnvironmentState[],
  project: string,
  host: StackTarget["stack"]["guest"]["host"],
): Hazard {
  const where = environments.find(({ id }) => id === namesake.environmentId)?.name ?? "a removed environment";
  const message = `Portainer creates no stack "${project}": one of that name is on ${where}`;
  const hint =
    markOf(namesake) === undefined
      ? "delete it in Portainer, or rename the stack"
      : `take it down first: \`phoenix sync stacks ${option.allow} prune\` while the stack is assigned to no machine`;
  return foreignHazard(message, { host, name: `stack ${project} on ${where}` }, hint);
}

async function servicesOf(io: Io, { id }: EnvironmentState, project: string): Promise<readonly string[]> {
  try {
    return (await io.apis.portainer.services(id, project)).map(({ name }) => name);
  } catch (error) {
    // No Swarm yet: nothing can be in it.
    if (!isUnavailable(error)) throw error;
    return [];
  }
}
