/** Writing accepted drift into the site's files: all of them, or none. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FileChange } from "../accept/index.ts";
import { messageOf, RefusedError, SiteError } from "../errors.ts";
import { replaceSiteFile } from "./site-file.ts";

/**
 * Replaces each file as a whole; its mode and a link to it stay. When one cannot be written, those before it are put back.
 * @throws RefusedError for a file that changed meanwhile; SiteError
 */
export async function writeAccepted(root: string, changes: readonly FileChange[]): Promise<void> {
  for (const { name, before } of changes)
    if ((await readFile(join(root, name), "utf8").catch(() => undefined)) !== before)
      throw new RefusedError(`refused: ${name} was changed meanwhile; nothing was written`, {
        hint: "run the command again",
      });
  const done: FileChange[] = [];
  try {
    for (const change of changes) {
      await replaceSiteFile(join(root, change.name), change.after);
      done.push(change);
    }
  } catch (error) {
    await putBack(root, done);
    throw new SiteError(`cannot write the site's files: ${messageOf(error)}; they are as before`);
  }
}

/** Restores the files as they were before. */
export async function putBack(root: string, changes: readonly FileChange[]): Promise<void> {
  for (const { name, before } of changes) await replaceSiteFile(join(root, name), before);
}
