/** Texts that generations keep, each once, under the name of its content: "<SHA-256>-<bytes>". */
import type { FileWrite, Host } from "../hosts/host.ts";
import { privateMode } from "./store.ts";

export type ObjectName = `${string}-${number}`;

export interface Objects {
  /** Stores texts under their names, and then the file that names them. All of it is on disk when this resolves. */
  put(texts: ReadonlyMap<ObjectName, string>, named: FileWrite): Promise<void>;
  /** Missing and damaged ones are left out. */
  get(names: readonly ObjectName[]): Promise<ReadonlyMap<ObjectName, string>>;
  /** Every object, sorted. */
  names(): Promise<readonly ObjectName[]>;
  remove(names: readonly ObjectName[]): Promise<void>;
}

const pattern = /^[0-9a-f]{64}-\d+$/;

export function isObjectName(value: unknown): value is ObjectName {
  return typeof value === "string" && pattern.test(value);
}

export function objectNameOf(text: string): ObjectName {
  const { createHash } = process.getBuiltinModule("node:crypto");
  const hash = createHash("sha256").update(text).digest("hex");
  return `${hash}-${Buffer.byteLength(text)}`;
}

/** Bytes of an object's text, which its name says. */
export function sizeOf(name: ObjectName): number {
  return Number(name.slice(name.indexOf("-") + 1));
}

/** Objects in one command at most: an argument list has a limit, and a site may be large. */
const atOnce = 500;

/** @param journal the journal's directory */
export function openObjects(host: Host, journal: string): Objects {
  const directory = `${journal}/objects`;
  const pathOf = (name: ObjectName): string => `${directory}/${name}`;
  return {
    names: async () => (await host.list(directory)).filter(isObjectName),
    put: async (texts, named) => {
      const files = [...texts].map(([name, text]) => ({ path: pathOf(name), text, mode: privateMode }));
      for (const part of inParts([...files, named])) await host.writeFiles(part);
    },
    get: async (wanted) => {
      const found = new Map<ObjectName, string>();
      for (const part of inParts([...new Set(wanted)])) {
        const files = await host.readFiles(part.map(pathOf));
        for (const name of part) {
          const text = files.get(pathOf(name))?.text;
          if (text !== undefined && objectNameOf(text) === name) found.set(name, text);
        }
      }
      return found;
    },
    remove: async (unwanted) => {
      for (const part of inParts(unwanted)) await host.remove(part.map(pathOf));
    },
  };
}

function inParts<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / atOnce) }, (_, at) =>
    all.slice(at * atOnce, (at + 1) * atOnce),
  );
}
