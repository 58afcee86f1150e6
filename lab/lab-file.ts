/** DIR/lab.json: what makes a directory a lab. */
import { join, resolve } from "node:path";
import { SiteError } from "../src/errors.ts";
import { readTextIfThere, replaceFile } from "./store.ts";

/** The version of the lab's own files. */
export const labVersion = 1;

export interface LabFile {
  readonly version: number;
  /** The root of the site that the lab was made for, or the directory of the host that it plays. */
  readonly site: string;
  /** ISO 8601. */
  readonly created: string;
  /** The lab's clock minus the real one: tests let certificates grow old with it. */
  readonly clockOffsetMs?: number;
}

/** The lab in `directory`, undefined when there is none. @throws SiteError when a newer phoenix made it */
export function findLab(directory: string): LabFile | undefined {
  const path = join(directory, "lab.json");
  const text = readTextIfThere(path);
  if (text === undefined) return undefined;
  const file = parse(text);
  if (file === undefined)
    throw new SiteError(`${path} is damaged`, { hint: "make a lab in another directory" });
  if (file.version > labVersion) {
    throw new SiteError(`${path} was made by a newer phoenix (format ${file.version})`, {
      hint: "update phoenix, or make a lab in another directory",
    });
  }
  return file;
}

/** @throws SiteError when `directory` holds no lab */
export function readLab(directory: string): LabFile {
  const file = findLab(directory);
  if (file !== undefined) return file;
  throw new SiteError(`there is no lab in ${resolve(directory)}`, {
    hint: `make one: phoenix lab init ${directory}`,
  });
}

export function writeLab(directory: string, file: LabFile): void {
  replaceFile(join(directory, "lab.json"), `${JSON.stringify(file, null, 2)}\n`, 0o644);
}

/** Sets how far the lab's clock is ahead of the real one, in milliseconds; labs that are open keep theirs. */
export function setClockOffset(directory: string, clockOffsetMs: number): void {
  writeLab(directory, { ...readLab(directory), clockOffsetMs });
}

function parse(text: string): LabFile | undefined {
  try {
    const value = JSON.parse(text) as Partial<LabFile> | null;
    if (typeof value !== "object" || value === null) return undefined;
    const { version, site, created, clockOffsetMs } = value;
    if (typeof version !== "number" || typeof site !== "string" || typeof created !== "string")
      return undefined;
    return { version, site, created, ...(typeof clockOffsetMs === "number" ? { clockOffsetMs } : {}) };
  } catch {
    return undefined;
  }
}
