/** Where a container's files really are: binds and volumes, followed to the lab's directory. */
import { mkdirSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import type { HostName } from "../../src/resource.ts";
import type { LabContext } from "../context.ts";
import { readFacts } from "../facts.ts";
import { type ContainerMount, DockerError, type EngineVolume, type LabContainer } from "./state.ts";

/** The engine makes it when it starts. */
const volumesDirectory = "/var/lib/docker/volumes";

/** The directory that Docker keeps a volume's own files in. */
export function volumeDirectory(name: string): string {
  return `${volumesDirectory}/${name}/_data`;
}

/**
 * Mounts what a container asks for. Like the real engine it finds out only now whether an NFS directory is there.
 * @throws DockerError
 */
export function mountAll(
  context: LabContext,
  host: HostName,
  mounts: readonly ContainerMount[],
  volumes: readonly EngineVolume[],
): void {
  for (const mount of mounts) {
    if (mount.type === "bind") mountBind(context, host, mount);
    else mountVolume(context, host, volumeNamed(volumes, mount.source));
  }
}

/** The real path of a file in a container; undefined where nothing is mounted. */
export function pathInContainer(
  context: LabContext,
  host: HostName,
  container: Pick<LabContainer, "mounts">,
  volumes: readonly EngineVolume[],
  path: string,
): string | undefined {
  const around = container.mounts
    .filter(({ target }) => path === target || path.startsWith(`${target.replace(/\/$/, "")}/`))
    .sort((a, b) => b.target.length - a.target.length);
  const [mount] = around;
  if (mount === undefined) return undefined;
  const rest = posix.relative(mount.target, path);
  if (mount.type === "bind") return context.path(host, posix.join(mount.source, rest));
  return join(sourceOf(context, host, volumeNamed(volumes, mount.source)), rest);
}

function mountBind(context: LabContext, host: HostName, { source, create }: ContainerMount): void {
  const real = context.path(host, source);
  if (exists(real) || source.endsWith(".sock")) return;
  if (!create && source !== volumesDirectory)
    throw new DockerError(
      400,
      `invalid mount config for type "bind": bind source path does not exist: ${source}`,
    );
  mkdirSync(real, { recursive: true });
}

function mountVolume(context: LabContext, host: HostName, volume: EngineVolume): void {
  const real = sourceOf(context, host, volume);
  if (exists(real)) return;
  if (!isNfs(volume)) {
    mkdirSync(real, { recursive: true });
    return;
  }
  throw mountFailure(volume, "no such file or directory");
}

/** The real directory behind a volume. @throws DockerError for an NFS server that is not there */
function sourceOf(context: LabContext, host: HostName, volume: EngineVolume): string {
  if (!isNfs(volume)) {
    const { device = "", o = "" } = volume.options;
    return context.path(host, o.includes("bind") && device !== "" ? device : volumeDirectory(volume.name));
  }
  const device = (volume.options.device ?? "").replace(/^[^:]*:/, "");
  const server = /(?:^|,)addr=([^,]+)/.exec(volume.options.o ?? "")?.[1] ?? "";
  const facts = readFacts(context.store);
  if (facts === undefined || server === facts.address) return context.path("pve", device);
  // Another NFS server is known by what its clients mount from it.
  const share = facts.mounts.find(
    ({ tree, source }) => tree === `nfs-${server}` && (device === source || device.startsWith(`${source}/`)),
  );
  if (share === undefined) throw mountFailure(volume, "connection timed out");
  return context.path(share.host, posix.join(share.path, posix.relative(share.source, device)));
}

function isNfs({ options }: EngineVolume): boolean {
  return options.type?.startsWith("nfs") === true;
}

function mountFailure({ name, options }: EngineVolume, reason: string): DockerError {
  const place = volumeDirectory(name);
  return new DockerError(
    500,
    `error while mounting volume '${place}': failed to mount local volume: mount ${options.device}:${place}, data: ${options.o}: ${reason}`,
  );
}

function volumeNamed(volumes: readonly EngineVolume[], name: string): EngineVolume {
  const volume = volumes.find((each) => each.name === name);
  if (volume !== undefined) return volume;
  throw new DockerError(404, `get ${name}: no such volume`);
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
