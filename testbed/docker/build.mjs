// Bundles the testbed's programs and makes the layers of its images. Arguments: the Debian tree, the directory to fill.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { options } from "../../script/esbuild-options.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const [tree, target] = process.argv.slice(2).map((path) => resolve(path));

await build({
  ...options,
  absWorkingDir: here,
  entryPoints: ["portainer.ts", "agent.ts", "service.ts", "front.ts", "load.ts"],
  outdir: target,
  outExtension: { ".js": ".mjs" },
  legalComments: "none",
});
execFileSync(join(here, "build-layers"), [tree, target, target], { stdio: "inherit" });
const layers = ["node", "compose", "portainer", "agent", "service"];
const digests = await Promise.all(
  layers.map(async (name) => {
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(target, `${name}.tar`)), hash);
    return [name, hash.digest("hex")];
  }),
);
await writeFile(join(target, "layers.json"), JSON.stringify(Object.fromEntries(digests)));
