// The packages whose code is in a bundle, and their licences.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The directories of the packages that bundled sources are from, sorted.
 * @param {readonly string[]} inputs paths below the checkout
 */
export function packagesIn(inputs) {
  const found = inputs.map((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]);
  return [...new Set(found.filter((path) => path !== undefined))].sort();
}

/**
 * The licence of each of these packages: most of them ask for their text to travel with their code.
 * @param {readonly string[]} inputs paths below the checkout
 */
export async function licences(inputs) {
  const texts = await Promise.all(packagesIn(inputs).map(licence));
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
