/** The file that `--json-into` names: checked before a run, replaced as a whole after it. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { access, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf, SiteError } from "../errors.ts";

const hint = "name a file in an existing directory that you may write to";

/** @throws SiteError when the file cannot be written; checks without writing */
export async function refuseUnwritable(path: string): Promise<void> {
  const refused = (why: string) => new SiteError(`cannot write the result to ${path}: ${why}`, { hint });
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) throw refused("it is a directory");
  try {
    if (found !== undefined && !found.isFile()) return await access(path, constants.W_OK);
    const directory = dirname(found === undefined ? path : await realpath(path));
    if (!(await stat(directory)).isDirectory()) throw refused(`${directory} is not a directory`);
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw error instanceof SiteError ? error : refused(messageOf(error));
  }
}

/**
 * Replaces a file as a whole, which only its owner may read then; a link stays and leads to the new text. Into anything that is not a regular file
 * (`/dev/null`, a pipe) it writes the text.
 * @throws SiteError
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  try {
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && !found.isFile()) await writeFile(path, text);
    else await moveInto(found === undefined ? path : await realpath(path), text);
  } catch (error) {
    throw new SiteError(`cannot write the result to ${path}: ${messageOf(error)}`, { hint });
  }
}

async function moveInto(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, text, { flag: "wx", mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
