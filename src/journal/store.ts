/** The journal's files: JSON documents with a version, in one directory of the hypervisor that only root may enter. */
import { SiteError } from "../errors.ts";
import { isObject, type JsonObject, parseJson } from "../formats/json/index.ts";
import type { Host } from "../hosts/host.ts";

/** Where the journal lives on the hypervisor. */
export const journalDirectory = "/var/lib/phoenix";

/** The version of every format that this Phoenix writes, unless a document says otherwise. Older ones stay readable forever. */
export const version = 1;

/** The mode of every file: only root may see what was changed. */
export const privateMode = "600";

/** A document's text: readable by people, ending in a newline. */
export function documentText(content: JsonObject, format = version): string {
  return `${JSON.stringify({ version: format, ...content }, null, 2)}\n`;
}

/**
 * The content of a document. @throws DamagedError; SiteError when it was written by a newer Phoenix
 * @param newest the newest version of it that is understood
 */
export function parseDocument(path: string, text: string, newest = version): JsonObject {
  const document = parseJson(text);
  if (!isObject(document) || typeof document.version !== "number") throw damaged(path);
  if (document.version > newest) {
    throw new SiteError(
      `${path} was written by a newer phoenix: expected format 1 to ${newest}, got ${document.version}`,
      { hint: "update phoenix here, or run the newer one" },
    );
  }
  return document;
}

/** A document is no document, or not of its kind. */
export class DamagedError extends SiteError {}

/** The error for a document that cannot be read. */
export function damaged(path: string): DamagedError {
  return new DamagedError(`${path} is damaged`, {
    hint: "move it away: losing it costs history, never safety",
  });
}

/** Reads every `*.json` document of a directory, by name without the ending. */
export async function readDocuments(host: Host, directory: string): Promise<ReadonlyMap<string, JsonObject>> {
  const names = (await host.list(directory)).filter((name) => name.endsWith(".json"));
  const files = await host.readFiles(names.map((name) => `${directory}/${name}`));
  return new Map(
    [...files].map(([path, { text }]) => [
      path.slice(directory.length + 1, -".json".length),
      parseDocument(path, text),
    ]),
  );
}
