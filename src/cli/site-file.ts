/** Files of the site that a command writes. */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { isMissing } from "../errors.ts";

/** A new file of the site is its owner's alone: it may hold a secret. */
const freshMode = 0o600;

/** Replaces a file as a whole, or makes it; the mode of one that is there stays, and so does a link to it. */
export async function replaceSiteFile(path: string, text: string): Promise<void> {
  const place = await realpath(path).catch((error: unknown) => {
    if (isMissing(error)) return path;
    throw error;
  });
  const mode = await stat(place).then(
    (found) => found.mode & 0o7777,
    (error: unknown) => {
      if (isMissing(error)) return freshMode;
      throw error;
    },
  );
  await mkdir(dirname(place), { recursive: true });
  const fresh = `${place}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await writeFile(fresh, text, { flag: "wx", mode: freshMode });
    await chmod(fresh, mode);
    await rename(fresh, place);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
