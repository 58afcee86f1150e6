// The dashboard's page for browsers: one script and one style sheet, as texts in the place of src/dashboard/assets.ts.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns the two texts, and the paths of all bundled sources */
export async function page() {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { page: "src/dashboard/page/main.tsx", style: "src/dashboard/page/style.css" },
    outdir: "page",
    bundle: true,
    minify: true,
    // A file's own page must run without modules, which browsers do not load from file://.
    format: "iife",
    target: ["chrome115", "firefox115", "safari16.4"],
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    write: false,
  });
  const text = (ending) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  return {
    assets: { script: text(".js"), style: text(".css") },
    inputs: Object.keys(metafile.inputs),
  };
}

/** Puts the page into the program. @param {{ script: string, style: string }} assets @returns {import("esbuild").Plugin} */
export function pageInside(assets) {
  return {
    name: "page-inside",
    setup: ({ onLoad }) => {
      onLoad({ filter: /[/\\]src[/\\]dashboard[/\\]assets\.ts$/ }, () => ({
        contents: `export const assets = ${JSON.stringify(assets)};`,
        loader: "ts",
      }));
    },
  };
}
