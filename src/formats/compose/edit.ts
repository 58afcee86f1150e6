/** Editing a service of a Compose file: what it shares with others by anchors and merges is copied before it changes. */
import { isMap, isScalar, isSeq, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { type ComposeDocument, type ComposeNode, deepestMerge, isMerge, keyOf } from "./document.ts";

/** The service called `name`; undefined when the file has no mapping of that name. */
export function editService(document: ComposeDocument, name: string): EditedService | undefined {
  const services = document.services.yaml;
  const pair = isMap(services)
    ? services.items.find((each) => !isMerge(each) && keyOf(each) === name)
    : undefined;
  const map = document.node(pair?.value).yaml;
  if (pair === undefined || !isMap(map)) return undefined;
  // One that is only an alias of another becomes a copy.
  const own = pair.value === map ? map : copyOf(map);
  pair.value = own;
  return new EditedService(document, own);
}

export class EditedService {
  readonly #document: ComposeDocument;
  readonly #map: YAMLMap;

  constructor(document: ComposeDocument, map: YAMLMap) {
    this.#document = document;
    this.#map = map;
  }

  get node(): ComposeNode {
    return this.#document.node(this.#map);
  }

  /** Whether `key` stands in the service itself. */
  has(key: string): boolean {
    return this.#map.has(key);
  }

  /** Whether other mappings are merged into it. */
  get inherits(): boolean {
    return this.#map.items.some(isMerge);
  }

  /** Removes a list of its own without items. */
  removeEmpty(key: string): void {
    const own = this.#map.get(key, true);
    if (isSeq(own) && own.items.length === 0 && !this.inherits) this.#map.delete(key);
  }

  set(key: string, value: unknown): void {
    this.#map.set(key, this.#document.yaml.createNode(value));
  }

  /** A list or mapping of the service as a node of its own; undefined when it has neither under `key`. */
  own(key: string): YAMLMap | YAMLSeq | undefined {
    const own = this.#map.get(key, true);
    if (isMap(own) || isSeq(own)) return own;
    const inherited = this.node.get(key).yaml;
    if (!isMap(inherited) && !isSeq(inherited)) return undefined;
    const copy = copyOf(inherited);
    this.#map.set(key, copy);
    return copy;
  }

  /**
   * Sets pairs in `labels` or `environment`, in the form that it has. An entry of the same name is replaced, unless `keep`
   * is set.
   */
  setPairs(key: "labels" | "environment", pairs: ReadonlyMap<string, string>, keep = false): void {
    if (pairs.size === 0) return;
    let own = this.own(key);
    if (own === undefined) {
      own = new YAMLMap();
      this.#map.set(key, own);
    }
    for (const [name, value] of pairs) {
      if (isMap(own)) this.#setInMapping(own, name, value, keep);
      else this.#setInList(own, name, value, keep);
    }
  }

  /** Appends to a list; a single value becomes a list first. */
  append(key: string, value: unknown): void {
    let own = this.own(key);
    if (!isSeq(own)) {
      const single = this.#map.get(key, true);
      own = new YAMLSeq();
      if (isScalar(single)) own.items.push(single);
      this.#map.set(key, own);
    }
    (own as YAMLSeq).items.push(this.#document.yaml.createNode(value));
  }

  /** Removes a member, and from every mapping that is merged into the service. */
  remove(key: string): void {
    this.#removeFrom(this.node, key, 0);
  }

  #setInMapping(map: YAMLMap, name: string, value: string, keep: boolean): void {
    if (keep && this.#document.node(map).member(name) !== undefined) return;
    const pair = map.items.find((each) => !isMerge(each) && keyOf(each) === name);
    const before = pair?.value;
    const node = this.#document.node(before);
    if (isScalar(before) && node.text === value && !node.hasVariables) return;
    if (isScalar(before) && before.anchor === undefined) before.value = value;
    else if (pair !== undefined) pair.value = new Scalar(value);
    else map.set(new Scalar(name), new Scalar(value));
  }

  #setInList(list: YAMLSeq, name: string, value: string, keep: boolean): void {
    const isOf = (item: unknown): boolean => this.#document.node(item).text?.split("=")[0] === name;
    const at = list.items.findIndex(isOf);
    if (keep && at >= 0) return;
    const wanted = `${name}=${value}`;
    const before = list.items[at];
    if (at < 0) list.items.push(new Scalar(wanted));
    else if (isScalar(before) && before.anchor === undefined) before.value = wanted;
    else list.items[at] = new Scalar(wanted);
    // Only the first of several stays.
    list.items = list.items.filter((item, index) => index === at || at < 0 || !isOf(item));
  }

  #removeFrom(node: ComposeNode, key: string, depth: number): void {
    if (!isMap(node.yaml) || depth > deepestMerge) return;
    node.yaml.delete(key);
    for (const { value } of node.yaml.items.filter(isMerge))
      for (const source of this.#document.node(value).items) this.#removeFrom(source, key, depth + 1);
  }
}

function copyOf<Collection extends YAMLMap | YAMLSeq>(collection: Collection): Collection {
  const copy = collection.clone() as Collection;
  delete copy.anchor;
  return copy;
}
