/** Compose projects: found by the labels of their containers (Compose 2.0 to 2.40), and read from the files that these name. */

import { isUnavailable, messageOf } from "../../errors.ts";
import { ComposeDocument } from "../../formats/compose/document.ts";
import { grantsOf, mountsOf } from "../../formats/compose/mounts.ts";
import type { GuestName } from "../../resource.ts";
import type { FoundContainer, FoundEngine, FoundFile, FoundPath, FoundProject } from "../found/docker.ts";
import type { ReadIo } from "../found.ts";

const label = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  files: "com.docker.compose.project.config_files",
  directory: "com.docker.compose.project.working_dir",
  environment: "com.docker.compose.project.environment_file",
} as const;

/** Where Portainer keeps the Compose files of its stacks, in its own container (2.x). */
const directoryOfPortainer = /^\/data\/compose\//;

/** The largest file that is taken into a site, in bytes: configuration is smaller, data is not. */
const largestFile = 256 * 1024;

/** Characters beyond the first 65,536, as JavaScript has them; half a pair stands for a byte that is not text. */
const pairs = /[\ud800-\udbff][\udc00-\udfff]/g;

/** Where a path of Portainer's container is: a guest, and the path there. */
type PlaceOf = (path: string) => { readonly host: GuestName; readonly path: string } | undefined;

/**
 * The Compose projects of an engine, each read from its own files.
 * @param ofPortainer where the files of projects are that Portainer deployed, when they must be read from its data
 */
export async function readProjects(
  io: ReadIo,
  engine: FoundEngine,
  ofPortainer: PlaceOf = () => undefined,
): Promise<readonly FoundProject[]> {
  const projects = new Map<string, FoundContainer[]>();
  for (const container of engine.containers) {
    const name = container.labels[label.project] ?? "";
    if (name !== "") projects.set(name, [...(projects.get(name) ?? []), container]);
  }
  return Promise.all(
    [...projects].map(([name, containers]) => readProject(io, engine.host, name, containers, ofPortainer)),
  );
}

async function readProject(
  io: ReadIo,
  host: GuestName,
  name: string,
  containers: readonly FoundContainer[],
  ofPortainer: PlaceOf,
): Promise<FoundProject> {
  const labelled = (key: string): string => containers.find(({ labels }) => labels[key])?.labels[key] ?? "";
  const directory = labelled(label.directory);
  const composePaths = pathsIn(labelled(label.files), directory);
  const byPortainer = directoryOfPortainer.test(composePaths[0] ?? directory);
  const [first] = composePaths;
  const beside =
    first === undefined
      ? []
      : [`${directory === "" ? directoryOf(first) : directory}/${byPortainer ? "stack.env" : ".env"}`];
  const given = pathsIn(labelled(label.environment), directory);
  const there = async (paths: readonly string[]): Promise<readonly FoundFile[]> => {
    if (!byPortainer) return filesAt(io, host, paths);
    const read = paths.map(async (path) => {
      const place = ofPortainer(path);
      const found = place === undefined ? [] : await filesAt(io, place.host, [place.path]);
      return found.map((file) => ({ ...file, path }));
    });
    return (await Promise.all(read)).flat();
  };
  const [files, environmentFiles] = await Promise.all([
    there(composePaths),
    there(given.length > 0 ? given : beside),
  ]);
  return {
    host,
    name,
    directory,
    composePaths,
    files,
    environmentFiles,
    named: await readPaths(
      io,
      host,
      files.flatMap(({ text }) => pathsNamed(text, directory)),
    ),
    services: [...new Set(containers.flatMap(({ labels }) => labels[label.service] ?? []))].sort(),
    byPortainer,
    source: { host, path: first ?? `containers of the Compose project ${name}` },
  };
}

/** "/opt/a/docker-compose.yml,/opt/a/override.yml"; versions before 2.0 wrote relative paths. */
function pathsIn(list: string, directory: string): readonly string[] {
  return list
    .split(",")
    .map((path) => path.trim())
    .filter((path) => path !== "")
    .map((path) => absolute(path, directory))
    .filter((path) => path.startsWith("/"));
}

export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** A path from a directory on, without "." and "..". */
export function absolute(path: string, directory: string): string {
  const parts: string[] = [];
  for (const part of `${path.startsWith("/") ? "" : directory}/${path}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The absolute paths of what a Compose file names: environment files, configs, secrets and binds. Variables stay unknown. */
export function pathsNamed(text: string, directory: string): readonly string[] {
  const document = new ComposeDocument(text, new Map());
  if (!document.isValid) return [];
  const { root, services } = document;
  const paths = services.members.flatMap(({ value }) => [
    ...value.get("env_file").items.map((item) => (item.isMapping ? item.get("path").text : item.text) ?? ""),
    ...mountsOf(value).flatMap(({ type, source }) => (type === "bind" ? [source] : [])),
    ...(["configs", "secrets"] as const).flatMap((section) =>
      grantsOf(value, section).map(({ source }) => root.get(section).get(source).get("file").text ?? ""),
    ),
  ]);
  const known = paths.filter((path) => path !== "" && !path.startsWith("~") && !path.includes("$"));
  return [...new Set(known.map((path) => absolute(path, directory)))].filter((path) => path.startsWith("/"));
}

/** What is at paths of a machine. Files that belong into a site are read; large ones and special ones are not. */
export async function readPaths(
  io: ReadIo,
  host: GuestName,
  paths: readonly string[],
): Promise<readonly FoundPath[]> {
  return Promise.all([...new Set(paths)].map((path) => readPath(io, host, path)));
}

async function readPath(io: ReadIo, host: GuestName, path: string): Promise<FoundPath> {
  const argv = ["stat", "-L", "-c", "%F:%s", "--", path];
  try {
    const { exitCode, stdout } = await io.host(host).run({ argv, effect: "read" });
    if (exitCode !== 0) return { path, kind: "missing" };
    const [kind = "", size = ""] = stdout.trim().split(":");
    if (kind === "directory") return { path, kind: "directory" };
    if (!kind.startsWith("regular")) return { path, kind: "other" };
    if (Number(size) > largestFile) return { path, kind: "file" };
    const [file] = await filesAt(io, host, [path]);
    const isText = file !== undefined && !/[\0\ud800-\udfff]/.test(file.text.replace(pairs, ""));
    if (!isText) return { path, kind: "file" };
    return { path, kind: "file", text: file.text, isPrivate: file.isPrivate };
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    io.left({ source: { host, path }, what: "what a Compose file names", reason: messageOf(error) });
    return { path, kind: "other" };
  }
}

/** The files that are there and can be read as text, in the order of their paths. */
export async function filesAt(
  io: ReadIo,
  host: GuestName,
  paths: readonly string[],
): Promise<readonly FoundFile[]> {
  const read = await Promise.all(
    paths.map(async (path): Promise<readonly FoundFile[]> => {
      try {
        const file = (await io.host(host).readFiles([path])).get(path);
        return file === undefined ? [] : [{ path, text: file.text, isPrivate: isPrivate(file.mode) }];
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        io.left({ source: { host, path }, what: "the file", reason: messageOf(error) });
        return [];
      }
    }),
  );
  return read.flat();
}

function isPrivate(mode: string): boolean {
  return (Number.parseInt(mode, 8) & 0o004) === 0;
}
