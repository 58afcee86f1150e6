// Makes compiled code for the program, so that starts need not compile it again. It is data: all works without it.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Saves in `dist` what a Node compiles in a usual run, for that version of Node.
 * @param {string} node the executable
 * @param {string} dist a directory with a built program
 */
export function compile(node, dist) {
  const run = ["check", "--site", join(root, "examples/homelab")];
  const preload = ["--hash-seed=1", "--single-threaded", "--require", join(root, "script/code-cache.cjs")];
  spawnSync(node, [...preload, join(dist, "main.js"), ...run], { stdio: "ignore" });
}
