/** Waits until Traefik has loaded its file, and reloads or restarts it where its watch does not help. */

import type { Io } from "../../component.ts";
import { TransportError } from "../../errors.ts";
import { roleOf } from "../../fabric/declared.ts";
import { dynamicHash, sentinel } from "../../formats/traefik/index.ts";
import type { Host } from "../../hosts/host.ts";
import { poll } from "../../poll.ts";
import type { ResourceId } from "../../resource.ts";
import { commands } from "./commands.ts";
import { paths } from "./compile.ts";

/** The watch takes up to two seconds when changes follow each other; 2.3 s is the worst seen (3.0.4, 3.7.15). */
const watchMs = 4_000;

/** Runs that began with a mesh without configuration: a restart there cannot remove a route. */
export const nothingLoaded = new WeakSet<Io>();

/**
 * Does nothing when the watch works; otherwise reloads, and restarts only where nothing was loaded before: a provider whose
 * directory was missing at the start never looks again, but one that rejects a file would start without any route.
 */
export async function activate(touched: readonly ResourceId[], io: Io): Promise<void> {
  if (touched.every((id) => id === "traefik/service")) return;
  const host = io.host(roleOf(io.site, "mesh").host);
  const text = (await host.readFiles([paths.configuration])).get(paths.configuration)?.text ?? "";
  const expected = dynamicHash(text);
  if (touched.includes("traefik/routes")) {
    // A foreign configuration cannot tell whether it is loaded.
    if (expected === undefined) return io.clock.sleep(watchMs / 2);
    if (await answers(io, expected, watchMs)) return;
  }
  if (nothingLoaded.has(io)) {
    await host.expect(commands.restart);
    io.activated({ kind: "restart", unit: "traefik", host: host.name });
  } else {
    const { exitCode } = await host.run(commands.reload);
    if (exitCode !== 0) await host.expect(commands.hangUp);
    io.activated({ kind: "reload", unit: "traefik", host: host.name });
  }
  if (expected !== undefined) await answers(io, expected, watchMs);
}

/** Whether the mesh answers with this configuration's hash in time. */
export async function answers(io: Io, expected: string, forMs: number): Promise<boolean> {
  const patience = { clock: io.clock, forMs, pauseMs: 50, longestPauseMs: 400 };
  const isExpected = ({ hash }: LoadedHash): boolean => hash === expected;
  return isExpected(await poll(patience, () => loadedHash(io), isExpected));
}

/** The files in the watched directory that Traefik loads. */
export async function configurationFiles(host: Host): Promise<readonly string[]> {
  return (await host.list(paths.directory)).filter((name) => /\.(ya?ml|toml)$/i.test(name));
}

interface LoadedHash {
  readonly hash?: string;
  /** What was seen, for a failed check. */
  readonly instead: string;
}

/** The hash of the configuration that serves now. */
export async function loadedHash(io: Io): Promise<LoadedHash> {
  try {
    const { status, headers } = await io.network.request({
      method: "GET",
      url: `http://${roleOf(io.site, "mesh").address}${sentinel.path}`,
      hostname: sentinel.host,
      effect: "read",
      timeoutMs: 3_000,
    });
    const hash = headers[sentinel.header.toLowerCase()];
    return hash === undefined
      ? { instead: `it answers ${status} without the hash of a configuration` }
      : { hash, instead: `another configuration is loaded (${hash})` };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { instead: error.message };
  }
}
