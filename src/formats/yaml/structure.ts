/** What Go's YAML parser refuses in a document and this package's does not, and limits that keep a hostile text from taking forever. */
import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
} from "yaml";
import type { Fault } from "../fault.ts";

/** A fault, and the offsets of what it is about. */
export interface YamlFault extends Fault {
  readonly from: number;
  readonly to?: number;
  /** Whether the text between the offsets may be a secret that was not quoted. */
  readonly mayBeSecret?: true;
}

/** Values that aliases may add to those that are written. */
const largestExpansion = 100_000;

/** Of more faults in one text nobody reads. */
const mostFaults = 20;

/** A clone of an alias keeps it, as it keeps all properties. */
const target = Symbol("target");

/** What an alias of a document without structural faults refers to. */
export function targetOf(alias: Alias): Node | undefined {
  return (alias as Alias & { [target]?: Node })[target];
}

/** Structural faults in the order of the text; without any, `targetOf` knows every alias of the document. */
export function checkStructure(document: Document.Parsed): readonly YamlFault[] {
  const walk = new Walk();
  if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== "1.1")
    walk.report({ message: "Compose reads YAML 1.1 only: remove the %YAML directive", from: 0 });
  walk.size(document.contents);
  return walk.faults;
}

class Walk {
  readonly faults: YamlFault[] = [];
  /** The values below each anchor, aliases included; undefined while the walk is inside of it. */
  readonly #anchors = new Map<string, { readonly node: Node; size?: number }>();
  #expansion = 0;

  report(fault: YamlFault): void {
    if (this.faults.length < mostFaults) this.faults.push(fault);
  }

  /** The number of values in a node once its aliases are followed. */
  size(node: unknown): number {
    if (isAlias(node)) return this.#follow(node);
    const anchored = isScalar(node) || isCollection(node) ? node.anchor : undefined;
    const entry: { readonly node: Node; size?: number } = { node: node as Node };
    if (anchored !== undefined) this.#anchors.set(anchored, entry);
    entry.size = 1 + this.#children(node);
    return entry.size;
  }

  #children(node: unknown): number {
    if (!isCollection(node)) return 0;
    if (isSeq(node)) return node.items.reduce<number>((sum, item) => sum + this.size(item), 0);
    return isMap(node) ? this.#pairs(node.items) : 0;
  }

  #pairs(pairs: readonly Pair[]): number {
    const keys = new Set<string>();
    return pairs.reduce((sum, { key, value }) => {
      const name = this.#keyName(key);
      const size = this.size(value);
      if (name !== undefined && keys.has(name))
        this.#at(key, { message: `key ${JSON.stringify(name)} is there twice in one mapping` });
      else if (name !== undefined) keys.add(name);
      if (isScalar(key) && typeof key.value === "symbol" && !isMergeable(value))
        this.#at(value, { message: 'a merge ("<<") needs a mapping, or a list of mappings' });
      return sum + size;
    }, 0);
  }

  /** A key's text; undefined, with a fault, when it is not text. */
  #keyName(key: unknown): string | undefined {
    if (isAlias(key)) {
      if (this.#follow(key) === 0) return undefined;
      const { value } = targetOf(key) as { readonly value?: unknown };
      if (typeof value === "string") return value;
    } else if (isScalar(key)) {
      if (key.anchor !== undefined) this.#anchors.set(key.anchor, { node: key, size: 1 });
      if (typeof key.value === "string") return key.value;
      if (typeof key.value === "symbol") return key.value.description;
    }
    const hint = "quote it, or remove the ? before it";
    this.#at(key, { message: "a key must be text, not a number, null, list or mapping", hint });
    return undefined;
  }

  /** The size of what an alias refers to; 0, with a fault, when it refers to nothing. */
  #follow(alias: Alias): number {
    const anchor = this.#anchors.get(alias.source);
    if (anchor === undefined) {
      const hint = 'quote a value that begins with "*"';
      this.#at(alias, {
        message: "unknown YAML alias: no anchor before it has its name",
        hint,
        mayBeSecret: true,
      });
      return 0;
    }
    if (anchor.size === undefined) {
      this.#at(alias, { message: "a YAML anchor that contains itself" });
      return 0;
    }
    Object.assign(alias, { [target]: anchor.node });
    const before = this.#expansion;
    this.#expansion += anchor.size;
    if (before <= largestExpansion && this.#expansion > largestExpansion)
      this.#at(alias, {
        message: `YAML aliases add more than ${largestExpansion} values`,
        hint: "write out what the aliases repeat, or remove it",
      });
    return anchor.size;
  }

  #at(node: unknown, fault: Omit<YamlFault, "from">): void {
    const [from = 0, to = from] = (node as Partial<Node> | null)?.range ?? [];
    this.report({ ...fault, from, to });
  }
}

function isMergeable(value: unknown): boolean {
  const node = isAlias(value) ? targetOf(value) : value;
  if (!isSeq(node)) return isMap(node) || isUnresolved(value);
  return node.items.every((item) => isMap(isAlias(item) ? targetOf(item) : item) || isUnresolved(item));
}

/** An alias that is not followed yet, or that has a fault of its own. */
function isUnresolved(value: unknown): boolean {
  return isAlias(value) && targetOf(value) === undefined;
}
