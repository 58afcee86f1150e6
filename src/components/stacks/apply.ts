/** Bringing one stack to what is declared, and back. */
import type {
  ContainerState,
  EnvironmentState,
  StackDefinition,
  StackState,
} from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import { ApiError } from "../../errors.ts";
import { shareDirectory } from "../../fabric/guests.ts";
import type { FileWrite } from "../../hosts/host.ts";
import { type Change, type Resource, subjectOf } from "../../resource.ts";
import { applyContainer, isForeignContainer } from "../foreign/containers.ts";
import { prove } from "./candidate.ts";
import { targetsOf } from "./compile.ts";
import { provedState } from "./containers.ts";
import { marker, type StackFacts, type StackTarget } from "./facts.ts";
import { makeRoom, removeOrphans, servicesIn } from "./leftovers.ts";
import { environmentNamed, markOf, stackOf, volumeOf } from "./live.ts";
import { madeContainers } from "./made.ts";
import { accessOf } from "./owners.ts";
import { type Previous, previousOf, remember } from "./previous.ts";
import {
  deployInSwarm,
  isObjectResource,
  previousInSwarm,
  pruneInSwarm,
  pruneObject,
  restoreInSwarm,
} from "./swarm/apply.ts";
import { swarmStackOf } from "./swarm/live.ts";
import { lastWords, proved, provedMs, started, Watch } from "./watch.ts";

/** Makes one change. A change that does not lead to the declared state is a rollback. */
export async function apply(change: Change, io: Io): Promise<void> {
  if (isForeignContainer(subjectOf(change))) return applyContainer(change, io);
  const subject = subjectOf(change);
  if (isObjectResource(subject)) return pruneObject(io, subject);
  const target = targetsOf(io.site).find(({ id }) => id === subject.id);
  if (change.verb !== "delete" && target !== undefined && target.resource.text === subject.text)
    return target.swarm === undefined ? deploy(io, target) : deployInSwarm(io, target);
  const inSwarm = previousInSwarm(io, subject.id);
  if (inSwarm !== undefined) return restoreInSwarm(io, inSwarm, target?.stack.name ?? inSwarm.project);
  const previous = previousOf(io, subject.id);
  if (previous !== undefined) return restore(io, previous, target);
  if (change.verb === "delete" && target === undefined) return prune(io, subject);
}

async function deploy(io: Io, target: StackTarget): Promise<void> {
  const { stack, share, prepared, env } = target;
  const api = io.apis.portainer;
  const environment = environmentNamed(io.site, await api.environments(), stack.portainerEnvironment);
  // Read again: an earlier create may have succeeded although its answer was lost.
  const found = stackOf(await api.stacks(), environment.id, stack.project);
  const file = found === undefined ? undefined : await api.stackFile(found.id);
  const running = await api.containers(environment.id, stack.project);
  const paths = [...target.files.keys()].map((path) => `${share.path}/${path}`);
  const files = await io.host(share.host).readFiles(paths);
  const live = found === undefined || file === undefined ? undefined : { stack: found, file };
  const previous: Previous = {
    environmentId: environment.id,
    project: stack.project,
    ...(live && { definition: { name: live.stack.name, file: live.file, env: live.stack.env } }),
    adopted: found === undefined && running.length > 0,
    share,
    files: new Map(paths.map((path) => [path, files.get(path)])),
    services: [...new Set(running.map(({ service }) => service))],
    made: await madeContainers(io.host(stack.guest.host), stack.project),
    stopped: [],
    sent: false,
  };
  remember(io, target.id, previous);
  const access = await accessOf(io, stack);
  if (access !== undefined && found !== undefined) previous.access = await api.stackAccess(found.id);
  await prove(io, target, environment);
  await prepareShare(io, target);
  await makeVolumes(io, target, environment);
  await makeNetworks(io, target, environment);
  await makeRoom(io, target, running, previous);

  // A foreign stack is here with consent alone: it is ours from now on.
  const variables = [...env, { name: marker, value: stack.name }];
  const definition = { name: stack.project, file: prepared.text, env: variables };
  previous.sent = true;
  const { id } =
    found === undefined
      ? await create(io, environment, definition, running)
      : await api.updateStack(found.id, environment.id, definition);
  if (access !== undefined) await api.setStackAccess(id, access);
  await settle(io, target, environment, previous.stopped.length > 0 ? proved : started);
  const declared = target.compose?.services.map(({ name }) => name) ?? [];
  await removeOrphans(io, environment.id, stack.project, declared);
  for (const each of previous.stopped) await api.removeContainer(environment.id, each);
}

/**
 * Portainer up to 2.39 adopts running containers, unless a stack of another environment has their name: then it refuses
 * (409), as it does after it lost its data. In that case the containers are removed first; their volumes stay.
 */
async function create(
  io: Io,
  environment: EnvironmentState,
  definition: StackDefinition,
  running: readonly ContainerState[],
): Promise<StackState> {
  const api = io.apis.portainer;
  try {
    return await api.createStack(environment.id, definition);
  } catch (error) {
    const elsewhere = (await api.stacks()).filter(({ name }) => name === definition.name);
    const inTheWay =
      elsewhere.length === 0 || elsewhere.some((each) => each.environmentId === environment.id);
    if (!(error instanceof ApiError) || error.status !== 409 || running.length === 0 || inTheWay) throw error;
    for (const { id } of running) await api.removeContainer(environment.id, id);
    const created = await api.createStack(environment.id, definition);
    io.note(
      `the containers of ${definition.name} on ${environment.name} were recreated: Portainer cannot adopt running ones while a stack of another environment has their name`,
    );
    return created;
  }
}

/** The stack's directory, its files, and the directories of its volumes. */
async function prepareShare(io: Io, target: StackTarget): Promise<void> {
  const { stack, share } = target;
  const host = io.host(share.host);
  const base = shareDirectory(io.site, stack.guest, stack.share).path;
  // Only root may enter it: what containers read through a bind may be readable for everybody.
  await host.makeDirectory(share.path, { mode: "700" });
  // Docker sets the owner that the image needs.
  for (const { directory } of stack.volumes) await host.makeDirectory(`${base}/${directory}`);
  await host.writeFiles(
    [...target.files].map(([path, { content, mode }]) => ({
      path: `${share.path}/${path}`,
      text: content.reveal(),
      mode,
    })),
  );
}

/** Existing volumes stay as they are: they hold somebody's data. */
async function makeVolumes(io: Io, target: StackTarget, environment: EnvironmentState): Promise<void> {
  const { volumes } = target.stack;
  if (volumes.length === 0) return;
  const known = new Set((await io.apis.portainer.volumes(environment.id)).map(({ name }) => name));
  for (const volume of volumes)
    if (!known.has(volume.name))
      await io.apis.portainer.createVolume(environment.id, volumeOf(target, volume));
}

/** External networks that phoenix.json has created before a deployment; those that are there stay as they are. */
async function makeNetworks(io: Io, { stack }: StackTarget, { id }: EnvironmentState): Promise<void> {
  if (stack.networks.length === 0) return;
  const known = await io.apis.portainer.networks(id);
  for (const name of stack.networks.filter((each) => !known.includes(each)))
    await io.apis.portainer.createNetwork(id, name);
}

/**
 * Waits until every container has started, so that what cannot run is rolled back at once. Whether they stay up is proved
 * by `verify`, for all stacks side by side; here only when what was stopped for them is removed next.
 * @throws ApiError with the end of a container's log when one does not come up
 */
async function settle(
  io: Io,
  target: StackTarget,
  { id }: EnvironmentState,
  wait: typeof started | typeof proved,
): Promise<void> {
  const { stack, services } = target;
  const seen = await wait(io, new Watch(io, id, target), target);
  for (const service of services) {
    const { kind, reason, container } = provedState(service, seen, provedMs(io));
    if (kind === "fine" || (kind === "proving" && wait === started)) continue;
    const message = `${service.name} of stack ${stack.name} does not run on ${stack.guest.name}: ${reason}`;
    throw new ApiError(500, `${message}${await lastWords(io, id, container)}`, {
      hint: `\`docker logs\` of the container on ${stack.guest.host} shows why, while it exists`,
    });
  }
}

/** Restores the previous state: its files, and the definition if Portainer was asked to change it. */
async function restore(io: Io, previous: Previous, target: StackTarget | undefined): Promise<void> {
  const { environmentId, share, files } = previous;
  const host = io.host(share.host);
  const writes = [...files].flatMap(([path, state]): FileWrite[] =>
    state === undefined ? [] : [{ path, text: state.text, mode: state.mode, owner: state.owner }],
  );
  if (writes.length > 0) await host.writeFiles(writes);
  await host.remove([...files].flatMap(([path, state]) => (state === undefined ? [path] : [])));
  const api = io.apis.portainer;
  if (previous.sent) await restoreStack(io, previous, target);
  for (const id of previous.stopped) await api.startContainer(environmentId, id);
}

async function restoreStack(io: Io, previous: Previous, target: StackTarget | undefined): Promise<void> {
  const { environmentId, project, definition, adopted, services } = previous;
  const api = io.apis.portainer;
  const found = stackOf(await api.stacks(), environmentId, project);
  if (definition !== undefined) {
    // What the new version started may hold a port that the previous one needs.
    await removeOrphans(io, environmentId, project, [...services, ...servicesIn(definition, project)]);
    const { id } =
      found === undefined
        ? await api.createStack(environmentId, definition)
        : await api.updateStack(found.id, environmentId, definition);
    if (previous.access !== undefined) await api.setStackAccess(id, previous.access);
    return;
  }
  if (found === undefined) return;
  if (adopted) {
    await removeOrphans(io, environmentId, project, services);
    io.note(
      `stack ${target?.stack.name ?? project} stays in Portainer: removing it would end containers that ran before`,
    );
    return;
  }
  await api.deleteStack(found.id, environmentId);
}

/** Takes down a stack of ours that is no longer declared. Its volumes and its files on the share stay. */
async function prune(io: Io, subject: Resource): Promise<void> {
  const api = io.apis.portainer;
  const { project, environment: name } = JSON.parse(subject.text) as StackFacts;
  const environment = environmentNamed(io.site, await api.environments(), name);
  const stacks = await api.stacks();
  const found = stackOf(stacks, environment.id, project) ?? swarmStackOf(stacks, environment.id, project);
  if (found === undefined || markOf(found) === undefined) return;
  if (found.swarmId === undefined) await pruneOnMachine(io, subject, found);
  else await pruneInSwarm(io, subject.id, found);
  io.note(`stack ${project} was taken down; its volumes and its directory on the share were kept`);
}

async function pruneOnMachine(io: Io, subject: Resource, found: StackState): Promise<void> {
  const api = io.apis.portainer;
  const { id, name: project, environmentId } = found;
  remember(io, subject.id, {
    environmentId,
    project,
    definition: { name: project, file: await api.stackFile(id), env: found.env },
    adopted: false,
    share: { host: "pve", path: "" },
    files: new Map(),
    services: [],
    made: await madeContainers(io.host(subject.host), project),
    stopped: [],
    sent: true,
  });
  await api.deleteStack(id, environmentId);
}
