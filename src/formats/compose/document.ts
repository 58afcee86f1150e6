/** A Compose file as Compose reads it: anchors, merges and variables resolved, every node with its place in the file. */
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
import { numberIn, readYaml, targetOf, type YamlFault } from "../yaml/index.ts";
import { filledValue } from "./interpolation.ts";

/** A place in a Compose file; lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
  /** The column after the last character, when it is on the same line. */
  readonly endColumn?: number;
}

/** What Compose, or Portainer that runs it, would refuse. */
export interface ComposeFault extends FaultAt<Place> {
  /** Whether the place may hold a secret, so that no excerpt may show it. */
  readonly mayBeSecret?: true;
  /** Compose would take it: it is about a Swarm alone. */
  readonly ofSwarm?: true;
}

/** A member of a mapping: its own, or one merged into it. */
export interface Member {
  readonly key: string;
  /** The key's. */
  readonly place: Place;
  readonly value: ComposeNode;
}

/** An item of a list of texts, or a mapping's key. */
export interface Name {
  readonly name: string;
  readonly place: Place;
}

const projectVariable = "COMPOSE_PROJECT_NAME";

/** Merges nest at most this deep: a merge of itself would never end. */
export const deepestMerge = 20;

/** A parsed file. Variables are filled in beside the YAML, which stays as it was written and can be edited and printed. */
export class ComposeDocument {
  readonly yaml: Document;
  /** Whether it is YAML: without that nothing is read from it. */
  readonly isValid: boolean;
  /** Invalid YAML, or values whose variables cannot be filled in. */
  readonly faults: readonly ComposeFault[];
  /** The profiles that COMPOSE_PROFILES asks for. */
  readonly profiles: readonly string[];
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #filled = new Map<unknown, string>();
  readonly #unknown = new Set<unknown>();

  /** @param project the name that it runs under, which Compose gives to the variable COMPOSE_PROJECT_NAME */
  constructor(text: string, variables: ReadonlyMap<string, string>, project?: string) {
    this.#text = text;
    this.profiles = (variables.get("COMPOSE_PROFILES") ?? "").split(",").map((profile) => profile.trim());
    const { document, faults } = readYaml(text, this.#lines);
    this.yaml = document;
    this.isValid = faults.length === 0;
    this.faults = this.isValid
      ? this.#fill(project === undefined ? variables : new Map([...variables, [projectVariable, project]]))
      : faults.map((fault) => this.#invalid(fault));
  }

  get root(): ComposeNode {
    return this.node(this.yaml.contents);
  }

  get services(): ComposeNode {
    return this.root.get("services");
  }

  /** Whether Compose runs a service: it has no profile, or one that is asked for. */
  isEnabled(service: ComposeNode): boolean {
    const wanted = service.get("profiles").items.map(({ text = "" }) => text);
    return (
      wanted.length === 0 ||
      wanted.some((each) => this.profiles.includes(each) || this.profiles.includes("*"))
    );
  }

  node(yaml: unknown): ComposeNode {
    return new ComposeNode(this, yaml);
  }

  /** A text with its variables filled in; undefined for a node without variables. */
  filled(node: unknown): string | undefined {
    return this.#filled.get(node);
  }

  setFilled(node: Node, text: string): void {
    this.#filled.set(node, text);
  }

  /** Whether a value's variables cannot be filled in. */
  isUnknown(node: unknown): boolean {
    return this.#unknown.has(node);
  }

  placeOf(node: unknown): Place {
    const range = (node as Partial<Node> | null)?.range;
    return range === undefined || range === null ? start : this.#placeAt(range[0], range[1]);
  }

  #invalid({ from, to = from, ...fault }: YamlFault): ComposeFault {
    return { ...fault, place: this.#placeAt(from, to) };
  }

  #fill(variables: ReadonlyMap<string, string>): readonly ComposeFault[] {
    const found: ComposeFault[] = [];
    visit(this.yaml, {
      Scalar: (key, node) => {
        if (key === "key" || typeof node.value !== "string" || !node.value.includes("$")) return;
        const { text, faults } = filledValue(node.value, variables);
        if (text !== undefined) this.#filled.set(node, text);
        if (faults.length > 0) this.#unknown.add(node);
        found.push(...faults.map((fault) => ({ ...fault, place: this.#placeOfVariable(node, fault.place) })));
      },
    });
    return found;
  }

  /** The place of a variable in a node's source; of the whole node where the variable is not in it literally. */
  #placeOfVariable(node: Scalar, variable: string | undefined): Place {
    const [from, to] = node.range ?? [0, 0];
    const source = this.#text.slice(from, to);
    if (variable === undefined) return this.placeOf(node);
    const braced = source.indexOf(`\${${variable}`);
    const closing = braced < 0 ? -1 : source.indexOf("}", braced);
    if (closing >= 0) return this.#placeAt(from + braced, from + closing + 1);
    const plain = source.indexOf(`$${variable}`);
    return plain < 0 ? this.placeOf(node) : this.#placeAt(from + plain, from + plain + variable.length + 1);
  }

  #placeAt(from: number, to: number = from): Place {
    const { line, col } = this.#lines.linePos(from);
    if (line === 0) return start;
    const end = this.#lines.linePos(to);
    return end.line === line && end.col > col
      ? { line, column: col, endColumn: end.col }
      : { line, column: col };
  }
}

const start: Place = { line: 1, column: 1 };

/** A value in a Compose file. One that is not there is a node as well: it has no text, no items and no members. */
export class ComposeNode {
  /** With aliases followed; null for nothing. */
  readonly yaml: Node | null;
  readonly #document: ComposeDocument;

  constructor(document: ComposeDocument, yaml: unknown) {
    this.#document = document;
    const node = isAlias(yaml) ? targetOf(yaml) : yaml;
    this.yaml = isMap(node) || isSeq(node) || isScalar(node) ? node : null;
  }

  /** Whether nothing is there, or null. */
  get isNull(): boolean {
    return this.yaml === null || (isScalar(this.yaml) && this.yaml.value === null);
  }

  get isMapping(): boolean {
    return isMap(this.yaml);
  }

  get isList(): boolean {
    return isSeq(this.yaml);
  }

  /** Whether its variables cannot be filled in, so that nothing can be said about it. */
  get isUnknown(): boolean {
    return this.#document.isUnknown(this.yaml);
  }

  get hasVariables(): boolean {
    return this.#document.filled(this.yaml) !== undefined;
  }

  get place(): Place {
    return this.#document.placeOf(this.yaml);
  }

  /** A simple value, its variables filled in; undefined for lists, mappings and nothing. */
  get text(): string | undefined {
    if (!isScalar(this.yaml) || this.yaml.value === null) return undefined;
    const { value, source } = this.yaml;
    // Numbers as they were written: 0644 and 1.0 are not 420 and 1.
    return (
      this.#document.filled(this.yaml) ?? (typeof value === "string" ? value : (source ?? String(value)))
    );
  }

  /** A simple value as a label or an environment variable gets it: Compose writes numbers anew, 493 for 0755 and 1 for 1.0. */
  get asVariable(): string | undefined {
    const number = this.hasVariables ? undefined : numberIn(this.yaml);
    const isExact = number !== undefined && (Number.isSafeInteger(number) || !Number.isInteger(number));
    return isExact ? String(number) : this.text;
  }

  /** A simple value as it stands in the file, without its quotes. */
  get written(): string {
    return isScalar(this.yaml) ? String(this.yaml.value) : "";
  }

  /** Replaces a simple value; `text` is the value with its variables filled in. */
  write(written: string, text: string): void {
    if (!isScalar(this.yaml)) return;
    this.yaml.value = written;
    this.#document.setFilled(this.yaml, text);
  }

  /** A list's items; a single value is a list of one. */
  get items(): readonly ComposeNode[] {
    if (isSeq(this.yaml))
      return this.yaml.items.map((item) => this.#document.node(item)).filter(({ yaml }) => yaml !== null);
    return this.isNull ? [] : [this];
  }

  /** A mapping's members, merges included, in Compose's precedence; none when it is not a mapping. */
  get members(): readonly Member[] {
    const found = new Map<string, Member>();
    for (const pair of this.#pairs()) {
      const key = keyOf(pair);
      if (!found.has(key)) found.set(key, this.#memberOf(key, pair));
    }
    return [...found.values()];
  }

  /** The texts in a list, or a mapping's keys. */
  get names(): readonly Name[] {
    if (this.isMapping) return this.members.map(({ key, place }) => ({ name: key, place }));
    return this.items.map(({ text = "", place }) => ({ name: text, place }));
  }

  member(key: string): Member | undefined {
    const pair = this.#find(key, 0);
    return pair === undefined ? undefined : this.#memberOf(key, pair);
  }

  get(key: string): ComposeNode {
    return this.member(key)?.value ?? this.#document.node(null);
  }

  #memberOf(key: string, { key: written, value }: Pair): Member {
    const document = this.#document;
    return {
      key,
      get place() {
        return document.placeOf(written);
      },
      value: document.node(value),
    };
  }

  /** The pair with a key: its own, or else the first that is merged into it. Files are read by this more than by anything else. */
  #find(key: string, depth: number): Pair | undefined {
    if (!isMap(this.yaml)) return undefined;
    const { items } = this.yaml;
    const own = items.find((pair) => !isMerge(pair) && keyOf(pair) === key);
    if (own !== undefined || depth > deepestMerge) return own;
    for (const { value } of items.filter(isMerge))
      for (const source of this.#document.node(value).items) {
        const found = source.#find(key, depth + 1);
        if (found !== undefined) return found;
      }
    return undefined;
  }

  /** Its own pairs, and then those that are merged into it: of several with one key, the first counts. */
  *#pairs(depth = 0): Iterable<Pair> {
    if (!isMap(this.yaml)) return;
    for (const pair of this.yaml.items) if (!isMerge(pair)) yield pair;
    if (depth > deepestMerge) return;
    for (const { value } of this.yaml.items.filter(isMerge))
      for (const source of this.#document.node(value).items) yield* source.#pairs(depth + 1);
  }
}

export function isMerge(pair: Pair): boolean {
  // The parser makes a symbol of a plain "<<".
  return isScalar(pair.key) && typeof pair.key.value === "symbol";
}

export function keyOf({ key }: Pair): string {
  const node = isAlias(key) ? targetOf(key) : key;
  return isScalar(node) ? String(node.source ?? node.value) : String(node);
}
