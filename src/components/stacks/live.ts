/** What Portainer and the engines behind it have: stacks that are declared, and those that we made and nobody declares any more. */
import type {
  ContainerState,
  EnvironmentState,
  StackState,
  VolumeState,
} from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import { ApiError, CommandError, hintOf, messageOf, NotReadyError, TransportError } from "../../errors.ts";
import type { Site, StackVolume } from "../../model.ts";
import type { Resource } from "../../resource.ts";
import { Secret } from "../../secret.ts";
import { marker, type StackTarget, shownVariables, stackResource, targetsOf } from "./compile.ts";
import { serviceState } from "./containers.ts";

/** @throws NotReadyError when Portainer does not answer, or has no environment for a declared stack */
export async function read(io: Io): Promise<readonly Resource[]> {
  const targets = targetsOf(io.site);
  if (io.site.portainer === undefined && targets.length === 0) return [];
  const api = io.apis.portainer;
  const status = await api.status();
  if (status.state !== "up") {
    // Without any stack there is nothing to wait for.
    if (targets.length === 0) return [];
    const why = status.state === "down" ? status.reason : "its time for making an administrator is over";
    throw new NotReadyError(`Portainer does not answer: ${why}`, {
      hint: "`phoenix sync portainer` sets it up",
    });
  }
  const [environments, stacks] = await Promise.all([api.environments(), api.stacks()]);
  for (const { stack } of targets) environmentNamed(environments, stack.portainerEnvironment);
  const volumes = volumesOnce(io);
  const live = await Promise.all(
    targets.map(async (target): Promise<readonly Resource[]> => {
      const environment = environmentNamed(environments, target.stack.portainerEnvironment);
      const found = stackOf(stacks, environment.id, target.stack.project);
      if (found === undefined) return [];
      try {
        return [await liveResource(io, target, environment, found, volumes)];
      } catch (error) {
        if (!isWeather(error)) throw error;
        io.unread([target.id], error);
        return [];
      }
    }),
  );
  return [...live.flat(), ...orphansOf(io.site, environments, stacks, targets)];
}

/** A machine, its agent or its share that does not answer: the other stacks go on. */
function isWeather(error: unknown): error is ApiError | CommandError | NotReadyError | TransportError {
  return (
    error instanceof ApiError ||
    error instanceof CommandError ||
    error instanceof NotReadyError ||
    error instanceof TransportError
  );
}

/**
 * What an environment's engine says.
 * @throws NotReadyError when it cannot be reached: its agent is gone, or Portainer knows it by a wrong address
 */
async function reached<A, B>(
  { name }: EnvironmentState,
  answers: readonly [Promise<A>, Promise<B>],
): Promise<readonly [A, B]> {
  try {
    return await Promise.all(answers);
  } catch (error) {
    if (!(error instanceof ApiError) && !(error instanceof TransportError)) throw error;
    throw new NotReadyError(`Portainer does not reach environment ${name}: ${messageOf(error)}`, {
      hint: hintOf(error) ?? "`phoenix sync portainer` puts its agent and its address right",
    });
  }
}

/** @throws NotReadyError */
export function environmentNamed(environments: readonly EnvironmentState[], name: string): EnvironmentState {
  const found = environments.find((environment) => environment.name === name);
  if (found !== undefined) return found;
  throw new NotReadyError(`Portainer has no environment ${name}`, {
    hint: "`phoenix sync portainer` registers the environments of the site's virtual machines",
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

/** The volumes of environments, asked for once each however many stacks look at them. */
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
  const [compose, [containers, volumes], files] = await Promise.all([
    api.stackFile(found.id),
    reached(environment, [
      api.containers(environment.id, stack.project),
      stack.volumes.length === 0 ? Promise.resolve([]) : volumesOf(environment.id),
    ]),
    io.host(share.host).readFiles(paths),
  ]);
  return stackResource({
    id: target.id,
    host: stack.guest.host,
    project: stack.project,
    environment: stack.portainerEnvironment,
    compose,
    variables: shownVariables(stack, found.env),
    files: Object.fromEntries(
      [...target.files.keys()].flatMap((path): [string, string][] => {
        const text = files.get(`${share.path}/${path}`)?.text;
        return text === undefined ? [] : [[path, new Secret(text).fingerprint()]];
      }),
    ),
    containers: containerWords(target, found, containers),
    volumes: Object.fromEntries(
      stack.volumes.flatMap(({ name }): [string, string][] =>
        volumes.some((volume) => volume.name === name) ? [[name, "present"]] : [],
      ),
    ),
    sensitive: stack.files.length > 0,
  });
}

/** Each declared service with what its containers do, and containers of services that are declared no more. */
function containerWords(
  { compose, services }: StackTarget,
  found: StackState,
  containers: readonly ContainerState[],
): Readonly<Record<string, string>> {
  const words: Record<string, string> = {};
  for (const service of services) {
    const { kind, words: said } = serviceState(service, containers);
    words[service.name] =
      kind !== "fine"
        ? said
        : found.status === "active"
          ? `running ${service.image ?? ""}`
          : `stack ${found.status}`;
  }
  for (const { service, state } of containers) {
    const isDeclared = compose?.services.some(({ name }) => name === service) ?? true;
    if (!isDeclared) words[service] = `${state}, not declared`;
  }
  return words;
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

/** Where a volume that is there leads, when that is not where it was declared to; its data is there, so it is kept. */
export function leadsElsewhere(
  target: StackTarget,
  declared: StackVolume,
  seen: VolumeState,
): string | undefined {
  const wanted = volumeOf(target, declared);
  const place = ({ options }: VolumeState): string =>
    `${/(?:^|,)addr=([^,]+)/.exec(options.o ?? "")?.[1] ?? ""}${options.device ?? ""}`;
  if (seen.driver === wanted.driver && place(seen) === place(wanted)) return undefined;
  const found = place(seen) === "" ? "no directory of the share" : place(seen);
  return `volume ${seen.name} on ${target.stack.guest.name} leads to ${found}, not to ${place(wanted)}; it was kept as it is`;
}

/** Stacks with our mark that the site does not declare, on environments that it knows. */
function orphansOf(
  site: Site,
  environments: readonly EnvironmentState[],
  stacks: readonly StackState[],
  targets: readonly StackTarget[],
): readonly Resource[] {
  return stacks.flatMap((found): readonly Resource[] => {
    const name = markOf(found);
    const environment = environments.find(({ id }) => id === found.environmentId);
    const known = site.portainer?.environments.find((each) => each.name === environment?.name);
    if (name === undefined || environment === undefined || known === undefined || !found.compose) return [];
    const declared = targets.some(
      ({ stack }) => stack.project === found.name && stack.portainerEnvironment === environment.name,
    );
    if (declared) return [];
    return [
      stackResource({
        id: `stacks/${targets.some(({ id }) => id === `stacks/${name}`) ? `${name}@${environment.name}` : name}`,
        host: known.guest.host,
        project: found.name,
        environment: environment.name,
        compose: "",
        variables: {},
        files: {},
        containers: {},
        volumes: {},
        sensitive: true,
      }),
    ];
  });
}

/** The name that our mark gives a stack; undefined for other people's. */
export function markOf(found: StackState): string | undefined {
  return found.env.find(({ name }) => name === marker)?.value;
}

/** What a resource of ours says about where it is. */
export function placeOf(resource: Resource): { readonly project: string; readonly environment: string } {
  return JSON.parse(resource.text) as { project: string; environment: string };
}
