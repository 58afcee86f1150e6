/** `phoenix history show --files`: the kept files of a site, written out. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { codeOf, messageOf, SiteError } from "../errors.ts";
import type { KeptFile } from "../kept-site.ts";
import { count } from "../render/words.ts";
import type { Call } from "./command.ts";
import { writeLines } from "./terminal.ts";

/**
 * Files that are secret as a whole are left out, and named. No file is replaced.
 * @throws SiteError when a file is there already, or cannot be written
 */
export async function writeKeptFiles(
  { terminal }: Call,
  directory: string,
  generation: number,
  files: readonly KeptFile[],
): Promise<void> {
  const root = resolve(terminal.directory, directory);
  for (const { name, text } of files) {
    if (text === undefined) continue;
    const path = join(root, name);
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, text, { flag: "wx", mode: 0o600 });
    } catch (error) {
      throw new SiteError(
        codeOf(error) === "EEXIST" ? `${path} exists` : `cannot write ${path}: ${messageOf(error)}`,
        { hint: "name an empty directory" },
      );
    }
  }
  const left = files.filter(({ text }) => text === undefined).map(({ name }) => name);
  const written = count(files.length - left.length, "file");
  writeLines(terminal.stderr, [
    `${written} of generation ${generation} written to ${root}; each secret is a mark with its fingerprint`,
    ...(left.length === 0 ? [] : [`not kept, because they may hold secrets: ${left.join(", ")}`]),
  ]);
}
