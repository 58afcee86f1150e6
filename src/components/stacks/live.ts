/** What Portainer and its engines have: the declared stacks, and those of ours that are no longer declared. */
import type { EnvironmentState, StackState, VolumeState } from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import { defined } from "../../defined.ts";
import { ApiError, hintOf, isUnavailable, messageOf, NotReadyError, TransportError } from "../../errors.ts";
import type { Site, StackVolume } from "../../model.ts";
import type { HostName, Resource } from "../../resource.ts";
import { Secret } from "../../secret.ts";
import { targetsOf } from "./compile.ts";
import { type SeenContainer, serviceState, tooManyRestarts } from "./containers.ts";
import { marker, type StackTarget, secretsOf, shownVariables, stackResource } from "./facts.ts";
import { liveOwners } from "./owners.ts";
import { runningCompose } from "./shown.ts";
import { liveSwarmStack, swarmStackOf, unusedObjects } from "./swarm/live.ts";
import { provedMs, Watch } from "./watch.ts";

/** @throws NotReadyError when Portainer does not answer, or has no environment for any declared stack */
export async function read(io: Io): Promise<readonly Resource[]> {
  const targets = targetsOf(io.site);
  const api = io.apis.portainer;
  const status = await api.status();
  if (status.state !== "up") {
    if (targets.length === 0) return [];
    const why = status.state === "down" ? status.reason : "it got no administrator in time";
    throw new NotReadyError(`Portainer does not answer: ${why}`, {
      hint: answerHint(io.site),
    });
  }
  const [environments, stacks] = await Promise.all([api.environments(), api.stacks()]);
  const isThere = ({ stack }: StackTarget): boolean =>
    environments.some(({ name }) => name === stack.portainerEnvironment);
  const [first] = targets;
  // A new Portainer has none of them yet.
  if (first !== undefined && !targets.some(isThere))
    environmentNamed(io.site, environments, first.stack.portainerEnvironment);
  const volumes = volumesOnce(io);
  const live = await Promise.all(
    targets.map(async (target): Promise<readonly Resource[]> => {
      try {
        const environment = environmentNamed(io.site, environments, target.stack.portainerEnvironment);
        if (target.swarm !== undefined) return await liveInSwarm(io, target, environment, stacks);
        const found = stackOf(stacks, environment.id, target.stack.project);
        return found === undefined ? [] : [await liveResource(io, target, environment, found, volumes)];
      } catch (error) {
        // A machine, its agent, its environment or its share that is not there: the other stacks go on.
        if (!isUnavailable(error)) throw error;
        io.unread([target.id], error);
        return [];
      }
    }),
  );
  const unused = await Promise.all(environments.map((environment) => unusedIn(io, environment, targets)));
  return [...live.flat(), ...orphansOf(io.site, environments, stacks, targets), ...unused.flat()];
}

async function liveInSwarm(
  io: Io,
  target: StackTarget,
  environment: EnvironmentState,
  stacks: readonly StackState[],
): Promise<readonly Resource[]> {
  const found = swarmStackOf(stacks, environment.id, target.stack.project);
  if (found === undefined) return [];
  const [resource] = await reached(environment, [
    liveSwarmStack(io, target, environment, found),
    undefined,
    undefined,
  ]);
  return [resource];
}

/** What no stack of a declared Swarm needs any more; nothing where it does not answer, which is told of its stacks. */
async function unusedIn(
  io: Io,
  environment: EnvironmentState,
  targets: readonly StackTarget[],
): Promise<readonly Resource[]> {
  if (!io.site.swarms.some((swarm) => swarm.environment === environment.name)) return [];
  try {
    return await unusedObjects(io, environment, targets);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return [];
  }
}

/** @throws NotReadyError when an environment's engine cannot be reached: its agent is gone, or its address is wrong */
async function reached<A, B, C>(
  { name }: EnvironmentState,
  answers: readonly [A | Promise<A>, B | Promise<B>, C | Promise<C>],
): Promise<readonly [A, B, C]> {
  try {
    return await Promise.all(answers);
  } catch (error) {
    if (!(error instanceof ApiError) && !(error instanceof TransportError)) throw error;
    throw new NotReadyError(`Portainer cannot reach environment ${name}: ${messageOf(error)}`, {
      hint: hintOf(error) ?? "`phoenix sync portainer` repairs its agent and its address",
    });
  }
}

/** What to do about a Portainer that does not answer. */
function answerHint({ externalPortainer }: Site): string {
  if (externalPortainer === undefined) return "`phoenix sync portainer` sets it up";
  const { address, port } = externalPortainer;
  return `portainer_api.url must lead to it, and its certificate must be trusted: \`openssl s_client -connect ${address}:${port} </dev/null | openssl x509 -noout -fingerprint -sha256\` shows the fingerprint for portainer_api.fingerprint`;
}

function shortNames(environments: readonly EnvironmentState[]): string {
  return environments.length === 0 ? "none" : environments.map(({ name }) => name).join(", ");
}

/** @throws NotReadyError */
export function environmentNamed(
  { externalPortainer }: Pick<Site, "externalPortainer">,
  environments: readonly EnvironmentState[],
  name: string,
): EnvironmentState {
  const found = environments.find((environment) => environment.name === name);
  if (found !== undefined) return found;
  throw new NotReadyError(`Portainer has no environment ${name}`, {
    hint:
      externalPortainer === undefined
        ? "`phoenix sync portainer` registers the environments of the site's virtual machines"
        : `it has ${shortNames(environments)}: name the right one with portainer_environment_name, or add it there`,
  });
}

/** The stack of a project on an environment. */
export function stackOf(
  stacks: readonly StackState[],
  environmentId: number,
  project: string,
): StackState | undefined {
  return stacks.find(
    (stack) => stack.compose && stack.environmentId === environmentId && stack.name.toLowerCase() === project,
  );
}

/** The volumes of environments, each listed once for all stacks. */
export function volumesOnce(io: Io): (environmentId: number) => Promise<readonly VolumeState[]> {
  const asked = new Map<number, Promise<readonly VolumeState[]>>();
  return (environmentId) => {
    const volumes = asked.get(environmentId) ?? io.apis.portainer.volumes(environmentId);
    asked.set(environmentId, volumes);
    return volumes;
  };
}

async function liveResource(
  io: Io,
  target: StackTarget,
  environment: EnvironmentState,
  found: StackState,
  volumesOf: ReturnType<typeof volumesOnce>,
): Promise<Resource> {
  const { stack, share } = target;
  const api = io.apis.portainer;
  const paths = [...target.files.keys()].map((path) => `${share.path}/${path}`);
  const [compose, [containers, volumes, networks], files, owners] = await Promise.all([
    api.stackFile(found.id),
    reached(environment, [
      new Watch(io, environment.id, target).look(),
      stack.volumes.length === 0 ? Promise.resolve([]) : volumesOf(environment.id),
      stack.networks.length === 0 ? Promise.resolve([]) : api.networks(environment.id),
    ]),
    io.host(share.host).readFiles(paths),
    liveOwners(io, stack, found.id),
  ]);
  const texts = new Map(
    [...target.files.keys()].flatMap((path): [string, string][] => {
      const text = files.get(`${share.path}/${path}`)?.text;
      return text === undefined ? [] : [[path, text]];
    }),
  );
  const facts = {
    ...defined({ owners }),
    id: target.id,
    host: stack.guest.host,
    project: stack.project,
    environment: stack.portainerEnvironment,
    compose,
    variables: shownVariables(stack, found.env),
    files: Object.fromEntries([...texts].map(([path, text]) => [path, new Secret(text).fingerprint()])),
    containers: containerStates(target, found, containers, provedMs(io)),
    volumes: Object.fromEntries(
      stack.volumes.flatMap(({ name }): [string, string][] =>
        volumes.some((volume) => volume.name === name) ? [[name, "present"]] : [],
      ),
    ),
    networks: Object.fromEntries(
      stack.networks.flatMap((name): [string, string][] =>
        networks.includes(name) ? [[name, "present"]] : [],
      ),
    ),
    sensitive: stack.files.length > 0,
  };
  return stackResource(facts, {
    ...runningCompose(compose, stack, target.prepared.text),
    secrets: secretsOf(stack, found.env, texts),
  });
}

/** Each declared service with the state of its containers, and containers of services that are no longer declared. */
function containerStates(
  { compose, services }: StackTarget,
  found: StackState,
  containers: readonly SeenContainer[],
  provedMs: number,
): Readonly<Record<string, string>> {
  const states = new Map<string, string>();
  for (const service of services) {
    const { kind, reason, container } = serviceState(service, containers, provedMs);
    // Whether it stays up is for the checks to prove, unless it has often not.
    const isUp = container?.state === "running" && container.restarts < tooManyRestarts;
    states.set(
      service.name,
      kind !== "fine" && !(kind === "proving" && isUp)
        ? reason
        : found.status === "active"
          ? `running ${service.image ?? ""}`
          : `stack ${found.status}`,
    );
  }
  for (const { service, state } of containers) {
    const isDeclared = compose?.services.some(({ name }) => name === service) ?? true;
    if (!isDeclared) states.set(service, `${state}, not declared`);
  }
  // Entries, not assignments: a service may be called `__proto__`.
  return Object.fromEntries(states);
}

/** A volume on the share, as Docker's own driver mounts it. */
export function volumeOf({ stack }: StackTarget, { name, directory }: StackVolume): VolumeState {
  const { server, path } = stack.share;
  return {
    name,
    driver: "local",
    options: { type: "nfs", o: `addr=${server},rw,nfsvers=4`, device: `:${path}/${directory}` },
    labels: { "phoenix.stack": stack.name },
  };
}

/** A note on an existing volume that leads elsewhere than declared; it holds data, so it is kept. */
export function volumeNote(
  target: StackTarget,
  declared: StackVolume,
  seen: VolumeState,
): string | undefined {
  const wanted = volumeOf(target, declared);
  const place = ({ options }: VolumeState): string =>
    `${/(?:^|,)addr=([^,]+)/.exec(options.o ?? "")?.[1] ?? ""}${options.device ?? ""}`;
  if (seen.driver === wanted.driver && place(seen) === place(wanted)) return undefined;
  const found = place(seen) || "no directory of the share";
  return `volume ${seen.name} on ${target.stack.guest.name} leads to ${found}, not to ${place(wanted)}; it was kept`;
}

/** The site's machine behind an environment. One without stacks of its own is no longer declared, and still runs what it ran. */
function machineOf(site: Site, { name, kind, url }: EnvironmentState): HostName | undefined {
  const declared =
    site.portainer?.environments.find((each) => each.name === name) ??
    site.stacks.find(({ portainerEnvironment }) => portainerEnvironment === name);
  if (declared !== undefined) return declared.guest.host;
  if (kind === "local") return site.portainer?.guest.host;
  const address = /^\w+:\/\/([^:/]+)/.exec(url)?.[1];
  return site.guests.find((guest) => guest.address !== undefined && guest.address === address)?.host;
}

/** Stacks with our mark that the site does not declare, on its machines. */
function orphansOf(
  site: Site,
  environments: readonly EnvironmentState[],
  stacks: readonly StackState[],
  targets: readonly StackTarget[],
): readonly Resource[] {
  return stacks.flatMap((found): readonly Resource[] => {
    const name = markOf(found);
    const environment = environments.find(({ id }) => id === found.environmentId);
    const host = environment && machineOf(site, environment);
    if (name === undefined || environment === undefined || host === undefined) return [];
    if (!found.compose && found.swarmId === undefined) return [];
    const declared = targets.some(
      ({ stack }) => stack.project === found.name && stack.portainerEnvironment === environment.name,
    );
    if (declared) return [];
    return [
      stackResource({
        id: `stacks/${targets.some(({ id }) => id === `stacks/${name}`) ? `${name}@${environment.name}` : name}`,
        host,
        project: found.name,
        environment: environment.name,
        compose: "",
        variables: {},
        files: {},
        containers: {},
        volumes: {},
        networks: {},
        sensitive: true,
      }),
    ];
  });
}

/** The name that our mark gives a stack; undefined for foreign stacks. */
export function markOf(found: StackState): string | undefined {
  return found.env.find(({ name }) => name === marker)?.value;
}
