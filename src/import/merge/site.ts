/** An import into a directory that has a site already: what it would change there, and what it leaves to the person. Pure. */

import { inStyleOf, plainLines } from "../../formats/text/line-style.ts";
import { mergedText } from "../../formats/text/merge.ts";
import { Secret } from "../../secret.ts";
import { ignoreFile, withIgnored } from "../../site/place.ts";
import type { SiteFile } from "../write.ts";
import { type Conflict, type Merged, mergedJson } from "./json.ts";

/** A file of the last import. Of one that may hold secrets only a fingerprint is kept. */
export type Remembered = { readonly text: string } | { readonly fingerprint: string };

export interface FileMerge {
  readonly path: string;
  readonly verb: "create" | "update" | "unchanged";
  /** As it is, and as it becomes. */
  readonly before: string;
  readonly after: string;
  /** Nobody but its owner may read it. */
  readonly isPrivate: boolean;
  /** Its content is a secret as a whole: it is never shown. */
  readonly isSecret: boolean;
  /** Values, or the whole text, that both the host and a person changed. */
  readonly conflicts: readonly Conflict[];
  /** What the last import found and this one does not: it stays. */
  readonly gone: readonly string[];
  /** What the last import wrote, a person removed, and the host still has: it stays away. */
  readonly removed: readonly string[];
}

/**
 * @param last the files of the last import by path; none where nothing is remembered
 * @param present the texts of the directory's files by path
 */
export function mergedSite(
  last: ReadonlyMap<string, Remembered>,
  present: ReadonlyMap<string, string>,
  next: readonly SiteFile[],
): readonly FileMerge[] {
  const merges = next.map((file) => mergedFile(last.get(file.path), present.get(file.path), file));
  const lost = [...last].flatMap(([path, kept]): readonly FileMerge[] => {
    const text = present.get(path);
    if (text === undefined || next.some((file) => file.path === path)) return [];
    const isSecret = "fingerprint" in kept;
    const same = {
      path,
      verb: "unchanged",
      before: text,
      after: text,
      isPrivate: isSecret,
      isSecret,
    } as const;
    return [{ ...same, conflicts: [], gone: [path], removed: [] }];
  });
  return [...merges, ...lost];
}

/** What is kept of the files of an import for the next one. */
export function remembered(files: readonly SiteFile[]): ReadonlyMap<string, Remembered> {
  return new Map(
    files.map((file) => [
      file.path,
      isWholeSecret(file) ? { fingerprint: fingerprint(file.text) } : { text: file.text },
    ]),
  );
}

/** A Compose file with a password in it is merged like any other, and its differences are shown without. */
function isWholeSecret({ path, isSecret }: SiteFile): boolean {
  return isSecret === true && !/\.ya?ml$/.test(path);
}

function fingerprint(text: string): string {
  return new Secret(text).fingerprint();
}

function mergedFile(last: Remembered | undefined, present: string | undefined, file: SiteFile): FileMerge {
  const { path, text } = file;
  const isSame = (one: string): boolean =>
    last !== undefined && ("text" in last ? last.text === one : last.fingerprint === fingerprint(one));
  const result = (
    after: string,
    { conflicts = [], gone = [], removed = [] }: Partial<Merged> = {},
  ): FileMerge => ({
    path,
    verb: present === undefined ? "create" : present === after ? "unchanged" : "update",
    ...{ before: present ?? "", after, conflicts, gone, removed },
    isPrivate: file.isSecret === true,
    isSecret: isWholeSecret(file),
  });
  // Removed by a person: it comes back only when the host has changed.
  if (present === undefined)
    return isSame(text) ? { ...result("", { removed: [path] }), verb: "unchanged" } : result(text);
  if (present === text) return result(present);
  const base = last !== undefined && "text" in last ? plainLines(last.text) : undefined;
  const isJson = path.endsWith(".json");
  if (isSame(text) && (base === undefined || !isJson)) return result(present);
  const merged = inStyleOf(present, (own) => {
    if (path === ignoreFile) return unchangedBut(withIgnored(own, text, base));
    return isJson ? mergedJson(base, own, plainLines(text)) : textMerge(base, own, plainLines(text));
  });
  if (isSame(text) && merged === undefined) return result(present);
  // Nobody edited it: the comments are renewed as well, unless something that is gone has to stay.
  if (isSame(present) && (merged === undefined || merged.gone.length === 0)) return result(text);
  return merged === undefined
    ? result(present, { conflicts: [whole(present, text)] })
    : result(merged.text, merged);
}

function textMerge(base: string | undefined, present: string, next: string): Merged | undefined {
  const text = base === undefined ? undefined : mergedText(base, present, next);
  return text === undefined ? undefined : unchangedBut(text);
}

function unchangedBut(text: string): Merged {
  return { text, conflicts: [], gone: [], removed: [] };
}

function whole(own: string, found: string): Conflict {
  const size = (text: string): string => {
    const n = text.split("\n").length - 1;
    return n === 1 ? "1 line" : `${n} lines`;
  };
  return { path: "", line: 1, own: size(own), found: size(found) };
}
