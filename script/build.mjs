// Builds dist/: the bundled program, and the licences of what is in it.
import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "dist");

// Built beside its place and moved in whole: a phoenix that starts meanwhile finds the old program or the new one.
const fresh = await mkdtemp(join(root, "node_modules/.phoenix-dist-"));
// A directory that mkdtemp makes is for its owner alone; the program is for every user.
await chmod(fresh, 0o755);
try {
  const { inputs, bytes } = await bundle(fresh);
  await writeFile(join(fresh, "LICENSES.txt"), await licences(inputs));
  await rm(target, { recursive: true, force: true });
  await rename(fresh, target);
  compile(join(target, "main.js"));
  process.stdout.write(`dist: product ${kilobytes(bytes.product)}, lab ${kilobytes(bytes.lab)}\n`);
} catch (error) {
  await rm(fresh, { recursive: true, force: true });
  // esbuild has reported its own errors already.
  if (!Array.isArray(error?.errors)) process.stderr.write(`${error?.stack ?? error}\n`);
  process.exit(1);
}

/** Saves the compiled code of a usual run, so that starts need not compile it again. It is data: all works without it. */
function compile(main) {
  const run = ["check", "--site", join(root, "examples/homelab")];
  const preload = ["--require", join(root, "script/code-cache.cjs")];
  spawnSync(process.execPath, [...preload, main, ...run], { stdio: "ignore" });
}

function kilobytes(bytes) {
  return `${Math.ceil(bytes / 1000)} KB`;
}

/** The licence of every package whose code is in the bundle: most of them ask for their text to travel with it. */
async function licences(inputs) {
  const packages = new Set(
    inputs
      .map((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1])
      .filter((path) => path !== undefined),
  );
  const texts = await Promise.all([...packages].sort().map(licence));
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

async function licence(path) {
  const { name, version, license } = JSON.parse(await readFile(join(root, path, "package.json"), "utf8"));
  for (const file of ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "license.md", "LICENSE-MIT"]) {
    const text = await readFile(join(root, path, file), "utf8").catch(() => undefined);
    if (text !== undefined) return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  }
  return `${name} ${version} (${license})\n`;
}
