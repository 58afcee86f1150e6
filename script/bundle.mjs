// Bundles Phoenix into few files of chunks, each run when a command needs it: a hundred files load more slowly.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { options } from "./esbuild-options.mjs";
import { page, pageInside } from "./page.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The modules that only some commands run, by the file that they are packed into; every other command starts without them. */
const rarePacks = {
  "begin.js": /^src\/(?:(?:init|import|doctor)\/|cli\/(?:import-run|new-site)\.ts|render\/doctor\.ts)/,
  "look.js":
    /^src\/(?:(?:dashboard|history|trace|unattended|why)\/|components\/\w+\/origins\.ts|cli\/(?:accept|certs-run|dashboard-\w+|diff|notices-test|rollback-\w+|source|stack-way|unattended-run)\.ts|render\/(?:text-history|trace)\.ts)/,
};

/**
 * Writes into `directory` main.js, which starts, product.js with the other chunks, a file for each of `rarePacks`, and lab/index.js
 * with what only the lab needs, so that a package can leave it out. One build makes all of them: they share one class of each error.
 * @param {string} directory
 * @param {import("esbuild").Plugin[]} [plugins]
 * @param {boolean} [inExecutable] whether main.js finds the other files inside of the executable that runs it
 * @returns the paths of all bundled sources, and how many bytes the product, the rare packs and the lab take
 */
export async function bundle(directory, plugins = [], inExecutable = false) {
  const { assets, inputs: pageInputs } = await page();
  const { metafile, outputFiles } = await build({
    ...options,
    banner: {},
    absWorkingDir: root,
    entryPoints: { main: "src/main.ts", "lab/index": "lab/index.ts" },
    outdir: directory,
    splitting: true,
    // Otherwise the paths of CommonJS packages become part of the program.
    minifyIdentifiers: true,
    legalComments: "none",
    metafile: true,
    write: false,
    plugins: [startsNothing, pageInside(assets), ...plugins],
  });
  const outputs = Object.entries(metafile.outputs).map(([path, output]) => ({
    path: resolve(root, path),
    source: output.entryPoint,
    imports: output.imports
      .filter(({ external }) => !external)
      .map(({ path, kind }) => ({ path: resolve(root, path), isLater: kind === "dynamic-import" })),
  }));
  const lab = join(directory, "lab/index.js");
  const product = reachable(outputs, join(directory, "main.js"), ({ path }) => path !== lab);
  // What `--version` runs: scripts ask often, and need not load the rest.
  const start = new Set(
    outputs
      .filter(({ source }) => source === "src/main.ts" || source === "src/cli/version.ts")
      .flatMap(({ path }) => [...reachable(outputs, path, ({ isLater }) => !isLater)]),
  );
  const rareFile = new Map(
    outputs.flatMap(({ path, source = "" }) =>
      Object.entries(rarePacks).flatMap(([file, modules]) => (modules.test(source) ? [[path, file]] : [])),
    ),
  );
  const isDaily = ({ path }) => path !== lab && !rareFile.has(path);
  const main = join(directory, "main.js");
  const daily = reachable(outputs, main, isDaily);
  // What several rare commands share goes with the first of them.
  for (const [path, file] of [...rareFile])
    for (const shared of reachable(outputs, path, isDaily))
      if (!rareFile.has(shared)) rareFile.set(shared, file);
  const fileOf = (path) => {
    if (start.has(path)) return "main.js";
    if (!product.has(path)) return "lab/index.js";
    return daily.has(path) ? "product.js" : rareFile.get(path);
  };
  const packs = Object.fromEntries(
    ["main.js", "product.js", ...Object.keys(rarePacks), "lab/index.js"].map((file) => [file, ""]),
  );
  for (const { path, text } of outputFiles) {
    const idOf = (of) => `${fileOf(of)}#${outputs.findIndex(({ path }) => path === of)}`;
    const code = await commonJs(text, (imported) => idOf(resolve(dirname(path), imported)));
    packs[fileOf(path)] += `"${idOf(path)}"(module,exports,require){${code}},\n`;
  }
  const loader = await readFile(join(root, "script/loader.cjs"), "utf8");
  const define = { IN_EXECUTABLE: String(inExecutable) };
  const { code } = await transform(loader, { minify: true, define });
  const files = {
    "main.js": code
      .replace("START", () => `{${packs["main.js"]}}`)
      .replace("MAIN", String(outputs.findIndex(({ source }) => source === "src/main.ts"))),
    ...Object.fromEntries(
      Object.entries(packs)
        .slice(1)
        .map(([file, chunks]) => [file, `({${chunks}})\n`]),
    ),
  };
  await mkdir(join(directory, "lab"), { recursive: true });
  for (const [file, code] of Object.entries(files)) await writeFile(join(directory, file), code);
  const { name, version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  await writeFile(
    join(directory, "package.json"),
    `${JSON.stringify({ name, version, type: "commonjs" })}\n`,
  );
  const bytes = (...names) => names.reduce((sum, each) => sum + Buffer.byteLength(files[each]), 0);
  return {
    inputs: [...Object.keys(metafile.inputs), ...pageInputs],
    bytes: {
      product: bytes("main.js", "product.js"),
      rare: bytes(...Object.keys(rarePacks)),
      lab: bytes("lab/index.js"),
    },
  };
}

/** Commander starts programs for subcommands that are files. Phoenix has none, and loading what starts them takes 5 ms. */
const startsNothing = {
  name: "starts-nothing",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:child_process$/ }, ({ importer, path }) =>
      importer.includes("node_modules/commander/") ? { path, namespace: "starts-nothing" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "starts-nothing" }, () => ({ contents: "" }));
  },
};

/** The outputs that `from` imports, directly or not, by the imports that `isFollowed` lets through. */
function reachable(outputs, from, isFollowed) {
  const imports = new Map(outputs.map((output) => [output.path, output.imports]));
  const found = new Set([from]);
  for (const path of found)
    for (const each of (imports.get(path) ?? []).filter(isFollowed)) found.add(each.path);
  return found;
}

/** Only ASCII, which is read faster: esbuild leaves other characters in regular expressions. @param idOf the id of a chunk by its path in `text` */
async function commonJs(text, idOf) {
  // Written here, because esbuild's own form of it costs half a kilobyte in each of a hundred chunks.
  const exported = text.replace(/^export \{([^}]*)\};\s*$/m, (_, names) => {
    const getters = names.split(",").map((each) => each.trim().split(" as "));
    const members = getters.map(([own, name = own]) => `get ${name}(){return ${own}}`);
    return `module.exports={${members.join()}};`;
  });
  const { code } = await transform(exported, {
    ...{ format: "cjs", platform: "node", target: options.target, minify: true },
    supported: { "dynamic-import": false },
  });
  return code
    .replace(/\brequire\("(\.[^"]+)"\)/g, (_, path) => `require("${idOf(path)}")`)
    .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
