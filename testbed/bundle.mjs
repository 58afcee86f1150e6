// Bundles the testbed's own programs, written in TypeScript, into single files that Node 20 runs. Argument: a directory.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const [target] = process.argv.slice(2);

await build({
  absWorkingDir: here,
  entryPoints: { furnish: "furnish/main.ts", proxmox: "proxmox/main.ts" },
  outdir: target,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  mainFields: ["module", "main"],
  // CommonJS dependencies call require() for Node's own modules.
  banner: {
    js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
