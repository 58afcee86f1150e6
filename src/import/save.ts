/** The files of an imported site on disk. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf, SiteError } from "../errors.ts";
import type { SiteFile } from "./write.ts";

/** @throws SiteError when the directory has something in it */
export async function refuseOccupied(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw new SiteError(`cannot read ${directory}: ${messageOf(error)}`, {
      hint: "name a directory that is empty or does not exist yet",
    });
  });
  if (names.length > 0)
    throw new SiteError(`${directory} is not empty`, {
      hint: "name a directory that is empty or does not exist yet",
    });
}

/** Writes the files, with missing directories. @throws SiteError */
export async function writeSite(directory: string, files: readonly SiteFile[]): Promise<void> {
  try {
    for (const { path, text, isSecret } of files) {
      const target = join(directory, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, text, isSecret === true ? { mode: 0o600 } : {});
    }
  } catch (error) {
    throw new SiteError(`cannot write the site to ${directory}: ${messageOf(error)}`);
  }
}
