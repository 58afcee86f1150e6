/** Sites whose every line is asked about: the examples, and a real one where it lies beside the repository. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { loadSite } from "../../src/site/load.ts";
import { type Context, contextOf } from "../../src/why/context.ts";

const root = join(import.meta.dirname, "../..");
const real = join(root, "../shared/sites/thinkheads");

export const sites: readonly string[] = [
  ...readdirSync(join(root, "examples")).map((name) => join(root, "examples", name)),
  ...[process.env.PHOENIX_REAL_SITE ?? real].filter(existsSync),
];

/** @throws Error when the site cannot be understood */
export async function contextFor(directory: string): Promise<Context> {
  const { understood, sources } = await loadSite(directory, { runsCommands: false });
  if (understood === undefined) throw new Error(`${directory} cannot be understood`);
  return contextOf(understood, sources);
}
