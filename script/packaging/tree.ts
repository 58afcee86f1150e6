/** Trees of files, written the same wherever and by whomever they are built. */
import { chmod, copyFile, lutimes, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

/** A file of a package, by its path below the root. */
export type Entry =
  | { readonly path: string; readonly text: string | Uint8Array; readonly mode?: number }
  | { readonly path: string; readonly from: string; readonly mode?: number }
  | { readonly path: string; readonly link: string };

/** Writes the files below `directory`; all of them, and the directories, get this time (seconds since the epoch). */
export async function writeTree(directory: string, entries: readonly Entry[], time: number): Promise<void> {
  for (const entry of entries) {
    const path = join(directory, entry.path);
    await mkdir(dirname(path), { recursive: true });
    if ("link" in entry) {
      await symlink(entry.link, path);
      continue;
    }
    if ("from" in entry) await copyFile(entry.from, path);
    else await writeFile(path, entry.text);
    await chmod(path, entry.mode ?? 0o644);
  }
  await settle(directory, time);
}

/** Directories' modes, which depend on the umask, and the times, inner ones first. */
async function settle(directory: string, time: number): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await settle(path, time);
    else await lutimes(path, time, time);
  }
  await chmod(directory, 0o755);
  await lutimes(directory, time, time);
}

/** The files below a directory, as entries below `to`; links among them are kept as the files that they name. */
export async function entriesBelow(directory: string, to: string): Promise<readonly Entry[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((from) => ({ path: join(to, relative(directory, from)), from }));
}

/** The same files below another directory. */
export function below(to: string, entries: readonly Entry[]): readonly Entry[] {
  return entries.map((entry) => ({ ...entry, path: join(to, entry.path) }));
}
