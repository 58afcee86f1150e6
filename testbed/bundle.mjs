// Bundles the testbed's own programs, written in TypeScript, into single files that Node 20 runs. Argument: a directory.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { options } from "../script/esbuild-options.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const [target] = process.argv.slice(2);

await build({
  ...options,
  absWorkingDir: here,
  entryPoints: { furnish: "furnish/main.ts", proxmox: "proxmox/main.ts" },
  outdir: target,
  outExtension: { ".js": ".mjs" },
});
