/**
 * Three versions of a JSON file: as import wrote it last, as it is now, and as import would write it. What differs on the host goes
 * into the present text, which otherwise stays byte for byte what it is. Nothing is removed. Pure.
 */
import { secretMark, withoutSecrets } from "../../secret-spans.ts";
import { isSensitiveName } from "../../sensitive.ts";
import { type JsonNode, JsonSyntaxError, parseJson } from "../../site/text/json.ts";
import { type Addition, beforeComment, edited, type Replacement } from "../../site/text/json-edits.ts";

/** A value that both the host and a person changed: the person's stays. */
export interface Conflict {
  /** "vms.310.network_config.ip". */
  readonly path: string;
  /** In the present text, counted from 1. */
  readonly line: number;
  /** The two values, without secrets; "removed" where the person took it out. */
  readonly own: string;
  readonly found: string;
}

export interface Merged {
  readonly text: string;
  readonly conflicts: readonly Conflict[];
  /** Paths of what import wrote last and does not find any more. It stays. */
  readonly gone: readonly string[];
  /** Paths of what import wrote last and a person removed. It stays away while the host does not change it. */
  readonly removed: readonly string[];
}

/** @param base absent when import did not write the file. Undefined when the present text is not JSON. */
export function mergedJson(base: string | undefined, own: string, found: string): Merged | undefined {
  const present = rootOf(own);
  const next = rootOf(found);
  if (present === undefined || next === undefined) return undefined;
  const merge = new JsonMerge(own, found);
  merge.both(base === undefined ? undefined : rootOf(base), present, next, []);
  return {
    text: edited(own, merge.replacements, merge.additions),
    conflicts: merge.conflicts,
    gone: merge.gone,
    removed: merge.removed,
  };
}

function rootOf(text: string): JsonNode | undefined {
  try {
    return parseJson(text).root;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}

/** A member of an object, or an item of a list by what it is about. */
interface Entry {
  readonly key: string;
  /** From its key to the end of its value. */
  readonly start: number;
  readonly value: JsonNode;
}

class JsonMerge {
  readonly replacements: Replacement[] = [];
  readonly additions: Addition[] = [];
  readonly conflicts: Conflict[] = [];
  readonly gone: string[] = [];
  readonly removed: string[] = [];
  readonly #own: string;
  readonly #found: string;

  constructor(own: string, found: string) {
    this.#own = own;
    this.#found = found;
  }

  /** What is there on both sides. */
  both(base: JsonNode | undefined, own: JsonNode, found: JsonNode, path: readonly string[]): void {
    const next = plainText(found);
    const [before, present] = [base && plainText(base), plainText(own)];
    if (next === present) return;
    const [mine, theirs] = [entriesOf(own), entriesOf(found)];
    if (own.kind === found.kind && mine !== undefined && theirs !== undefined) {
      const known = (base?.kind === own.kind ? entriesOf(base) : undefined) ?? [];
      const isMoved = isReordered(mine, theirs) && isReordered(known, theirs);
      if (own.kind === "object" || !isMoved) this.#entries(known, own, mine, theirs, path);
      else if (present === before && keysOf(known).every((key) => keysOf(theirs).includes(key)))
        this.#replace(own, found);
      else this.#conflict(own, found, path);
    } else if (next === before) return;
    else if (present === before) this.#replace(own, found);
    else this.#conflict(own, found, path);
  }

  #entries(
    base: readonly Entry[],
    own: JsonNode,
    present: readonly Entry[],
    found: readonly Entry[],
    path: readonly string[],
  ): void {
    const at = (entries: readonly Entry[], key: string): JsonNode | undefined =>
      entries.find((entry) => entry.key === key)?.value;
    let after: Entry | undefined;
    for (const entry of found) {
      const { key, value } = entry;
      const [before, mine] = [at(base, key), at(present, key)];
      if (mine !== undefined) this.both(before, mine, value, [...path, key]);
      else if (before === undefined)
        this.additions.push({ into: own, after: after?.value, text: this.#wholeOf(entry) });
      else if (plainText(before) !== plainText(value)) this.#conflict(undefined, value, [...path, key], own);
      else this.removed.push(withoutSecrets([...path, key].join(".")));
      after = present.find((each) => each.key === key) ?? after;
    }
    for (const { key } of base)
      if (at(found, key) === undefined && at(present, key) !== undefined)
        this.gone.push(withoutSecrets([...path, key].join(".")));
  }

  #replace({ start, end }: JsonNode, found: JsonNode): void {
    this.replacements.push({ start, end, text: this.#moved(found, start) });
  }

  #conflict(own: JsonNode | undefined, found: JsonNode, path: readonly string[], around = own): void {
    const isSecret = path.some((key) => isSensitiveName(key));
    const shown = (node: JsonNode): string => (isSecret ? secretMark : withoutSecrets(plainText(node)));
    this.conflicts.push({
      path: path.join("."),
      line: this.#own.slice(0, around?.start ?? 0).split("\n").length,
      own: own === undefined ? "removed" : shown(own),
      found: shown(found),
    });
  }

  /** A value of import's text, indented for the place that it moves to. */
  #moved({ start, end }: JsonNode, to: number): string {
    return reindented(this.#found.slice(start, end), indentAt(this.#found, start), indentAt(this.#own, to));
  }

  /** An entry of import's text with the comments above and behind it, without indentation of its own. */
  #wholeOf({ start, value }: Entry): string {
    const lines = this.#found.slice(0, start).split("\n");
    const indent = lines.at(-1) ?? "";
    const above: string[] = [];
    for (const line of lines.slice(0, -1).reverse()) {
      if (!/^\s*\/\//.test(line) || indent.trim() !== "") break;
      above.unshift(line.trim());
    }
    const behind = /^,?[ \t]*(\/\/[^\n]*)/.exec(this.#found.slice(value.end))?.[1];
    const text = reindented(this.#found.slice(start, value.end), indentAt(this.#found, start), "");
    // The comma belongs before the comment: whoever adds the entry puts it there.
    return [...above, behind === undefined ? text : `${text}${beforeComment}${behind}`].join("\n");
  }
}

/** The members or items, where each can be told from the others; undefined for a single value, and for a list of equal things. */
function entriesOf(node: JsonNode): readonly Entry[] | undefined {
  if (node.kind === "object")
    return [...node.members.values()].map(({ key, start, value }) => ({ key, start, value }));
  if (node.kind !== "array") return undefined;
  const entries = node.items.map((value) => ({ key: identityOf(value), start: value.start, value }));
  return new Set(entries.map(({ key }) => key)).size === entries.length ? entries : undefined;
}

function keysOf(entries: readonly Entry[]): readonly string[] {
  return entries.map(({ key }) => key);
}

/** Whether what both have stands in another order: of rules, the first that fits counts. */
function isReordered(one: readonly Entry[], other: readonly Entry[]): boolean {
  const shared = (entries: readonly Entry[], others: readonly Entry[]): readonly string[] => {
    const known = new Set(keysOf(others));
    return keysOf(entries).filter((key) => known.has(key));
  };
  return JSON.stringify(shared(one, other)) !== JSON.stringify(shared(other, one));
}

/** Members that tell what an object of a list is about, in this order. */
const identities = ["vmid", "ctid", "id", "common_name", "name", "source", "container_path", "mount_point"];

function identityOf(node: JsonNode): string {
  if (node.kind !== "object" || node.members.has("action")) return plainText(node);
  const member = identities.map((key) => node.members.get(key)).find((found) => found !== undefined);
  return member === undefined ? plainText(node) : `${member.key} ${plainText(member.value)}`;
}

/** The value as JSON on one line: equal values have equal texts. */
function plainText(node: JsonNode): string {
  return JSON.stringify(dataOf(node));
}

function dataOf(node: JsonNode): unknown {
  switch (node.kind) {
    case "object":
      return Object.fromEntries(
        [...node.members.values()]
          .map(({ key, value }) => [key, dataOf(value)] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    case "array":
      return node.items.map(dataOf);
    case "null":
      return null;
    default:
      return node.value;
  }
}

function indentAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  return /^\s*/.exec(line)?.[0] ?? "";
}

function reindented(text: string, from: string, to: string): string {
  return text
    .split("\n")
    .map((line, at) => (at === 0 || !line.startsWith(from) ? line : to + line.slice(from.length)))
    .join("\n");
}
