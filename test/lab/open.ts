/** Labs for tests: made once for a file, closed and removed at its end. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { World } from "../../src/hosts/world.ts";
import { initLab } from "../../src/lab/init.ts";
import { openLab } from "../../src/lab/lab.ts";
import type { Site } from "../../src/model.ts";
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

/** A lab of `site`, not opened. */
export async function newLab(site: Site = labSite): Promise<string> {
  const directory = await newDirectory();
  await initLab(directory, site);
  return directory;
}

/** The lab in `directory`, closed at the end of the file. */
export async function opened(directory: string): Promise<World> {
  const world = await openLab(directory, { signal: new AbortController().signal });
  worlds.push(world);
  return world;
}

export const read = (...argv: string[]) => ({ argv, effect: "read" as const });
export const change = (...argv: string[]) => ({ argv, effect: "change" as const });
