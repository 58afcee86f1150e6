/** Containers of a Swarm's tasks, as their node's engine has them. Pure. */

import type { YamlObject } from "../compose-values.ts";
import { healthDefaults } from "../lifecycle.ts";
import {
  type ContainerMount,
  type ContainerSpec,
  type EngineState,
  type EngineVolume,
  fullReference,
  type HealthCheck,
  imageId,
  type LabContainer,
} from "../state.ts";
import {
  imageOf,
  listAt,
  nameOf,
  objectAt,
  type SwarmNode,
  type SwarmState,
  type SwarmTask,
  taskName,
  textsAt,
} from "./state.ts";

/** What a task's container is made from. */
export function containerSpecOf(swarm: SwarmState, task: SwarmTask): ContainerSpec {
  const container = objectAt(task.spec, "ContainerSpec");
  const service = swarm.services.find(({ id }) => id === task.service);
  const healthcheck = healthcheckOf(container.Healthcheck);
  const name = taskName(swarm, task);
  return {
    name,
    image: imageOf(task.spec),
    command: textsAt(container, "Args"),
    entrypoint: textsAt(container, "Command"),
    env: textsAt(container, "Env"),
    labels: {
      ...textsOf(container.Labels),
      "com.docker.swarm.node.id": task.node,
      "com.docker.swarm.service.id": task.service,
      "com.docker.swarm.service.name": service === undefined ? "" : nameOf(service),
      "com.docker.swarm.task": "",
      "com.docker.swarm.task.id": task.id,
      "com.docker.swarm.task.name": name,
    },
    ports: task.bound,
    mounts: mountsOf(task.spec),
    networks: networkNames(swarm, task),
    restart: "no",
    ...(healthcheck === undefined ? {} : { healthcheck }),
  };
}

export function textsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(objectAt(value)).map(([name, each]): [string, string] => [name, String(each)]),
  );
}

function networkNames(swarm: SwarmState, task: SwarmTask): readonly string[] {
  const names = task.addresses.map(
    ({ network }) => swarm.networks.find(({ id }) => id === network)?.name ?? network,
  );
  return names.length === 0 ? ["bridge"] : names;
}

export function mountsOf(spec: YamlObject): readonly ContainerMount[] {
  return listAt(objectAt(spec, "ContainerSpec"), "Mounts")
    .filter(({ Type }) => Type === undefined || Type === "bind" || Type === "volume")
    .map(({ Type, Source, Target, ReadOnly }) => ({
      type: Type === "bind" ? "bind" : "volume",
      source: String(Source ?? ""),
      target: String(Target ?? ""),
      readOnly: ReadOnly === true,
      create: false,
    }));
}

/** Volumes that a task's node makes for it, with the options that the mounts name. */
export function volumesOf(spec: YamlObject, createdAt: number): readonly EngineVolume[] {
  return listAt(objectAt(spec, "ContainerSpec"), "Mounts")
    .filter(({ Type, Source }) => Type === "volume" && String(Source ?? "") !== "")
    .map(({ Source, VolumeOptions }) => {
      const options = objectAt(VolumeOptions);
      const driver = objectAt(options, "DriverConfig");
      return {
        name: String(Source),
        driver: String(driver.Name ?? "") || "local",
        options: textsOf(driver.Options),
        labels: textsOf(options.Labels),
        createdAt,
      };
    });
}

function healthcheckOf(value: unknown): HealthCheck | undefined {
  const health = objectAt(value);
  const test = textsAt(health, "Test");
  if (test.length === 0 || test[0] === "NONE") return undefined;
  const ms = (name: string, unless: number): number => Number(health[name] ?? 0) / 1e6 || unless;
  return {
    intervalMs: ms("Interval", healthDefaults.intervalMs),
    startIntervalMs: ms("StartInterval", healthDefaults.startIntervalMs),
    startPeriodMs: ms("StartPeriod", healthDefaults.startPeriodMs),
    retries: Number(health.Retries ?? 0) || healthDefaults.retries,
    // What a probe asks is not played: it passes unless it cannot.
    passes: !/^(\/bin\/)?false$|^exit [1-9]/.test(test.at(-1) ?? ""),
  };
}

/** By node, for each state of a Swarm that no longer changes: every request to an engine asks for them. */
const known = new WeakMap<SwarmState, Map<string, readonly LabContainer[]>>();

/** The containers on a node: of tasks that have started there, running or not. */
export function taskContainers(swarm: SwarmState, node: SwarmNode): readonly LabContainer[] {
  if (!Object.isFrozen(swarm)) return containersOn(swarm, node);
  const byNode = known.get(swarm) ?? new Map<string, readonly LabContainer[]>();
  const found = byNode.get(node.id) ?? containersOn(swarm, node);
  known.set(swarm, byNode.set(node.id, found));
  return found;
}

function containersOn(swarm: SwarmState, node: SwarmNode): readonly LabContainer[] {
  return swarm.tasks
    .filter((task) => task.node === node.id && hasContainer(task))
    .map((task): LabContainer => {
      const running = task.state === "running" || task.state === "starting";
      const spec = containerSpecOf(swarm, task);
      return {
        ...spec,
        id: task.container,
        imageId: imageId(fullReference(spec.image)),
        task: task.id,
        state: running ? "running" : task.state === "ready" ? "created" : "exited",
        exitCode: running ? 0 : (task.exitCode ?? 0),
        restarts: 0,
        backoffMs: 0,
        error: "",
        createdAt: task.createdAt,
        startedAt: task.startedAt ?? 0,
        finishedAt: running ? 0 : task.since,
        log: [`${spec.image} is ready`],
      };
    });
}

function hasContainer({ state, startedAt }: SwarmTask): boolean {
  return state === "ready" || startedAt !== undefined;
}

/** How long a container is starting until its health check passes or gives up; undefined where it has none. */
export function healthOutcome({
  healthcheck,
}: Pick<ContainerSpec, "healthcheck">): { readonly passes: boolean; readonly afterMs: number } | undefined {
  if (healthcheck === undefined) return undefined;
  const { intervalMs, startIntervalMs, startPeriodMs, retries, passes } = healthcheck;
  const firstMs = startPeriodMs > 0 ? Math.min(startIntervalMs, intervalMs) : intervalMs;
  const lastMs = startPeriodMs > 0 ? startPeriodMs + (retries - 1) * intervalMs : retries * intervalMs;
  return { passes, afterMs: passes ? firstMs : lastMs };
}

/** What an engine has, with the containers, volumes and images of its Swarm's tasks. */
export function withTasks(own: EngineState, swarm: SwarmState, node: SwarmNode): EngineState {
  const ofTasks = node.images
    .filter((reference) => !own.images.some((image) => image.reference === reference))
    .map((reference) => ({ id: imageId(reference), reference }));
  return {
    ...own,
    containers: [...own.containers, ...taskContainers(swarm, node)],
    images: [...own.images, ...ofTasks],
    volumes: [
      ...own.volumes,
      ...node.volumes.filter(({ name }) => !own.volumes.some((volume) => volume.name === name)),
    ],
  };
}
