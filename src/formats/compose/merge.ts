/** What somebody changed in a Compose file as it runs, in the file as its author wrote it. Pure. */
import { type Document, isCollection, isMap, isScalar, isSeq, LineCounter, type YAMLMap } from "yaml";
import { canonicalJson } from "../../resource.ts";
import { isObject } from "../json/index.ts";
import { mergedText } from "../text/merge.ts";
import { readYaml, yamlText } from "../yaml/index.ts";

/**
 * The author's text with the changes that lead from `prepared` to `running`. Undefined where that cannot be told: both differ there,
 * or what changed is inherited from elsewhere.
 */
export function mergedCompose(own: string, prepared: string, running: string): string | undefined {
  const lines = mergedText(prepared, own, running);
  const document = documentOf(own);
  const [before, after] = [documentOf(prepared), documentOf(running)];
  if (document === undefined || before === undefined || after === undefined) return undefined;
  if (!change(document, [], before.toJS(), after.toJS())) return undefined;
  const byValue = yamlText(document);
  // Line by line nothing else is touched; it counts where it says the same, and what runs has the author's last comments.
  const isWhole = lines !== undefined && isSameYaml(lines, byValue) && hasComments(lines, own);
  return isWhole ? lines : byValue;
}

function hasComments(text: string, own: string): boolean {
  const comments = own.match(/(?:^|\s)#.*$/gm) ?? [];
  return comments.every((comment) => text.includes(comment.trim()));
}

/** Whether two texts say the same, whatever their comments and layout. */
export function isSameYaml(one: string, other: string): boolean {
  const [a, b] = [documentOf(one), documentOf(other)];
  return a !== undefined && b !== undefined && isEqual(a.toJS(), b.toJS());
}

function documentOf(text: string): Document | undefined {
  const { document, faults } = readYaml(text, new LineCounter());
  return faults.length === 0 ? document : undefined;
}

type Path = readonly (string | number)[];

/** Makes the change at a path; false where the author's document has no such place of its own. */
function change(document: Document, path: Path, before: unknown, after: unknown): boolean {
  if (isEqual(before, after)) return true;
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.every((key) => change(document, [...path, key], before[key], after[key]));
  }
  const parent = document.getIn(path.slice(0, -1));
  const present = document.getIn(path, true);
  if (after === undefined) return isCollection(parent) && document.deleteIn(path);
  if (before === undefined) {
    if (!isMap(parent) || present !== undefined) return false;
    document.setIn(path, document.createNode(after));
    return true;
  }
  if (Array.isArray(before) && Array.isArray(after)) return changeList(document, path, before, after);
  // A value with variables in it, or a relative path, is not what runs.
  if (present === undefined || !isEqual(dataOf(present, document), before)) return false;
  setValue(document, path, after);
  return true;
}

/** A scalar keeps its comment and its quotes. */
function setValue(document: Document, path: Path, value: unknown): void {
  const node = document.getIn(path, true);
  if (!isScalar(node) || typeof value === "object") {
    document.setIn(path, document.createNode(value));
    return;
  }
  node.value = value;
  // As it was written before.
  delete node.source;
}

/** Items that are gone are removed, and new ones put behind the item that they follow. */
function changeList(
  document: Document,
  path: Path,
  before: readonly unknown[],
  after: readonly unknown[],
): boolean {
  const list = document.getIn(path, true);
  if (!isSeq(list)) return false;
  const positionOf = (value: unknown): number =>
    list.items.findIndex((item) => isEqual(dataOf(item, document), value));
  const has = (values: readonly unknown[], value: unknown): boolean =>
    values.some((each) => isEqual(each, value));
  const gone = before.filter((value) => !has(after, value));
  const fresh = after.filter((value) => !has(before, value));
  if (gone.some((value) => positionOf(value) < 0)) return false;
  // One for one, an item keeps its place and its comment.
  const pairs = gone.length === fresh.length ? gone.map((value, at) => [value, fresh[at]] as const) : [];
  for (const [old, value] of pairs) setValue(document, [...path, positionOf(old)], value);
  if (pairs.length > 0) return true;
  for (const value of gone) list.delete(positionOf(value));
  for (const value of fresh) {
    const follows = positionOf(after[after.indexOf(value) - 1]);
    const at = follows < 0 ? list.items.length : follows + 1;
    list.items.splice(at, 0, document.createNode(value));
  }
  return true;
}

function dataOf(node: unknown, document: Document): unknown {
  return typeof node === "object" && node !== null && "toJS" in node
    ? (node as YAMLMap).toJS(document)
    : node;
}

function isEqual(one: unknown, other: unknown): boolean {
  return canonicalJson(one) === canonicalJson(other);
}
