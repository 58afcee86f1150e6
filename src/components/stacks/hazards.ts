/** What stacks meet that somebody else made: stacks of their name in Portainer, containers on their ports. Reads only. */
import { foreignHazard, type Hazard, type Io } from "../../component.ts";
import { readCompose } from "../../formats/compose/index.ts";
import type { MachineContainer } from "../../formats/docker/index.ts";
import { type Change, type HostName, subjectOf } from "../../resource.ts";
import { containerHazards, containersOn, type Needs } from "../foreign/containers.ts";
import { targetsOf } from "./compile.ts";
import { marker, type StackTarget } from "./facts.ts";
import { markOf, stackOf } from "./live.ts";
import { type PortainerState, swarmHazards } from "./swarm/hazards.ts";

export async function hazards(changes: readonly Change[], io: Io): Promise<readonly Hazard[]> {
  const changed = new Set(
    changes.filter(({ verb }) => verb !== "delete").map((change) => subjectOf(change).id),
  );
  const targets = targetsOf(io.site).filter(({ id }) => changed.has(id));
  if (targets.length === 0) return [];
  const portainer = await portainerState(io);
  const ofMachines = targets.filter(({ swarm }) => swarm === undefined);
  const machines = [...new Set(ofMachines.map(({ stack }) => stack.guest.host))];
  const found = await Promise.all([
    ...targets.map((target) =>
      (target.swarm === undefined ? stackHazards : swarmHazards)(io, target, portainer),
    ),
    ...machines.map((machine) => machineHazards(io, machine, ofMachines, portainer)),
  ]);
  return found.flat();
}

/** Nothing while it does not answer: its stacks are looked at again when it does. */
async function portainerState({ apis: { portainer } }: Io): Promise<PortainerState> {
  if ((await portainer.status()).state !== "up" || !(await portainer.adminExists()))
    return { environments: [], stacks: [] };
  const [environments, stacks] = await Promise.all([portainer.environments(), portainer.stacks()]);
  return { environments, stacks };
}

/** A stack of the declared name without our mark, with what it would lose. */
async function stackHazards(
  io: Io,
  target: StackTarget,
  { environments, stacks }: PortainerState,
): Promise<readonly Hazard[]> {
  const { stack, env, compose } = target;
  const environment = environments.find(({ name }) => name === stack.portainerEnvironment);
  const found = environment && stackOf(stacks, environment.id, stack.project);
  if (found === undefined || markOf(found) !== undefined) return [];
  const variables = new Map(found.env.map(({ name, value }) => [name, value]));
  const live = readCompose(await io.apis.portainer.stackFile(found.id), variables, stack.project).compose;
  const declared = new Set(compose?.volumes.map(({ name }) => name));
  const lost = found.env.filter(({ name }) => name !== marker && !env.some((each) => each.name === name));
  const moved = env.filter(({ name, value }) => variables.has(name) && variables.get(name) !== value);
  const unused = (live?.volumes ?? []).filter(({ name }) => !declared.has(name));
  const losses = [
    ...listed("variable", "is removed", "are removed", lost),
    ...listed("variable", "gets another value", "get other values", moved),
    ...listed("volume", "stays and is no longer used", "stay and are no longer used", unused),
  ];
  const message = `stack "${found.name}" on ${environment?.name} was made in Portainer by somebody else`;
  const takeover = [`it becomes what ${stack.compose.file} declares`, ...losses].join("; ");
  return [foreignHazard(message, { host: stack.guest.host, name: `stack ${found.name}`, takeover })];
}

function listed(
  what: string,
  one: string,
  several: string,
  found: readonly { readonly name: string }[],
): readonly string[] {
  const names = found.map(({ name }) => name).join(", ");
  if (found.length === 0) return [];
  return [found.length === 1 ? `${what} ${names} ${one}` : `${what}s ${names} ${several}`];
}

async function machineHazards(
  io: Io,
  machine: HostName,
  targets: readonly StackTarget[],
  { environments, stacks }: PortainerState,
): Promise<readonly Hazard[]> {
  const here = targets.filter(({ stack }) => stack.guest.host === machine);
  const environmentNames = new Set(here.map(({ stack }) => stack.portainerEnvironment));
  const ids = new Set(environments.filter(({ name }) => environmentNames.has(name)).map(({ id }) => id));
  const ours = new Set([
    ...io.site.stacks.filter(({ guest }) => guest.host === machine).map(({ project }) => project),
    ...stacks.filter((each) => ids.has(each.environmentId) && markOf(each)).map(({ name }) => name),
  ]);
  const isForeign = ({ project, label }: MachineContainer): boolean => label === "" && !ours.has(project);
  const [made, held] = await Promise.all([
    handMadeHazards(io, machine, here),
    containerHazards("stacks", io, machine, here.map(needsOf), isForeign),
  ]);
  return [...made, ...held];
}

/** Where Portainer keeps the Compose files of its stacks (2.x). A project of another directory was not made through it. */
const directoryOfPortainer = "/data/compose/";

/** Compose projects that have a stack's name and that somebody runs by hand. */
async function handMadeHazards(
  io: Io,
  machine: HostName,
  targets: readonly StackTarget[],
): Promise<readonly Hazard[]> {
  const containers = await containersOn(io.host(machine));
  return targets.flatMap(({ id, stack }): Hazard[] => {
    const own = containers.filter(({ project }) => project === stack.project);
    const [made, ...others] = own.filter(
      ({ directory }) => directory !== "" && !directory.startsWith(directoryOfPortainer),
    );
    if (made === undefined) return [];
    const names = [made, ...others].map(({ name }) => `"${name}"`).join(", ");
    const message = `Compose project "${stack.project}" on ${machine} is run by hand from ${made.directory}: ${names}`;
    const takeover = `its containers become what ${stack.compose.file} declares; its volumes and ${made.directory} stay`;
    const name = `Compose project ${stack.project}`;
    return [foreignHazard(message, { host: machine, name, takeover, for: id })];
  });
}

export function needsOf({ id, services }: StackTarget): Needs {
  return {
    resource: id,
    ports: services
      .flatMap(({ ports }) => ports)
      .flatMap(({ published: port, protocol, hostIp: address }) =>
        port === undefined ? [] : [{ port, protocol, address }],
      ),
    names: services.flatMap(({ containerName }) => containerName ?? []),
  };
}
