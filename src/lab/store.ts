/** The lab's memory: JSON documents under DIR/state. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SiteError } from "../errors.ts";
import type { LabStore } from "./context.ts";

/** Documents hold private keys and passwords of the lab's machines. */
const privateMode = 0o600;

export function createStore(directory: string): LabStore {
  return {
    read: <T>(name: string) => {
      const path = pathOf(directory, name);
      const text = readTextIfThere(path);
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text) as T;
      } catch {
        throw new SiteError(`${path} is damaged`, { hint: `start afresh: phoenix lab reset ${directory}` });
      }
    },
    write: (name, value) => replaceFile(pathOf(directory, name), `${JSON.stringify(value, null, 1)}\n`),
  };
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
