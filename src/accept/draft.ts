/** The site's files as accepting drift changes them. Edits of one file are collected, and made at once. */
import { inStyleOf, plainLines } from "../formats/text/line-style.ts";
import type { SourceRef } from "../resource.ts";
import type { JsonNode } from "../site/text/json.ts";
import { type JsonEdit, type JsonPath, nodeAt, pathAt, rootOf, withEdits } from "../site/text/json-places.ts";

/** A file before and after. */
export interface FileChange {
  /** Relative to the site's root. */
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

export class SiteDraft {
  readonly #files: ReadonlyMap<string, string>;
  readonly #edits = new Map<string, JsonEdit[]>();
  readonly #texts = new Map<string, string>();

  /** @param files the site's files as they are on disk */
  constructor(files: readonly { readonly name: string; readonly text: string }[]) {
    this.#files = new Map(files.map(({ name, text }) => [name, text]));
  }

  /** A file's text, without a byte order mark and with LF. */
  textOf(name: string): string {
    return plainLines(this.#files.get(name) ?? "");
  }

  /** The path to what a place declares. */
  pathTo(place: SourceRef): JsonPath | undefined {
    return pathAt(this.textOf(place.file), place);
  }

  /** The value at a path as it is now. */
  node(name: string, path: JsonPath): JsonNode | undefined {
    return nodeAt(rootOf(this.textOf(name)), path);
  }

  edit(name: string, edit: JsonEdit): void {
    const edits = this.#edits.get(name) ?? [];
    edits.push(edit);
    this.#edits.set(name, edits);
  }

  /** Replaces the whole text of a file; @param text with LF */
  replace(name: string, text: string): void {
    this.#texts.set(name, text);
  }

  get changes(): readonly FileChange[] {
    const names = [...new Set([...this.#edits.keys(), ...this.#texts.keys()])].sort();
    return names.flatMap((name) => {
      const before = this.#files.get(name) ?? "";
      const edits = this.#edits.get(name) ?? [];
      const edited = inStyleOf(before, (own) => ({ text: withEdits(this.#texts.get(name) ?? own, edits) }));
      const after = edited?.text ?? before;
      return after === before ? [] : [{ name, before, after }];
    });
  }
}

/** The key of an object under which one of these names stands; the first name where none does. */
export function keyIn(node: JsonNode | undefined, names: readonly [string, ...string[]]): string {
  const members = node?.kind === "object" ? node.members : undefined;
  return names.find((name) => members?.has(name)) ?? names[0];
}
