// Builds dist/: the bundled program, and the licences of what is in it.
import { chmod, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";
import { compile } from "./compile.mjs";
import { licences } from "./licences.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "dist");

// Built beside its place and moved in whole: a phoenix that starts meanwhile finds the old program or the new one.
const fresh = await mkdtemp(join(root, "node_modules/.phoenix-dist-"));
// A directory that mkdtemp makes is for its owner alone; the program is for every user.
await chmod(fresh, 0o755);
try {
  const { inputs, bytes } = await bundle(fresh);
  await writeFile(join(fresh, "LICENSES.txt"), await licences(inputs));
  await rename(join(target, "packages"), join(fresh, "packages")).catch(() => {});
  await rm(target, { recursive: true, force: true });
  await rename(fresh, target);
  compile(process.execPath, target);
  process.stdout.write(
    `dist: product ${kilobytes(bytes.product)}, rare commands ${kilobytes(bytes.rare)}, lab ${kilobytes(bytes.lab)}\n`,
  );
} catch (error) {
  await rm(fresh, { recursive: true, force: true });
  // esbuild has reported its own errors already.
  if (!Array.isArray(error?.errors)) process.stderr.write(`${error?.stack ?? error}\n`);
  process.exit(1);
}

function kilobytes(bytes) {
  return `${Math.ceil(bytes / 1000)} KB`;
}
