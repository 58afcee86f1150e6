/** Which line of a Compose file each line of its prepared text comes from. */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node } from "yaml";
import { readYaml } from "../yaml/index.ts";
import type { ComposeDocument } from "./document.ts";

export interface SourceLine {
  /** The line that its author wrote, counted from 1; absent for what was added. */
  readonly source?: number;
  /** Keys and indices from the outside: "services", "web", "labels", "3". Empty for remarks and empty lines. */
  readonly path: readonly string[];
}

/** For each line of `printed`, which is the text of the edited document. */
export function sourceLines(
  document: ComposeDocument,
  source: string,
  printed: string,
): readonly SourceLine[] {
  const counter = new LineCounter();
  const { document: again } = readYaml(printed, counter);
  const rows = printed.split("\n");
  const lines: SourceLine[] = rows.map(() => ({ path: [] }));
  const place = (shown: Node, edited: unknown, path: readonly string[]): void => {
    const [from, to = from] = shown.range ?? [0];
    const first = counter.linePos(from).line;
    const last = isScalar(shown) ? counter.linePos(Math.max(from, to - 1)).line : first;
    const start = isNode(edited) && edited.range ? document.placeOf(edited).line : undefined;
    for (let line = first; line <= last; line += 1)
      lines[line - 1] = { path, ...(start === undefined ? {} : { source: start + line - first }) };
  };
  // What was printed has the same nodes in the same order as what it was printed from.
  const walk = (shown: unknown, edited: unknown, path: readonly string[]): void => {
    if (!isNode(shown)) return;
    if (isMap(shown) && isMap(edited)) {
      for (const [at, pair] of shown.items.entries()) {
        const other = edited.items[at];
        const inner = [...path, isScalar(pair.key) ? String(pair.key.value) : ""];
        if (isNode(pair.key)) place(pair.key, other?.key, inner);
        walk(pair.value, other?.value, inner);
      }
    } else if (isSeq(shown) && isSeq(edited)) {
      for (const [at, item] of shown.items.entries()) walk(item, edited.items[at], [...path, String(at)]);
    } else if (isScalar(shown) || isAlias(shown)) place(shown, edited, path);
  };
  walk(again.contents, document.yaml.contents, []);
  return withRemarks(lines, rows, source.split("\n"));
}

/** Remarks are printed as they were written: each is the next one with its text. */
function withRemarks(
  lines: readonly SourceLine[],
  rows: readonly string[],
  source: readonly string[],
): readonly SourceLine[] {
  let from = 0;
  const placed = lines.map((line, at): SourceLine => {
    const text = rows[at]?.trim() ?? "";
    if (line.path.length > 0 || !text.startsWith("#")) return line;
    const found = source.findIndex((written, index) => index >= from && written.trim() === text);
    if (found < 0) return line;
    from = found + 1;
    return { ...line, source: found + 1 };
  });
  return rows.at(-1) === "" ? placed.slice(0, -1) : placed;
}
