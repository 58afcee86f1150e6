/** Routers and services in somebody else's file of the watched directory, with their lines, so that single ones can be taken out. */
import { isMap, isScalar, LineCounter, type Pair, parseDocument, type YAMLMap } from "yaml";

export interface DeclaredEntry {
  readonly kind: "router" | "service";
  readonly name: string;
  /** Of a router; "" without one. */
  readonly rule: string;
  /** Its lines, from 1; undefined where it shares them with others (flow style). */
  readonly lines?: readonly [first: number, last: number];
  readonly line: number;
}

/** The entries of a YAML file's `http` section; none of one that is not YAML. */
export function declaredEntries(text: string): readonly DeclaredEntry[] {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, logLevel: "silent" });
  const http: unknown = document.errors.length > 0 ? undefined : document.getIn(["http"], true);
  if (!isMap(http)) return [];
  return (["router", "service"] as const).flatMap((kind) => {
    const section: unknown = http.get(`${kind}s`, true);
    return isMap(section) ? section.items.flatMap((pair) => entryOf(kind, pair, text, counter)) : [];
  });
}

function entryOf(
  kind: DeclaredEntry["kind"],
  pair: Pair,
  text: string,
  counter: LineCounter,
): readonly DeclaredEntry[] {
  if (!isScalar(pair.key) || pair.key.range === undefined || pair.key.range === null) return [];
  const value = isMap(pair.value) ? pair.value : undefined;
  const rule = String(value?.get("rule") ?? "");
  const [start] = pair.key.range;
  const end = value?.range?.[1] ?? start;
  const last = text.slice(start, end).trimEnd().length + start;
  const [from, to] = [counter.linePos(start).line, counter.linePos(Math.max(start, last - 1)).line];
  const alone = isAlone(text, start, last) && value?.flow !== true;
  const entry = { kind, name: String(pair.key.value), rule, line: from };
  return [alone ? { ...entry, lines: [from, to] } : entry];
}

/** Nothing else stands on the first line before it, nor on the last one after it. */
function isAlone(text: string, start: number, end: number): boolean {
  const before = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  const after = text.slice(end, text.indexOf("\n", end) < 0 ? undefined : text.indexOf("\n", end));
  return before.trim() === "" && /^\s*(#.*)?$/.test(after);
}

/**
 * The lines to take out so that these entries are gone and the file still loads: Traefik refuses a section without entries
 * ("routers cannot be a standalone element", 3.0.4), so an emptied one goes with its key.
 */
export function linesWithout(text: string, gone: readonly DeclaredEntry[]): ReadonlySet<number> {
  const counter = new LineCounter();
  const { contents: root } = parseDocument(text, { lineCounter: counter, logLevel: "silent" });
  const http: unknown = isMap(root) ? root.get("http", true) : undefined;
  const lines = new Set(gone.flatMap(({ lines: [first, last] = [1, 0] }) => range(first, last)));
  if (!isMap(http)) return lines;
  const keyLine = (map: YAMLMap, name: string): number | undefined => {
    const key = map.items.map((pair) => pair.key).find((key) => isScalar(key) && key.value === name);
    return isScalar(key) && key.range ? counter.linePos(key.range[0]).line : undefined;
  };
  let left = http.items.length;
  for (const kind of ["router", "service"] as const) {
    const section: unknown = http.get(`${kind}s`, true);
    if (!isMap(section)) continue;
    const isEmptied = section.items.length === gone.filter((entry) => entry.kind === kind).length;
    const line = keyLine(http, `${kind}s`);
    if (!isEmptied || line === undefined) continue;
    lines.add(line);
    left -= 1;
  }
  const line = isMap(root) ? keyLine(root, "http") : undefined;
  if (left === 0 && line !== undefined) lines.add(line);
  return lines;
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
}

/** Two rules that match the same requests by their text: quotes and spaces aside. */
export function sameRule(one: string, other: string): boolean {
  const plain = (rule: string): string => rule.replaceAll(/["'`]/g, "`").replaceAll(/\s/g, "");
  return one !== "" && plain(one) === plain(other);
}
