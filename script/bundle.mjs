// Bundles Phoenix: src/main.ts with the chunks that commands load when they need them, and the lab apart.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { options } from "./esbuild-options.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Writes main.js and chunks/ into `directory`, and into lab/ what only the lab needs, so that a package can leave it out.
 * One build makes both: they share one class of each error. The files are CommonJS, which Node 20 loads faster than as
 * many ES modules.
 * @param {string} directory
 * @param {import("esbuild").Plugin[]} [plugins]
 * @returns the paths of all bundled sources, and how many bytes the product and the lab take
 */
export async function bundle(directory, plugins = []) {
  const { metafile, outputFiles } = await build({
    ...options,
    banner: {},
    absWorkingDir: root,
    entryPoints: { main: "src/main.ts", "lab/index": "lab/index.ts" },
    outdir: directory,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    legalComments: "none",
    metafile: true,
    write: false,
    plugins,
  });
  /** What each output imports, by absolute paths. */
  const imports = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [
      resolve(root, path),
      output.imports.filter(({ external }) => !external).map(({ path }) => resolve(root, path)),
    ]),
  );
  const lab = join(directory, "lab/index.js");
  const product = reachable(imports, join(directory, "main.js"), lab);
  const places = new Map(
    [...imports.keys()].map((path) => [
      path,
      product.has(path) ? path : join(directory, "lab", basename(path)),
    ]),
  );
  await Promise.all(["chunks", "lab"].map((part) => mkdir(join(directory, part), { recursive: true })));
  const bytes = { product: 0, lab: 0 };
  for (const { path, text } of outputFiles) {
    const place = places.get(path) ?? path;
    const code = await commonJs(text, (imported) =>
      relativePath(place, places.get(resolve(dirname(path), imported)) ?? imported),
    );
    await writeFile(place, code);
    bytes[product.has(path) ? "product" : "lab"] += Buffer.byteLength(code);
  }
  const { name, version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  await writeFile(
    join(directory, "package.json"),
    `${JSON.stringify({ name, version, type: "commonjs" })}\n`,
  );
  return { inputs: Object.keys(metafile.inputs), bytes };
}

/** Everything that `from` imports, at once or later, but for `border`. */
function reachable(imports, from, border) {
  const found = new Set([from]);
  for (const path of found)
    for (const imported of imports.get(path) ?? []) if (imported !== border) found.add(imported);
  return found;
}

/** @param moved where an imported file lies in the end, by its path in `text` */
async function commonJs(text, moved) {
  // Written here, because esbuild's own form of it costs half a kilobyte in each of a hundred files.
  const exported = text.replace(/^export \{([^}]*)\};\s*$/m, (_, names) => {
    const getters = names.split(",").map((each) => each.trim().split(" as "));
    const members = getters.map(([own, name = own]) => `get ${name}(){return ${own}}`);
    return `module.exports={${members.join()}};`;
  });
  const { code } = await transform(exported, {
    ...{ format: "cjs", platform: "node", target: options.target, minify: true },
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "__url" },
  });
  const url = code.includes("__url") ? 'const __url=require("node:url").pathToFileURL(__filename);' : "";
  return url + code.replace(/\brequire\("(\.[^"]+)"\)/g, (_, path) => `require("${moved(path)}")`);
}

function relativePath(from, to) {
  const path = relative(dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}
