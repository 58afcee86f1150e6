/** The journal's files: JSON documents with a version, in one directory of the hypervisor that only root may enter. */
import { SiteError } from "../errors.ts";
import type { Host } from "../hosts/host.ts";

/** Where the journal lives on the hypervisor. */
export const journalDirectory = "/var/lib/phoenix";

/** The version of every format that this Phoenix writes. Older ones stay readable for ever; there is none yet. */
export const version = 1;

/** Every file has this mode: what was changed is nobody else's business. */
export const privateMode = "600";

/** A document's text: readable by people, ending in a newline. */
export function documentText(content: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ version, ...content }, null, 2)}\n`;
}

/**
 * The content of a document.
 * @throws SiteError when it is not ours to understand: written by a newer Phoenix, or damaged
 */
export function parseDocument(path: string, text: string): Readonly<Record<string, unknown>> {
  const value = jsonOf(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw damaged(path);
  const document = value as Readonly<Record<string, unknown>>;
  if (typeof document.version !== "number") throw damaged(path);
  if (document.version > version) {
    throw new SiteError(
      `${path} was written by a newer phoenix (format ${document.version}, known are 1 to ${version})`,
      { hint: "update phoenix here, or run the newer one" },
    );
  }
  return document;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error for a document that cannot be understood. */
export function damaged(path: string): SiteError {
  return new SiteError(`${path} is damaged`, {
    hint: "move it away: losing it costs history, never safety",
  });
}

/** Reads every `*.json` document of a directory, by name without the ending. */
export async function readDocuments(
  host: Host,
  directory: string,
): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>> {
  const names = (await host.list(directory)).filter((name) => name.endsWith(".json"));
  const files = await host.readFiles(names.map((name) => `${directory}/${name}`));
  return new Map(
    [...files].map(([path, { text }]) => [
      path.slice(directory.length + 1, -".json".length),
      parseDocument(path, text),
    ]),
  );
}
