/** Places in a JSON text with comments, and edits at them that leave every other byte as it is. Pure. */
import type { SourceRef } from "../../resource.ts";
import { type JsonNode, parseJson } from "./json.ts";
import { type Addition, commaBehind, edited, type Replacement } from "./json-edits.ts";

/** Keys and positions from the root: ["dns_records", 2, "ip"]. */
export type JsonPath = readonly (string | number)[];

export type JsonEdit =
  | { readonly kind: "set"; readonly path: JsonPath; readonly value: unknown }
  | { readonly kind: "remove"; readonly path: JsonPath }
  | {
      readonly kind: "add";
      /** The object or list that gets it. */
      readonly path: JsonPath;
      /** Of an object. */
      readonly key?: string;
      /** The position in a list of the entry that it follows; -1 for the first place, the last place without one. */
      readonly after?: number;
      readonly value: unknown;
    };

interface Entry {
  readonly step: string | number;
  /** From its key to the end of its value. */
  readonly start: number;
  readonly value: JsonNode;
}

/** @throws JsonSyntaxError */
export function rootOf(text: string): JsonNode {
  return parseJson(text).root;
}

/** The value at a path; undefined when there is none. */
export function nodeAt(root: JsonNode, path: JsonPath): JsonNode | undefined {
  return path.reduce<JsonNode | undefined>(
    (node, step) => node && entriesOf(node).find((entry) => entry.step === step)?.value,
    root,
  );
}

/** The path to the entry whose key or value begins at a place; undefined when nothing does. */
export function pathAt(
  text: string,
  { line, column }: Pick<SourceRef, "line" | "column">,
): JsonPath | undefined {
  const offset = offsetOf(text, line) + column - 1;
  const path: (string | number)[] = [];
  let node: JsonNode | undefined = rootOf(text);
  while (node !== undefined) {
    const entry: Entry | undefined = entriesOf(node).find(
      ({ start, value }) => start <= offset && offset < value.end,
    );
    if (entry === undefined) return undefined;
    path.push(entry.step);
    if (entry.start === offset || entry.value.start === offset) return path;
    node = entry.value;
  }
  return undefined;
}

function offsetOf(text: string, line: number): number {
  let at = 0;
  for (let n = 1; n < line; n += 1) at = text.indexOf("\n", at) + 1;
  return at;
}

function entriesOf(node: JsonNode): readonly Entry[] {
  if (node.kind === "object")
    return [...node.members.values()].map(({ key, start, value }) => ({ step: key, start, value }));
  if (node.kind !== "array") return [];
  return node.items.map((value, step) => ({ step, start: value.start, value }));
}

/** Makes edits; each path is one of the text as it is given. */
export function withEdits(text: string, edits: readonly JsonEdit[]): string {
  if (edits.length === 0) return text;
  const root = rootOf(text);
  const replaced = edits.flatMap((edit): readonly Replacement[] => {
    const node = edit.kind === "set" ? nodeAt(root, edit.path) : undefined;
    return node === undefined || edit.kind !== "set" ? [] : [{ ...node, text: onOneLine(edit.value) }];
  });
  const gone = edits.flatMap((edit) => (edit.kind === "remove" ? [edit.path] : []));
  const shorter = edited(text, [...replaced, ...removals(text, root, gone)], []);
  const added = edits.flatMap((edit) => (edit.kind === "add" ? [edit] : []));
  return added.reduce((present, edit) => withAddition(present, edit, gone), shorter);
}

function withAddition(
  text: string,
  edit: Extract<JsonEdit, { kind: "add" }>,
  gone: readonly JsonPath[],
): string {
  const into = nodeAt(rootOf(text), edit.path);
  if (into === undefined) return text;
  const entries = entriesOf(into);
  const before = gone.filter(
    (path) => isSame(path.slice(0, -1), edit.path) && Number(path.at(-1)) <= (edit.after ?? -1),
  );
  const at = edit.after === undefined ? entries.length - 1 : edit.after - before.length;
  const addition: Addition = { into, after: entries[at]?.value, text: entryText(text, entries, edit) };
  return edited(text, [], [addition]);
}

/** On one line, unless the entries beside it are written on several. */
function entryText(
  text: string,
  entries: readonly Entry[],
  { key, value }: { key?: string; value: unknown },
): string {
  const isOpen = entries.some((entry) => text.slice(entry.value.start, entry.value.end).includes("\n"));
  const isList = key === undefined;
  const whole = isList && !isOpen ? onOneLine(value) : (JSON.stringify(value, null, 2) ?? "null");
  const printed = isList ? whole : withFlatItems(value, whole);
  return isList ? printed : `${JSON.stringify(key)}: ${printed}`;
}

/** A list of objects has each on a line of its own. */
function withFlatItems(value: unknown, whole: string): string {
  if (!Array.isArray(value)) return whole;
  return `[\n${value.map((item) => `  ${onOneLine(item)}`).join(",\n")}\n]`;
}

function onOneLine(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(", ")}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{ ${members.map(([name, member]) => `${JSON.stringify(name)}: ${onOneLine(member)}`).join(", ")} }`;
}

function removals(text: string, root: JsonNode, paths: readonly JsonPath[]): readonly Replacement[] {
  const parents = new Map(paths.map((path) => [JSON.stringify(path.slice(0, -1)), path.slice(0, -1)]));
  return [...parents.values()].flatMap((parent): readonly Replacement[] => {
    const container = nodeAt(root, parent);
    if (container === undefined) return [];
    const entries = entriesOf(container);
    const isGone = ({ step }: Entry): boolean => paths.some((path) => isSame(path, [...parent, step]));
    const spans = entries.filter(isGone).map((entry) => spanOf(text, entry));
    const last = entries.at(-1);
    const kept = entries.filter((entry) => !isGone(entry)).at(-1);
    // The comma behind the last entry that stays would be one too many.
    if (last === undefined || kept === undefined || !isGone(last) || commaAfter(text, last) !== undefined)
      return spans;
    const comma = commaAfter(text, kept);
    return comma === undefined ? spans : [...spans, { start: comma, end: comma + 1, text: "" }];
  });
}

/** The entry with its comma and, where nothing else stands there, its lines. */
function spanOf(text: string, entry: Entry): Replacement {
  const comma = commaAfter(text, entry);
  const end = comma === undefined ? entry.value.end : comma + 1;
  const lineStart = text.lastIndexOf("\n", entry.start - 1) + 1;
  const newline = text.indexOf("\n", end);
  const lineEnd = newline < 0 ? text.length : newline;
  const rest = text.slice(end, lineEnd);
  const isAlone = text.slice(lineStart, entry.start).trim() === "" && /^\s*(?:\/\/.*)?$/.test(rest);
  if (isAlone) return { start: lineStart, end: Math.min(lineEnd + 1, text.length), text: "" };
  return { start: entry.start, end: end + (/^[ \t]*/.exec(rest)?.[0].length ?? 0), text: "" };
}

/** The offset of the comma behind an entry. */
function commaAfter(text: string, { value }: Entry): number | undefined {
  const found = commaBehind.exec(text.slice(value.end))?.[0];
  return found === undefined ? undefined : value.end + found.length - 1;
}

function isSame(one: JsonPath, other: JsonPath): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
