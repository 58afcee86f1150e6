/** A Docker engine of the lab, one for each virtual machine. Its state is in the store; the rules are the real engine's. */
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { type HostName, isGuestName } from "../src/resource.ts";
import type { LabContext } from "./context.ts";
import { atTime } from "./docker/lifecycle.ts";
import { mountAll, pathInContainer, volumeDirectory } from "./docker/mounts.ts";
import { bindPorts } from "./docker/ports.ts";
import { isPortainer, startProcess } from "./docker/processes.ts";
import { type RegistryCredentials, refusePull } from "./docker/registry.ts";
import {
  type ContainerSpec,
  DockerError,
  type EngineNetwork,
  type EngineState,
  type EngineVolume,
  emptyEngine,
  fullReference,
  imageId,
  type LabContainer,
} from "./docker/state.ts";
import { endContainer, forgetVolume } from "./docker/swarm/by-hand.ts";
import { seatOf } from "./docker/swarm/cluster.ts";
import { withTasks } from "./docker/swarm/containers.ts";
import { treeOf } from "./tree.ts";

export type { LabContainer } from "./docker/state.ts";

export class LabDocker {
  readonly context: LabContext;
  readonly host: HostName;
  readonly #document: string;

  constructor(context: LabContext, host: HostName) {
    this.context = context;
    this.host = host;
    this.#document = `docker-${treeOf(host)}`;
  }

  /** As time has made it: processes end, and are started again. With what its Swarm runs here. */
  get state(): EngineState {
    const own = this.#own();
    const seat = seatOf(this.context, this.host);
    return seat === undefined ? own : withTasks(own, seat.swarm, seat.node);
  }

  /** What the engine keeps by itself. */
  #own(): EngineState {
    const state = this.context.store.read<EngineState>(this.#document) ?? emptyEngine;
    const now = this.context.clock.now();
    return { ...state, containers: state.containers.map((container) => atTime(container, now)) };
  }

  #save({ containers, ...change }: Partial<EngineState>): void {
    const own = containers?.filter(({ task }) => task === undefined);
    this.context.store.write(this.#document, {
      ...this.#own(),
      ...change,
      ...(own === undefined ? {} : { containers: own }),
    });
  }

  /** A container by its name, its id, or the beginning of its id. */
  find(wanted: string): LabContainer | undefined {
    const { containers } = this.state;
    const name = wanted.replace(/^\//, "");
    return (
      containers.find((each) => each.name === name || each.id === wanted) ??
      (wanted.length < 4 ? undefined : containers.find(({ id }) => id.startsWith(wanted)))
    );
  }

  /** @throws DockerError */
  container(wanted: string): LabContainer {
    const found = this.find(wanted);
    if (found !== undefined) return found;
    throw new DockerError(404, `No such container: ${wanted}`);
  }

  /** The running container behind a port of the machine, and the port inside it. */
  publisher(port: number, protocol = "tcp"): { container: LabContainer; port: number } | undefined {
    for (const container of this.state.containers.filter(({ state }) => state === "running")) {
      const published = container.ports.find((each) => each.host === port && each.protocol === protocol);
      if (published !== undefined) return { container, port: published.container };
      // In the machine's own network it listens where Traefik is told to find it.
      if (container.networks.length === 0 && protocol === "tcp" && servesAt(container, port))
        return { container, port };
    }
    return undefined;
  }

  /** The real path of a file that a container sees; undefined where nothing is mounted. */
  pathIn(container: Pick<LabContainer, "mounts">, path: string): string | undefined {
    return pathInContainer(this.context, this.host, container, this.state.volumes, path);
  }

  /** The real path of a container's /data: of what is mounted there, or of a directory that goes with the container. */
  dataOf(container: Pick<LabContainer, "id" | "mounts">): string {
    return this.pathIn(container, "/data") ?? this.context.path(this.host, volumeDirectory(container.id));
  }

  hasImage(image: string): boolean {
    return this.state.images.some(({ reference, id }) => reference === fullReference(image) || id === image);
  }

  /** @throws DockerError when its registry refuses */
  pull(image: string, credentials?: RegistryCredentials): string {
    const reference = fullReference(image);
    refusePull(reference, credentials);
    const id = imageId(reference);
    if (!this.hasImage(reference)) this.#save({ images: [...this.#own().images, { id, reference }] });
    return id;
  }

  /** @throws DockerError: name taken, no such image */
  create(spec: ContainerSpec): LabContainer {
    const { containers, images } = this.state;
    const taken = containers.find(({ name }) => name === spec.name);
    if (taken !== undefined)
      throw new DockerError(
        409,
        `Conflict. The container name "/${spec.name}" is already in use by container "${taken.id}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    const image = images.find(
      ({ reference, id }) => reference === fullReference(spec.image) || id === spec.image,
    );
    if (image === undefined) throw new DockerError(404, `No such image: ${fullReference(spec.image)}`);
    // A volume that nobody made is made on the way, as with `docker run -v name:/path`.
    for (const { type, source } of spec.mounts) if (type === "volume") this.createVolume({ name: source });
    const container: LabContainer = {
      ...spec,
      id: randomBytes(32).toString("hex"),
      imageId: image.id,
      state: "created",
      exitCode: 0,
      restarts: 0,
      backoffMs: 0,
      error: "",
      createdAt: this.context.clock.now(),
      startedAt: 0,
      finishedAt: 0,
      log: [],
    };
    this.#save({ containers: [...containers, container] });
    return container;
  }

  /** @throws DockerError: port taken, mount failed; the container then stays as it was made */
  start(wanted: string): LabContainer {
    const container = this.container(wanted);
    if (container.state === "running") return container;
    try {
      mountAll(this.context, this.host, container.mounts, this.state.volumes);
      const ports = bindPorts(container, this.state.containers);
      const { log, end } = startProcess(container, {
        path: (path) => this.pathIn(container, path),
        data: this.dataOf(container),
        busy: this.state.containers.some(
          (each) =>
            each.id !== container.id &&
            each.state === "running" &&
            isPortainer(each.image) &&
            this.dataOf(each) === this.dataOf(container),
        ),
      });
      const { end: _, ...rest } = container;
      const started: LabContainer = {
        ...rest,
        ports,
        log: [...container.log, ...log].slice(-200),
        error: "",
        state: "running",
        exitCode: 0,
        startedAt: this.context.clock.now(),
        restarts: 0,
        backoffMs: 0,
        ...(end === undefined ? {} : { end }),
      };
      return this.#replace(atTime(started, started.startedAt));
    } catch (error) {
      if (error instanceof DockerError) this.#change(container, { error: error.message });
      throw error;
    }
  }

  stop(wanted: string): LabContainer {
    const container = this.container(wanted);
    if (container.state !== "running" && container.state !== "restarting") return container;
    if (container.task !== undefined) endContainer(this.context, this.host, container.task);
    return this.#change(container, { state: "exited", finishedAt: this.context.clock.now() });
  }

  /** @throws DockerError: name taken */
  rename(wanted: string, name: string): void {
    const container = this.container(wanted);
    const taken = this.find(name);
    if (taken !== undefined)
      throw new DockerError(
        409,
        `Error when allocating new name: Conflict. The container name "/${name}" is already in use by container "${taken.id}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    this.#change(container, { name });
  }

  setRestart(wanted: string, restart: string): void {
    this.#change(this.container(wanted), { restart });
  }

  restart(wanted: string): LabContainer {
    this.stop(wanted);
    return this.start(wanted);
  }

  /** @throws DockerError when it runs and `force` is not set */
  remove(wanted: string, force = false): void {
    const { id, state, task } = this.container(wanted);
    if (!force && (state === "running" || state === "restarting"))
      throw new DockerError(
        409,
        `cannot remove container "${id}": container is running: stop the container before removing or force remove`,
      );
    if (task !== undefined) endContainer(this.context, this.host, task);
    this.#save({ containers: this.state.containers.filter((each) => each.id !== id) });
    rmSync(this.context.path(this.host, volumeDirectory(id)), { recursive: true, force: true });
  }

  /** A volume that exists is returned as it is, whatever is asked for. */
  createVolume(wanted: Partial<EngineVolume> & { readonly name: string }): EngineVolume {
    const existing = this.state.volumes.find(({ name }) => name === wanted.name);
    if (existing !== undefined) return existing;
    const { name, driver = "local", options = {}, labels = {} } = wanted;
    if (name.length === 1)
      throw new DockerError(
        400,
        `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
      );
    if (!/^[a-zA-Z0-9][\w.-]+$/.test(name))
      throw new DockerError(
        400,
        `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
      );
    if (driver !== "local")
      throw new DockerError(
        404,
        `create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
      );
    const volume = { name, driver, options, labels, createdAt: this.context.clock.now() };
    if (Object.keys(options).length === 0)
      mkdirSync(this.context.path(this.host, volumeDirectory(name)), { recursive: true });
    this.#save({ volumes: [...this.#own().volumes, volume] });
    return volume;
  }

  /** @throws DockerError when there is none, or a container uses it */
  removeVolume(wanted: string): void {
    const { volumes, containers } = this.state;
    if (!volumes.some(({ name }) => name === wanted))
      throw new DockerError(404, `get ${wanted}: no such volume`);
    const user = containers.find(({ mounts }) =>
      mounts.some(({ type, source }) => type === "volume" && source === wanted),
    );
    if (user !== undefined) throw new DockerError(409, `remove ${wanted}: volume is in use - [${user.id}]`);
    this.#save({ volumes: this.#own().volumes.filter(({ name }) => name !== wanted) });
    if (isGuestName(this.host)) forgetVolume(this.context, this.host, wanted);
    // Only what lies on the machine itself goes; an NFS directory stays on its server.
    rmSync(this.context.path(this.host, volumeDirectory(wanted)), { recursive: true, force: true });
  }

  createNetwork(wanted: Partial<EngineNetwork> & { readonly name: string }): EngineNetwork {
    const { networks } = this.state;
    if (networks.some(({ name }) => name === wanted.name))
      throw new DockerError(409, `network with name ${wanted.name} already exists`);
    const network = { driver: "bridge", labels: {}, ...wanted, id: randomBytes(32).toString("hex") };
    this.#save({ networks: [...networks, network] });
    return network;
  }

  removeNetwork(wanted: string): void {
    this.#save({ networks: this.state.networks.filter(({ name, id }) => name !== wanted && id !== wanted) });
  }

  #change(container: LabContainer, change: Partial<LabContainer>): LabContainer {
    return this.#replace({ ...container, ...change });
  }

  #replace(changed: LabContainer): LabContainer {
    this.#save({
      containers: this.state.containers.map((each) => (each.id === changed.id ? changed : each)),
    });
    return changed;
  }
}

function servesAt({ labels }: Pick<LabContainer, "labels">, port: number): boolean {
  return Object.entries(labels).some(
    ([key, value]) =>
      /^traefik\.http\.services\..+\.loadbalancer\.server\.port$/i.test(key) && value === String(port),
  );
}
