/** Bringing one stack of a Swarm to what is declared, and back. */
import type {
  EnvironmentState,
  StackAccess,
  StackDefinition,
  StackState,
} from "../../../apis/portainer/index.ts";
import type { SwarmObjectKind } from "../../../apis/portainer/swarm.ts";
import type { Io } from "../../../component.ts";
import { ApiError } from "../../../errors.ts";
import { shareDirectory } from "../../../fabric/guests.ts";
import { swarmServices } from "../../../formats/compose/swarm/services.ts";
import { poll } from "../../../poll.ts";
import type { Resource, ResourceId } from "../../../resource.ts";
import { proveFile } from "../candidate.ts";
import { marker, type StackTarget } from "../facts.ts";
import { environmentNamed } from "../live.ts";
import { accessOf } from "../owners.ts";
import { type ObjectFacts, objectLabel, swarmOf, swarmStackOf } from "./live.ts";
import { settled, taskWords, type Watched } from "./watch.ts";

/** A stack of a Swarm before a run changed it. */
export interface PreviousInSwarm {
  readonly environmentId: number;
  readonly swarmId: string;
  readonly project: string;
  /** Absent when Portainer had none. */
  readonly definition?: StackDefinition;
  /** The tasks from before the latest deployment. */
  known: ReadonlySet<string>;
  /** Configs and secrets that the run has made. */
  readonly made: { readonly kind: SwarmObjectKind; readonly name: string }[];
  access?: StackAccess;
  /** Whether Portainer was asked to change anything. */
  sent: boolean;
}

const remembered = new WeakMap<Io, Map<ResourceId, PreviousInSwarm>>();

export function previousInSwarm(io: Io, id: ResourceId): PreviousInSwarm | undefined {
  return remembered.get(io)?.get(id);
}

function remember(io: Io, id: ResourceId, previous: PreviousInSwarm): void {
  const known = remembered.get(io) ?? new Map<ResourceId, PreviousInSwarm>();
  remembered.set(io, known.set(id, previous));
}

/** @throws CandidateError, ApiError with the client's words, or with what its tasks say */
export async function deployInSwarm(io: Io, target: StackTarget): Promise<void> {
  const { stack, prepared, env } = target;
  const api = io.apis.portainer;
  proveFile(target);
  const environment = environmentNamed(io.site, await api.environments(), stack.portainerEnvironment);
  const swarmId = await swarmOf(io, environment);
  const found = swarmStackOf(await api.stacks(), environment.id, stack.project);
  const file = found === undefined ? undefined : await api.stackFile(found.id);
  const previous: PreviousInSwarm = {
    environmentId: environment.id,
    swarmId,
    project: stack.project,
    ...(found && file !== undefined ? { definition: { name: found.name, file, env: found.env } } : {}),
    known: await tasksBefore(io, environment.id, stack.project),
    made: [],
    sent: false,
  };
  remember(io, target.id, previous);
  const access = await accessOf(io, stack);
  if (access !== undefined && found !== undefined) previous.access = await api.stackAccess(found.id);
  await prepareShare(io, target);
  await makeNetworks(io, target, environment);
  await makeObjects(io, target, environment, previous);

  // A foreign stack is here with consent alone: it is ours from now on.
  const variables = [...env, { name: marker, value: stack.name }];
  const definition = { name: stack.project, file: prepared.text, env: variables };
  previous.sent = true;
  // Of a Swarm that is no more, Portainer still has the row.
  const isOther = found !== undefined && found.swarmId !== swarmId;
  if (isOther) await api.deleteStack(found.id, environment.id);
  if (found === undefined) await clear(io, environment, stack.project);
  const { id } =
    found === undefined || isOther
      ? await api.createSwarmStack(environment.id, swarmId, definition)
      : await api.updateStack(found.id, environment.id, definition);
  if (access !== undefined) await api.setStackAccess(id, access);
  const services = target.swarm?.services ?? [];
  const name = stack.name;
  const { known } = previous;
  const watched = { environmentId: environment.id, project: stack.project, name, services, known };
  // Nobody uses a new stack yet: `verify` proves all of them side by side.
  await prove(io, watched, name, found === undefined || isOther ? "started" : "proved");
}

async function tasksBefore(io: Io, environmentId: number, project: string): Promise<ReadonlySet<string>> {
  return new Set((await io.apis.portainer.tasks(environmentId, project)).map(({ id }) => id));
}

/** Directories that volumes lead to, and the files of the stack in them. */
async function prepareShare(io: Io, { stack, share, swarm, files }: StackTarget): Promise<void> {
  const host = io.host(share.host);
  const base = shareDirectory(io.site, stack.guest, stack.share).path;
  for (const directory of swarm?.directories ?? []) await host.makeDirectory(`${base}/${directory}`);
  await host.writeFiles(
    [...files].map(([path, { content, mode }]) => ({
      path: `${share.path}/${path}`,
      text: content.reveal(),
      mode,
    })),
  );
}

async function makeNetworks(io: Io, { stack }: StackTarget, { id }: EnvironmentState): Promise<void> {
  if (stack.networks.length === 0) return;
  const known = await io.apis.portainer.overlayNetworks(id);
  for (const name of stack.networks.filter((each) => !known.includes(each)))
    await io.apis.portainer.createOverlayNetwork(id, name);
}

/** Configs and secrets that are there have the same content: their names say so. */
async function makeObjects(
  io: Io,
  { stack, swarm }: StackTarget,
  { id }: EnvironmentState,
  previous: PreviousInSwarm,
): Promise<void> {
  const api = io.apis.portainer;
  for (const kind of ["config", "secret"] as const) {
    const wanted = (swarm?.objects ?? []).filter((each) => each.kind === kind);
    if (wanted.length === 0) continue;
    const known = new Set((await api.swarmObjects(id, kind)).map(({ name }) => name));
    for (const { name, content } of wanted.filter((each) => !known.has(each.name))) {
      await api.createSwarmObject(id, kind, { name, content, labels: { [objectLabel]: stack.name } });
      previous.made.push({ kind, name });
    }
  }
}

/** How long a service's tasks may take to end. Milliseconds. */
const endMs = 60_000;

/** Removes what has the stack's name and was not made as a stack of the Swarm through Portainer: it is here with consent alone. */
async function clear(io: Io, environment: EnvironmentState, project: string): Promise<void> {
  const api = io.apis.portainer;
  const standalone = (await api.stacks()).find(
    (each) => each.compose && each.environmentId === environment.id && each.name === project,
  );
  if (standalone !== undefined) await api.deleteStack(standalone.id, environment.id);
  const services = await api.services(environment.id, project);
  if (services.length === 0) return;
  for (const { id } of services) await api.removeService(environment.id, id);
  io.waiting(`the previous tasks of ${project} to end`, endMs);
  // Until then they hold their ports.
  await poll(
    { clock: io.clock, forMs: endMs, pauseMs: 250, longestPauseMs: 1_000 },
    () => api.tasks(environment.id, project),
    (tasks) => !tasks.some(({ state }) => state === "running"),
  );
  io.note(`the services of ${project} that the command line had made were removed; their volumes stay`);
}

/** Restores the previous definition at once, whatever Swarm itself has done: Portainer's file is the new one. */
export async function restoreInSwarm(io: Io, previous: PreviousInSwarm, name: string): Promise<void> {
  const { environmentId, swarmId, project, definition, access, made } = previous;
  const api = io.apis.portainer;
  if (previous.sent) {
    const found = swarmStackOf(await api.stacks(), environmentId, project);
    if (definition === undefined) {
      if (found !== undefined) await api.deleteStack(found.id, environmentId);
    } else {
      const known = await tasksBefore(io, environmentId, project);
      previous.known = known;
      const { id } =
        found === undefined
          ? await api.createSwarmStack(environmentId, swarmId, definition)
          : await api.updateStack(found.id, environmentId, definition);
      if (access !== undefined) await api.setStackAccess(id, access);
      const variables = new Map(definition.env.map((each) => [each.name, each.value]));
      const services = swarmServices(definition.file, variables, project) ?? [];
      const watched = { environmentId, project, name: `${name}, as it was`, services, known };
      await prove(io, watched, name);
    }
  }
  await removeObjects(io, environmentId, made);
}

/** Takes down a stack that is no longer declared, and remembers it. */
export async function pruneInSwarm(
  io: Io,
  id: ResourceId,
  { id: stackId, name, env, environmentId, swarmId = "" }: StackState,
): Promise<void> {
  const api = io.apis.portainer;
  const previous: PreviousInSwarm = {
    ...{ environmentId, swarmId, project: name, made: [], sent: true },
    definition: { name, file: await api.stackFile(stackId), env },
    known: new Set(),
  };
  remember(io, id, previous);
  await api.deleteStack(stackId, environmentId);
}

async function removeObjects(
  io: Io,
  environmentId: number,
  names: readonly { readonly kind: SwarmObjectKind; readonly name: string }[],
): Promise<readonly string[]> {
  const api = io.apis.portainer;
  const kept: string[] = [];
  for (const kind of ["config", "secret"] as const) {
    const wanted = names.filter((each) => each.kind === kind).map(({ name }) => name);
    if (wanted.length === 0) continue;
    for (const { id, name } of await api.swarmObjects(environmentId, kind))
      if (wanted.includes(name) && !(await api.removeSwarmObject(environmentId, kind, id))) kept.push(name);
  }
  return kept;
}

/** @throws ApiError when a service does not run as asked within its time, with the end of its task's log */
async function prove(
  io: Io,
  watched: Watched,
  stack: string,
  until: "started" | "proved" = "proved",
): Promise<void> {
  const states = [...(await settled(io, watched, until))];
  const wrong =
    states.find(([, { kind }]) => kind === "broken") ?? states.find(([, { kind }]) => kind !== "fine");
  if (wrong === undefined) return;
  const [service, { reason, task }] = wrong;
  const words = await taskWords(io, watched.environmentId, task);
  throw new ApiError(500, `${service} of stack ${stack} does not run: ${reason}${words}`, {
    hint: "`docker service ps --no-trunc` on a manager shows its tasks",
  });
}

/** Removes a config or secret of ours that no service uses. */
export async function pruneObject(io: Io, { text }: Resource): Promise<void> {
  const { object, name, environment } = JSON.parse(text) as ObjectFacts;
  const { id } = environmentNamed(io.site, await io.apis.portainer.environments(), environment);
  const kept = await removeObjects(io, id, [{ kind: object, name }]);
  if (kept.length > 0) io.note(`${object} ${name} was kept: a service uses it`);
}

/** Whether a resource is a config or secret of its own. */
export function isObjectResource({ text }: Resource): boolean {
  const { object } = JSON.parse(text) as Partial<ObjectFacts>;
  return object === "config" || object === "secret";
}
