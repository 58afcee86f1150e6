/** Reading machines that may be stopped, broken or strange: what cannot be read is told and counts as absent. */
import { isUnavailable, messageOf, NotReadyError, TransportError } from "../../errors.ts";
import type { FileState } from "../../hosts/host.ts";
import type { HostName } from "../../resource.ts";
import type { ReadIo } from "../found.ts";

/** A guest that does not answer at all: who asks for its programs tells so, once. */
function isSilent(host: HostName, error: unknown): boolean {
  return host !== "pve" && (error instanceof NotReadyError || error instanceof TransportError);
}

/** The files that are there and can be read. Where they cannot be read together, each is tried alone. */
export async function filesOn(
  io: ReadIo,
  host: HostName,
  paths: readonly string[],
): Promise<ReadonlyMap<string, FileState>> {
  if (paths.length === 0) return new Map();
  try {
    return await io.host(host).readFiles(paths);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    if (isSilent(host, error)) return new Map();
    const [first = "", ...more] = paths;
    if (more.length === 0) {
      // A link to /dev/null, as of a masked unit, says nothing.
      if (/is not a regular file$/.test(messageOf(error))) return new Map();
      io.left({ source: { host, path: first }, what: "the file", reason: messageOf(error) });
      return new Map();
    }
    const each = await Promise.all(paths.map((path) => filesOn(io, host, [path])));
    return new Map(each.flatMap((files) => [...files]));
  }
}

/** The paths of a directory's entries, sorted; none when it is absent or cannot be read. */
export async function entriesOn(io: ReadIo, host: HostName, directory: string): Promise<readonly string[]> {
  try {
    return (await io.host(host).list(directory)).map((name) => `${directory}/${name}`);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    if (isSilent(host, error)) return [];
    io.left({ source: { host, path: directory }, what: "the directory", reason: messageOf(error) });
    return [];
  }
}

/** The same; undefined where it is a file, absent, or cannot be read. */
export async function directoryOn(
  io: ReadIo,
  host: HostName,
  directory: string,
): Promise<readonly string[] | undefined> {
  try {
    const names = await io.host(host).list(directory);
    return names.length === 0 ? undefined : names.map((name) => `${directory}/${name}`);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return undefined;
  }
}

/**
 * The standard output of a command that only reads; undefined when it fails.
 * @param isOptional a program that is missing or fails is no loss: nothing is told
 */
export async function outputOn(
  io: ReadIo,
  host: HostName,
  argv: readonly string[],
  isOptional = false,
): Promise<string | undefined> {
  try {
    return await io.host(host).expect({ argv, effect: "read" });
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    if (!isOptional && !isSilent(host, error))
      io.left({ source: { host, path: argv.join(" ") }, what: "its answer", reason: messageOf(error) });
    return undefined;
  }
}
