/** Sites for tests: the base site with a case's edits, in a directory of its own. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Problem } from "../../src/problem.ts";

export const cases = join(import.meta.dirname, "../cases/site");
export const base = join(cases, "base");

/** A directory that is removed after `use`. */
export async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "phoenix-site-"));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Copies the base site and edits it as a case says: sections that begin with "=== FILE" hold a file's whole text,
 * "=== FILE remove" removes it, and "=== FILE replace" holds "--- OLD", "+++ NEW" pairs, each OLD found exactly once.
 */
export function layOut(directory: string, edits: string): void {
  cpSync(base, directory, { recursive: true });
  for (const section of edits.split(/^=== /m).slice(1)) {
    const [head = "", ...rest] = section.split("\n");
    const [file = "", verb] = head.trim().split(" ");
    const path = join(directory, file);
    const body = rest.join("\n");
    if (verb === "remove") rmSync(path, { recursive: true });
    else if (verb === "replace") writeFileSync(path, replaced(readFileSync(path, "utf8"), body, head));
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, body);
    }
  }
}

function replaced(text: string, body: string, head: string): string {
  let edited = text;
  for (const pair of body.split(/^--- /m).slice(1)) {
    const [old = "", fresh = ""] = pair.replace(/\n$/, "").split(/\n\+\+\+ ?/);
    const count = edited.split(old).length - 1;
    if (count !== 1) throw new Error(`=== ${head}: found ${count} times: ${old}`);
    edited = edited.replace(old, () => fresh);
  }
  return edited;
}

/** A problem as one block of text: place, code, message, hint, other places. */
export function problemText({ at, severity, code, message, hint, related }: Problem): string {
  return [
    `${at.file}:${at.line}:${at.column} ${severity} ${code} ${message}`,
    ...(hint === undefined ? [] : [`  hint: ${hint}`]),
    ...(related ?? []).map((place) => `  also ${place.file}:${place.line}:${place.column}`),
  ].join("\n");
}

/** A site as text without places: what it means, whatever it was written like. Guests within it go by their hosts. */
export function meaning(site: unknown, root: string): string {
  const shorten = (key: string, value: unknown): unknown => {
    if (key === "from") return undefined;
    const isGuest = typeof value === "object" && value !== null && "host" in value && "mounts" in value;
    return isGuest && !/^\d+$/.test(key) ? value.host : value;
  };
  return `${JSON.stringify(site, shorten, 2)?.replaceAll(root, "ROOT")}\n`;
}

/** Compares with a file; UPDATE=1 rewrites it, a difference leaves FILE.actual. */
export function expected(file: string, actual: string): { readonly actual: string; readonly wanted: string } {
  const rejected = `${file}.actual`;
  if (process.env.UPDATE === "1") writeFileSync(file, actual);
  const wanted = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (wanted === actual) rmSync(rejected, { force: true });
  else writeFileSync(rejected, actual);
  return { actual, wanted };
}
