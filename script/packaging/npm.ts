/** The package for `npm install -g`: the built program, which needs no other package. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Program, programEntries } from "./program.ts";
import type { Release } from "./release.ts";
import { completionEntries, documentEntries, manEntries, unitEntries } from "./share.ts";
import { below, type Entry, writeTree } from "./tree.ts";

/** Builds it into `out`, from a tree below `work`. */
export async function buildNpm(
  release: Release,
  program: Program,
  bill: string,
  work: string,
  out: string,
): Promise<void> {
  const tree = join(work, "npm");
  const pages = below("man", await manEntries(release));
  const files: readonly Entry[] = [
    ...(await programEntries(release, program)),
    ...pages,
    // npm packs no links.
    ...below("completions", completionEntries).filter((entry) => !("link" in entry)),
    ...below("systemd", unitEntries(release)),
    ...(await documentEntries(release)),
    { path: "LICENSE", from: join(release.root, "LICENSE") },
    { path: "sbom.cdx.json", text: bill },
  ];
  const { name, version, description, license, engines, bin } = JSON.parse(
    readFileSync(join(release.root, "package.json"), "utf8"),
  );
  const man = pages.map(({ path }) => `./${path}`);
  const manifest = { name, version, description, license, type: "module", engines, bin, man };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await mkdir(tree);
  await writeTree(tree, [...files, { path: "package.json", text }], release.time);
  execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", out], {
    cwd: tree,
    stdio: ["ignore", "ignore", "inherit"],
  });
}
