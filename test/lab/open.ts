/** Labs for tests: made once for a file, closed and removed at its end. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll } from "vitest";
import { initHostLab, initLab } from "../../lab/init.ts";
import { openLab } from "../../lab/lab.ts";
import type { World } from "../../src/hosts/world.ts";
import type { Site } from "../../src/model.ts";
import { setUpPortainer } from "./portainer-by-hand.ts";
import { labSite } from "./site.ts";

const directories: string[] = [];
const worlds: World[] = [];

afterAll(async () => {
  await Promise.all(worlds.map((world) => world.close()));
  await Promise.all(directories.map((directory) => rm(directory, { recursive: true })));
});

export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "phoenix-lab-"));
  directories.push(directory);
  return directory;
}

/** A lab of `site` with a CA of its own, not opened. */
export async function otherLab(site: Site = labSite): Promise<string> {
  const directory = await newDirectory();
  await initLab(directory, site);
  return directory;
}

/** A lab of the hand-made host in test/cases/import/NAME, not opened: a copy of one that is made once for each test file. */
export function hostLab(name: string): Promise<string> {
  const master =
    hostMasters.get(name) ??
    prepared(async () => {
      const directory = await newDirectory();
      const source = join("test/cases/import", name);
      await initHostLab(directory, source);
      if (existsSync(join(source, "portainer.json"))) await inPortainer(directory, source);
      return directory;
    });
  hostMasters.set(name, master);
  return master();
}

async function inPortainer(directory: string, source: string): Promise<void> {
  const world = await openLab(directory, { signal: new AbortController().signal });
  await setUpPortainer(world, source).finally(() => world.close());
}

const hostMasters = new Map<string, () => Promise<string>>();
const masters = new Map<Site, () => Promise<string>>();

/** A lab of `site`, not opened: a copy of one that is made once for each test file. */
export function newLab(site: Site = labSite): Promise<string> {
  const master = masters.get(site) ?? prepared(() => otherLab(site));
  masters.set(site, master);
  return master();
}

/** Copies of a lab that is made when the first one is asked for. Nobody may have it open. */
export function prepared(make: () => Promise<string>): () => Promise<string> {
  let made: Promise<string> | undefined;
  return async () => {
    made ??= make();
    const [from, to] = [await made, await newDirectory()];
    // "/." copies what is in the directory, links as links.
    await promisify(execFile)("cp", ["-a", `${from}/.`, to]);
    return to;
  };
}

/** The lab in `directory`, closed at the end of the file. */
export async function opened(directory: string): Promise<World> {
  const world = await openLab(directory, { signal: new AbortController().signal });
  worlds.push(world);
  return world;
}

export const read = (...argv: string[]) => ({ argv, effect: "read" as const });
export const change = (...argv: string[]) => ({ argv, effect: "change" as const });
