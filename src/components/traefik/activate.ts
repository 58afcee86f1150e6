/** Waiting for Traefik to take up its file, and helping where its watch does not. */
import type { Io } from "../../component.ts";
import { TransportError } from "../../errors.ts";
import { dynamicHash, sentinel } from "../../formats/traefik/index.ts";
import type { ResourceId } from "../../resource.ts";
import { commands } from "./commands.ts";
import { paths } from "./compile.ts";

/** The watch takes up to two seconds when changes follow each other; 2.3 s is the worst seen (3.0.4, 3.7.15). */
const watchMs = 4_000;

/** Runs that began with a mesh that had no configuration: a restart there cannot take a route away. */
export const nothingLoaded = new WeakSet<Io>();

/**
 * Nothing, when the watch does its work. Then a reload; and a restart only where nothing was loaded before: a provider
 * whose directory was missing at the start never looks again, but one that refuses a file would start without any route.
 */
export async function activate(touched: readonly ResourceId[], io: Io): Promise<void> {
  if (touched.every((id) => id === "traefik/service")) return;
  const host = io.host(io.site.roles.mesh.host);
  const text = (await host.readFiles([paths.configuration])).get(paths.configuration)?.text ?? "";
  const expected = dynamicHash(text);
  if (touched.includes("traefik/routes")) {
    // A configuration of somebody else cannot say whether it is loaded.
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

/** Whether the mesh answers with this configuration's hash before the time is up. */
export async function answers(io: Io, expected: string, forMs: number): Promise<boolean> {
  const deadline = io.clock.now() + forMs;
  for (let pause = 50; ; pause = Math.min(pause * 2, 400)) {
    if ((await loadedHash(io)).hash === expected) return true;
    if (io.clock.now() + pause > deadline) return false;
    await io.clock.sleep(pause);
  }
}

/** The hash of the configuration that serves now; otherwise what answered instead. */
export async function loadedHash(io: Io): Promise<{ readonly hash?: string; readonly instead: string }> {
  try {
    const { status, headers } = await io.network.request({
      method: "GET",
      url: `http://${io.site.roles.mesh.address}${sentinel.path}`,
      hostname: sentinel.host,
      effect: "read",
      timeoutMs: 3_000,
    });
    const hash = headers[sentinel.header.toLowerCase()];
    return hash === undefined
      ? { instead: `it answers ${status} and does not know this configuration` }
      : { hash, instead: `another configuration is loaded (${hash})` };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { instead: error.message };
  }
}
