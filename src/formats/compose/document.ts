/** YAML as Compose reads it: anchors, merges and variables resolved, and every node's place in the file. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  type Scalar,
  visit,
} from "yaml";
import type { FaultAt } from "../fault.ts";
import { parseYaml } from "../yaml/index.ts";
import { interpolate } from "./interpolation.ts";

/** A place in a compose file; lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
  /** The column after the last character, when it is on the same line. */
  readonly endColumn?: number;
}

/** A compose file as parsed, with its variables filled in beside it: the document itself keeps what was written. */
export interface ComposeYaml {
  readonly text: string;
  readonly document: Document;
  readonly lines: LineCounter;
  /** Values in which variables stood, as they read with them filled in. */
  readonly filled: ReadonlyMap<Scalar, string>;
  /** Values that could not be filled in: what they say means nothing. */
  readonly unfilled: ReadonlySet<unknown>;
  readonly faults: readonly FaultAt<Place>[];
}

/** A member of a mapping, its own or merged into it. */
export interface Member {
  readonly key: string;
  readonly place: Place;
  readonly value: Node | null;
}

/** How deep merges may lie in each other: a merge of itself never ends. */
const deepestMerge = 20;

export function parseComposeYaml(text: string, variables: ReadonlyMap<string, string>): ComposeYaml {
  const lines = new LineCounter();
  const document = parseYaml(text, { merge: true, lineCounter: lines });
  const faults: FaultAt<Place>[] = document.errors.map(({ message, pos }) => ({
    message: `this is no valid YAML: ${message.split("\n", 1)[0]?.replace(/[.:]$/, "")}`,
    place: placeAt(lines, pos[0]),
  }));
  const filled = new Map<Scalar, string>();
  const unfilled = new Set<unknown>();
  const yaml = { text, document, lines, filled, unfilled, faults };
  if (faults.length > 0) return yaml;
  const values = Object.fromEntries(variables);
  visit(document, {
    Scalar: (key, node) => {
      if (key === "key" || typeof node.value !== "string" || !node.value.includes("$")) return;
      const found = fill(yaml, filled, node, node.value, values);
      if (found.length > 0) unfilled.add(node);
      faults.push(...found);
    },
  });
  return yaml;
}

function fill(
  yaml: Pick<ComposeYaml, "text" | "lines">,
  filled: Map<Scalar, string>,
  node: Scalar,
  value: string,
  variables: Readonly<Record<string, string>>,
): readonly FaultAt<Place>[] {
  try {
    const { text, unset } = interpolate(value, variables);
    filled.set(node, text);
    return [...new Set(unset)].map((name) => ({
      message: `variable ${name} has no value`,
      place: placeIn(yaml, node, [`\${${name}`, `$${name}`]),
      hint: `give it one under "variables" in phoenix.json, or a default: \${${name}:-…}`,
    }));
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const [, name] = /^required variable (\w+) /.exec(words) ?? [];
    return [
      name === undefined
        ? { message: words, place: placeOf(yaml, node), hint: "a dollar sign by itself is written $$" }
        : {
            message: words,
            place: placeIn(yaml, node, [`\${${name}`]),
            hint: `give ${name} a value under "variables" in phoenix.json`,
          },
    ];
  }
}

/** The node itself, with aliases followed; null for nothing. */
export function resolved({ document }: ComposeYaml, node: unknown): Node | null {
  if (isAlias(node)) return node.resolve(document) ?? null;
  return isMap(node) || isSeq(node) || isScalar(node) ? node : null;
}

/** A mapping's members, merges included, in Compose's precedence; undefined when it is no mapping. */
export function membersOf(yaml: ComposeYaml, node: unknown, depth = 0): readonly Member[] | undefined {
  const map = resolved(yaml, node);
  if (!isMap(map)) return undefined;
  const found = new Map<string, Member>();
  for (const pair of map.items) {
    if (isMerge(pair)) continue;
    const key = keyOf(pair);
    found.set(key, { key, place: placeOf(yaml, pair.key), value: resolved(yaml, pair.value) });
  }
  if (depth > deepestMerge) return [...found.values()];
  for (const pair of map.items.filter(isMerge)) {
    const value = resolved(yaml, pair.value);
    for (const source of isSeq(value) ? value.items : [value]) {
      for (const member of membersOf(yaml, source, depth + 1) ?? []) {
        if (!found.has(member.key)) found.set(member.key, member);
      }
    }
  }
  return [...found.values()];
}

/** A list's items; a single value is a list of one; nothing is an empty list. */
export function itemsOf(yaml: ComposeYaml, node: unknown): readonly Node[] {
  const list = resolved(yaml, node);
  if (list === null || isNull(list)) return [];
  return isSeq(list) ? list.items.flatMap((item) => resolved(yaml, item) ?? []) : [list];
}

/** A simple value as text, its variables filled in; undefined for lists, mappings and nothing. */
export function textOf(yaml: ComposeYaml, node: unknown): string | undefined {
  const scalar = resolved(yaml, node);
  if (!isScalar(scalar) || scalar.value === null) return undefined;
  const filled = yaml.filled.get(scalar);
  if (filled !== undefined) return filled;
  // Numbers as they were written: 0644 and 1.0 are not 420 and 1.
  return typeof scalar.value === "string" ? scalar.value : (scalar.source ?? String(scalar.value));
}

/** The member called `key`. */
export function memberOf(members: readonly Member[], key: string): Member | undefined {
  return members.find((member) => member.key === key);
}

export function isNull(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

export function isMerge(pair: Pair): boolean {
  // The parser makes a symbol of a plain "<<".
  return isScalar(pair.key) && typeof pair.key.value === "symbol";
}

export function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.source ?? pair.key.value) : String(pair.key);
}

export function placeOf(yaml: Pick<ComposeYaml, "lines">, node: unknown): Place {
  const range = (node as Partial<Node> | null)?.range;
  return range === undefined || range === null ? start : placeAt(yaml.lines, range[0], range[1]);
}

/** The place of the first of these words in a node's source; the whole node when none is there as it stands. */
function placeIn(yaml: Pick<ComposeYaml, "text" | "lines">, node: Scalar, words: readonly string[]): Place {
  const [from, to] = node.range ?? [0, 0];
  const source = yaml.text.slice(from, to);
  for (const word of words) {
    const at = source.indexOf(word);
    if (at < 0) continue;
    const closing = word.startsWith("${") ? source.indexOf("}", at) : -1;
    return placeAt(yaml.lines, from + at, closing < 0 ? from + at + word.length : from + closing + 1);
  }
  return placeOf(yaml, node);
}

const start: Place = { line: 1, column: 1 };

function placeAt(lines: LineCounter, from: number, to: number = from): Place {
  const { line, col } = lines.linePos(from);
  if (line === 0) return start;
  const end = lines.linePos(to);
  return end.line === line && end.col > col
    ? { line, column: col, endColumn: end.col }
    : { line, column: col };
}
