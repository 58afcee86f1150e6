/** Files of the machine that plays the lab, by their real paths. */
import { lstatSync, type Stats } from "node:fs";
import { join } from "node:path";
import { codeOf } from "./store.ts";

/** A name for a file in that real directory that nobody has yet. */
export function temporaryIn(real: string): string {
  return join(real, `.phx.${Math.random().toString(36).slice(2, 8).padEnd(6, "0")}`);
}

/** Whether a path is the directory or below it. */
export function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** What the system throws: its code and the path. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

export function lstatIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

export function kindOf(stats: Stats): "file" | "directory" | "link" | "other" {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "link" : "other";
}
