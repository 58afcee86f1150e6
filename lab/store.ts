/** The lab's memory: JSON documents under DIR/state. */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SiteError } from "../src/errors.ts";
import type { LabStore } from "./context.ts";

/** Documents hold private keys and passwords of the lab's machines. */
const privateMode = 0o600;

/** A document as it was last read. */
interface Known {
  readonly look: string;
  readonly value: unknown;
}

/** Documents are asked for with every command and connection, and seldom change: each is parsed once, and frozen. */
export function createStore(directory: string): LabStore {
  const known = new Map<string, Known>();
  const write = (name: string, value: unknown): void => {
    known.delete(name);
    replaceFile(pathOf(directory, name), `${JSON.stringify(value, null, 1)}\n`);
  };
  return {
    read: <T>(name: string) => {
      const path = pathOf(directory, name);
      const look = lookOf(path);
      if (look === undefined) return undefined;
      const before = known.get(name);
      if (before?.look === look) return before.value as T;
      const text = readTextIfThere(path);
      if (text === undefined) return undefined;
      const value = parsed(text);
      if (value === undefined)
        throw new SiteError(`${path} is damaged`, { hint: `start afresh: phoenix lab reset ${directory}` });
      known.set(name, { look, value });
      return value as T;
    },
    write,
    settle: (name, before, after) => {
      const last = known.get(name);
      if (last?.value === before && last?.look === lookOf(pathOf(directory, name))) write(name, after);
    },
  };
}

/** What changes whenever a file is replaced or written; undefined when there is none. */
function lookOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`;
}

/** Frozen to the last leaf, because all readers get the same value; undefined for invalid JSON. */
function parsed(text: string): unknown {
  try {
    return frozen(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const each of Object.values(value)) frozen(each);
  return Object.freeze(value);
}

function pathOf(directory: string, name: string): string {
  if (!/^[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)*$/i.test(name))
    throw new Error(`not a name of a lab document: ${JSON.stringify(name)}`);
  return join(directory, "state", `${name}.json`);
}

/** Replaces a file whole: readers see the old text or the new one. Makes missing directories. */
export function replaceFile(path: string, text: string | Uint8Array, mode = privateMode): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { mode });
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, text, { mode });
  }
  renameSync(temporary, path);
}

/** A file's text, undefined when there is none. */
export function readTextIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** The system's code of a failure: "ENOENT". */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
