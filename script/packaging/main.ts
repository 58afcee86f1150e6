/** Builds packages into dist/packages/. Arguments: the checkout, then which to build; all of them unless some are named. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildDeb, smallDeb, standaloneDeb } from "./deb.ts";
import { buildExecutable, type Executable } from "./executable.ts";
import { buildNpm } from "./npm.ts";
import { buildProgram, type Program } from "./program.ts";
import { type Release, readRelease } from "./release.ts";
import { billOfMaterials } from "./sbom.ts";
import { extraEntries } from "./share.ts";
import { writeTree } from "./tree.ts";

const kinds = ["deb", "standalone", "npm"] as const;

const [root = ".", ...named] = process.argv.slice(2);
const unknown = named.find((name) => !kinds.some((kind) => kind === name));
if (unknown !== undefined) {
  process.stderr.write(`Error: unknown package "${unknown}"\n  hint: the packages are ${kinds.join(", ")}\n`);
  process.exit(64);
}
const wanted = new Set<string>(named.length === 0 ? kinds : named);
const work = await mkdtemp(join(tmpdir(), "phoenix-package-"));
try {
  await build(readRelease(root), join(root, "dist/packages"));
} catch (error) {
  process.stderr.write(`Error: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await rm(work, { recursive: true, force: true });
}

async function build(release: Release, out: string): Promise<void> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const program = await buildProgram(join(work, "dist"));
  const bill = billOfMaterials(release, program.inputs);
  await writeFile(join(out, `phoenix-${release.version}.cdx.json`), bill);
  if (wanted.has("deb")) await buildDeb(release, await smallDeb(release, program, bill), work, out);
  if (wanted.has("npm")) await buildNpm(release, program, bill, work, out);
  if (wanted.has("standalone")) await buildStandalone(release, program, out);
  for (const line of await writeSums(out)) process.stdout.write(`${line}\n`);
}

/** The single executable as a Debian package, and alone with an archive of its man pages and the like. */
async function buildStandalone(release: Release, program: Program, out: string): Promise<void> {
  const executable: Executable = await buildExecutable(program, work);
  const bill = billOfMaterials(release, program.inputs, executable.node);
  await writeFile(join(out, `phoenix-${release.version}-linux-x64.cdx.json`), bill);
  const file = join(out, `phoenix-${release.version}-linux-x64`);
  await copyFile(executable.path, file);
  await chmod(file, 0o755);
  await buildDeb(release, standaloneDeb(program, executable, bill), work, out);
  await buildExtras(release, program, executable, out);
}

async function buildExtras(
  release: Release,
  program: Program,
  executable: Executable,
  out: string,
): Promise<void> {
  const tree = join(work, "extras");
  const licences = ["LICENSE", "LICENSES.txt", "LICENSE.node"].map((name) => `share/doc/phoenix/${name}`);
  const texts = [await readFile(join(release.root, "LICENSE"), "utf8"), program.licences, executable.licence];
  const files = licences.map((path, at) => ({ path, text: texts[at] ?? "" }));
  await writeTree(tree, [...(await extraEntries(release)), ...files], release.time);
  const archive = join(out, `phoenix-${release.version}-extras.tar`);
  const same = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=ustar"];
  execFileSync("tar", ["-cf", archive, ...same, "-C", tree, "."]);
  execFileSync("gzip", ["-9n", archive]);
}

/** Lines as `sha256sum --check` reads them; also written to SHA256SUMS. */
async function writeSums(out: string): Promise<readonly string[]> {
  const names = (await readdir(out)).sort();
  const lines = await Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(join(out, name));
      return `${createHash("sha256").update(bytes).digest("hex")}  ${name}`;
    }),
  );
  await writeFile(join(out, "SHA256SUMS"), `${lines.join("\n")}\n`);
  return lines;
}
