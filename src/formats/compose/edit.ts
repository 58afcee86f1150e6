/** Editing a parsed compose file: a service's members made its own, so that what others share by anchors stays as it is. */
import { isMap, isScalar, isSeq, Scalar, YAMLMap, YAMLSeq } from "yaml";
import {
  type ComposeYaml,
  isMerge,
  isNull,
  itemsOf,
  keyOf,
  memberOf,
  membersOf,
  resolved,
  textOf,
} from "./document.ts";

/** A service's own mapping; one that is only an alias of another becomes a copy. */
export function ownService(yaml: ComposeYaml, services: YAMLMap, name: string): YAMLMap | undefined {
  const pair = services.items.find((each) => !isMerge(each) && keyOf(each) === name);
  if (pair === undefined) return undefined;
  if (isMap(pair.value)) return pair.value;
  const map = resolved(yaml, pair.value);
  if (!isMap(map)) return undefined;
  const copy = map.clone() as YAMLMap;
  delete copy.anchor;
  pair.value = copy;
  return copy;
}

/** A member of a service as a node of its own; what it inherits is copied. */
export function ownMember(yaml: ComposeYaml, service: YAMLMap, key: string): YAMLMap | YAMLSeq | undefined {
  const own = service.get(key, true);
  if (isMap(own) || isSeq(own)) return own;
  const inherited = memberOf(membersOf(yaml, service) ?? [], key)?.value ?? null;
  if (!isMap(inherited) && !isSeq(inherited)) return undefined;
  const copy = inherited.clone() as YAMLMap | YAMLSeq;
  delete copy.anchor;
  service.set(key, copy);
  return copy;
}

/**
 * Sets pairs in `labels` or `environment`, whichever form it has. What is there under the same name is replaced, or kept
 * when `keep` says so.
 */
export function setPairs(
  yaml: ComposeYaml,
  service: YAMLMap,
  key: "labels" | "environment",
  pairs: ReadonlyMap<string, string>,
  keep = false,
): void {
  if (pairs.size === 0) return;
  let node = ownMember(yaml, service, key);
  if (node === undefined) {
    node = new YAMLMap();
    service.set(key, node);
  }
  for (const [name, value] of pairs) {
    if (isMap(node)) setInMap(yaml, node, name, value, keep);
    else setInList(yaml, node, name, value, keep);
  }
}

function setInMap(yaml: ComposeYaml, map: YAMLMap, name: string, value: string, keep: boolean): void {
  const known = membersOf(yaml, map) ?? [];
  if (keep && memberOf(known, name) !== undefined) return;
  const pair = map.items.find((each) => !isMerge(each) && keyOf(each) === name);
  const before = pair?.value;
  if (isScalar(before) && textOf(yaml, before) === value && !yaml.filled.has(before)) return;
  if (isScalar(before) && before.anchor === undefined) before.value = value;
  else if (pair !== undefined) pair.value = new Scalar(value);
  else map.set(new Scalar(name), new Scalar(value));
}

function setInList(yaml: ComposeYaml, list: YAMLSeq, name: string, value: string, keep: boolean): void {
  const isOf = (item: unknown): boolean => (textOf(yaml, item) ?? "").split("=")[0] === name;
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

/** Appends to a list member, making it when it is not there. */
export function append(yaml: ComposeYaml, service: YAMLMap, key: string, value: unknown): void {
  let node = ownMember(yaml, service, key);
  if (!isSeq(node)) {
    node = new YAMLSeq();
    service.set(key, node);
  }
  (node as YAMLSeq).items.push(yaml.document.createNode(value));
}

/** Every mapping of a service that may hold `key`: its own, and those merged into it. */
export function removeMember(yaml: ComposeYaml, service: unknown, key: string, depth = 0): void {
  const map = resolved(yaml, service);
  if (!isMap(map) || depth > 20) return;
  map.delete(key);
  for (const pair of map.items.filter(isMerge)) {
    const value = resolved(yaml, pair.value);
    for (const source of isSeq(value) ? value.items : [value]) removeMember(yaml, source, key, depth + 1);
  }
}

/** A service's effective value of `key` as plain text, to be compared. */
export function effective(yaml: ComposeYaml, service: unknown, key: string): string {
  const node = memberOf(membersOf(yaml, service) ?? [], key)?.value ?? null;
  if (isNull(node)) return "";
  const members = membersOf(yaml, node);
  const texts =
    members?.map((member) => `${member.key}=${textOf(yaml, member.value) ?? ""}`) ??
    itemsOf(yaml, node).map((item) => textOf(yaml, item) ?? "");
  return JSON.stringify(texts);
}
