/** `docker compose up` and `down` over the lab's engine, with Compose's order of doing things and its words. */
import { createHash } from "node:crypto";
import { canonicalJson } from "../../src/resource.ts";
import type { LabDocker } from "../docker.ts";
import type { ComposeProject } from "./compose-file.ts";
import type { ComposeService } from "./compose-service.ts";
import { type ContainerSpec, composeLabels, DockerError, fullReference, type LabContainer } from "./state.ts";

/** The version the lab plays: the one that Portainer 2.21 to 2.23 brings. */
export const composeVersion = "2.29.2";

export interface ComposeResult {
  readonly exitCode: number;
  /** Progress and errors: standard error. */
  readonly lines: readonly string[];
}

export interface UpOptions {
  readonly removeOrphans?: boolean;
  readonly forceRecreate?: boolean;
  /** Pull every image first, as `compose pull` does. */
  readonly pull?: boolean;
}

/** `up -d`. What was made before a failure stays, as with the real one. */
export function composeUp(
  docker: LabDocker,
  project: ComposeProject,
  options: UpOptions = {},
): ComposeResult {
  const lines: string[] = [...project.warnings];
  try {
    pullImages(docker, project, options.pull === true, lines);
    makeNetworks(docker, project, lines);
    makeVolumes(docker, project, lines);
    orphans(docker, project, options.removeOrphans === true, lines);
    const made = project.services.map((service) => converge(docker, project, service, options, lines));
    for (const { id, name, state } of made) {
      if (state === "running") continue;
      lines.push(` Container ${name}  Starting`);
      docker.start(id);
      lines.push(` Container ${name}  Started`);
    }
    return { exitCode: 0, lines };
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    const words = error.message;
    return {
      exitCode: error instanceof PullError ? 18 : 1,
      lines: [...lines, plain(words) ? words : `Error response from daemon: ${words}`],
    };
  }
}

/** `down`: by the project's labels alone, so that it works without a file. Volumes stay. */
export function composeDown(docker: LabDocker, project: string, services?: readonly string[]): ComposeResult {
  const lines: string[] = [];
  const labelled = [...docker.state.containers, ...docker.state.networks].some(
    ({ labels }) => labels[composeLabels.project] === project,
  );
  if (!labelled) lines.push(`Warning: No resource found to remove for project "${project}".`);
  for (const container of containersOf(docker, project)) {
    const service = container.labels[composeLabels.service] ?? "";
    if (services !== undefined && !services.includes(service)) continue;
    removeContainer(docker, container, lines);
  }
  for (const { name, labels } of docker.state.networks) {
    if (labels[composeLabels.project] !== project) continue;
    docker.removeNetwork(name);
    lines.push(` Network ${name}  Removed`);
  }
  return { exitCode: 0, lines };
}

export function containersOf(docker: LabDocker, project: string): readonly LabContainer[] {
  return docker.state.containers.filter(({ labels }) => labels[composeLabels.project] === project);
}

/** Compose has an exit code of its own for this: 18. */
class PullError extends DockerError {}

/** Compose's own complaints, which come from no daemon. */
function plain(words: string): boolean {
  return /^(external volume|network .* declared as external)/.test(words);
}

function pullImages(docker: LabDocker, project: ComposeProject, all: boolean, lines: string[]): void {
  for (const { name, image, pull } of project.services) {
    if (image === "")
      throw new DockerError(
        500,
        `failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory`,
      );
    if (!all && pull !== "always" && docker.hasImage(image)) continue;
    if (pull === "never") throw new DockerError(404, `No such image: ${fullReference(image)}`);
    lines.push(` ${name} Pulling`);
    try {
      docker.pull(image);
    } catch (error) {
      if (!(error instanceof DockerError)) throw error;
      lines.push(` ${name} Error ${error.message}`);
      throw new PullError(error.status, error.message);
    }
    lines.push(` ${name} Pulled`);
  }
}

function makeNetworks(docker: LabDocker, project: ComposeProject, lines: string[]): void {
  for (const { key, name, external } of project.networks) {
    if (docker.state.networks.some((network) => network.name === name)) continue;
    if (external) throw new DockerError(404, `network ${name} declared as external, but could not be found`);
    const labels = { [composeLabels.network]: key, [composeLabels.project]: project.name };
    docker.createNetwork({ name, labels });
    lines.push(` Network ${name}  Creating`, ` Network ${name}  Created`);
  }
}

function makeVolumes(docker: LabDocker, project: ComposeProject, lines: string[]): void {
  const used = new Set(
    project.services.flatMap(({ mounts }) =>
      mounts.flatMap(({ type, source }) => (type === "volume" ? [source] : [])),
    ),
  );
  for (const { key, name, external, driver, options, labels } of project.volumes) {
    if (docker.state.volumes.some((volume) => volume.name === name)) continue;
    if (external && used.has(name)) throw new DockerError(404, `external volume "${name}" not found`);
    if (external) continue;
    const own = { ...labels, [composeLabels.project]: project.name, [composeLabels.volume]: key };
    docker.createVolume({ name, driver, options, labels: own });
    lines.push(` Volume "${name}"  Creating`, ` Volume "${name}"  Created`);
  }
}

function orphans(docker: LabDocker, project: ComposeProject, remove: boolean, lines: string[]): void {
  const known = project.services.map(({ name }) => name);
  const found = containersOf(docker, project.name).filter(
    ({ labels }) => !known.includes(labels[composeLabels.service] ?? ""),
  );
  if (found.length === 0) return;
  if (remove) for (const container of found) removeContainer(docker, container, lines);
  else
    lines.push(
      `level=warning msg="Found orphan containers ([${found.map(({ name }) => name).join(" ")}]) for this project. If you removed or renamed this service in your compose file, you can run this command with the --remove-orphans flag to clean it up."`,
    );
}

/** The service's container as declared: the one that is there, or a new one when its definition or image differs. */
function converge(
  docker: LabDocker,
  project: ComposeProject,
  service: ComposeService,
  { forceRecreate = false }: UpOptions,
  lines: string[],
): LabContainer {
  const image = docker.state.images.find(({ reference }) => reference === fullReference(service.image));
  const spec = specOf(project, service, image?.id ?? "");
  const existing = containersOf(docker, project.name).find(
    ({ labels }) => labels[composeLabels.service] === service.name,
  );
  const same =
    existing !== undefined &&
    existing.labels[composeLabels.hash] === spec.labels[composeLabels.hash] &&
    existing.imageId === image?.id;
  if (same && !forceRecreate) {
    if (existing.state === "running") lines.push(` Container ${existing.name}  Running`);
    return existing;
  }
  // The name may be taken by somebody else: the old container goes only when the new one can be made.
  const taken = docker.find(spec.name);
  if (existing !== undefined && (taken === undefined || taken.id === existing.id)) {
    lines.push(` Container ${existing.name}  Recreate`);
    docker.stop(existing.id);
    docker.remove(existing.id, true);
  }
  lines.push(` Container ${spec.name}  Creating`);
  const container = docker.create(spec);
  lines.push(` Container ${spec.name}  Created`);
  return container;
}

function specOf(project: ComposeProject, service: ComposeService, imageId: string): ContainerSpec {
  const { name, image, command, entrypoint, env, ports, mounts, networks, restart, healthcheck } = service;
  return {
    name: service.containerName,
    image,
    command,
    entrypoint,
    env,
    labels: {
      ...service.labels,
      [composeLabels.project]: project.name,
      [composeLabels.service]: name,
      [composeLabels.number]: "1",
      [composeLabels.hash]: configHash(service),
      "com.docker.compose.image": imageId,
      "com.docker.compose.depends_on": service.dependsOn
        .map((each) => `${each}:service_started:false`)
        .join(","),
      "com.docker.compose.oneoff": "False",
      "com.docker.compose.version": composeVersion,
      "com.docker.compose.project.config_files": project.file,
      "com.docker.compose.project.working_dir": project.directory,
    },
    ports,
    mounts,
    networks,
    restart,
    ...(healthcheck === undefined ? {} : { healthcheck }),
  };
}

/** What Compose compares: the service's definition with everything filled in, but not its dependencies. */
export function configHash(service: ComposeService): string {
  const { definition, env, mounts, networks } = service;
  const { depends_on: _, ...rest } = definition;
  return createHash("sha256")
    .update(canonicalJson({ ...rest, env, mounts, networks }))
    .digest("hex");
}

function removeContainer(docker: LabDocker, { id, name }: LabContainer, lines: string[]): void {
  docker.stop(id);
  docker.remove(id, true);
  lines.push(` Container ${name}  Stopped`, ` Container ${name}  Removed`);
}
