/** The program as it is packaged: dist/, built afresh, with what is in it. */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "../bundle.mjs";
import { licences } from "../licences.mjs";
import type { Release } from "./release.ts";
import { type Entry, entriesBelow } from "./tree.ts";

export interface Program {
  /** The directory of main.js. */
  readonly dist: string;
  /** The bundled sources, as paths below the checkout. */
  readonly inputs: readonly string[];
  /** The licences of the bundled packages. */
  readonly licences: string;
}

export async function buildProgram(dist: string): Promise<Program> {
  const { inputs } = await bundle(dist);
  const text = await licences(inputs);
  await writeFile(join(dist, "LICENSES.txt"), text);
  return { dist, inputs, licences: text };
}

/** dist/ and the launcher in bin/, which looks at Node's version first. @param node the Node that runs it, if one is known */
export async function programEntries(
  { root }: Release,
  { dist }: Program,
  node?: string,
): Promise<readonly Entry[]> {
  const launcher = readFileSync(join(root, "bin/phoenix"), "utf8");
  // Another Node that is first on somebody's PATH does not matter then.
  const text = node === undefined ? launcher : launcher.replace(/^#!.*\n.*\n/, `#!${node}\n`);
  return [
    { path: "bin/phoenix", text, mode: 0o755 },
    { path: "bin/package.json", from: join(root, "bin/package.json") },
    ...(await entriesBelow(dist, "dist")),
  ];
}
