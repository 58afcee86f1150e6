/** Three versions of a text, merged line by line: the host's changes go between a person's. Pure. */
import { diffArrays } from "diff";

/** Lines of the common text that one side replaced; none where it only added. */
interface Hunk {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/** Milliseconds; two large and different texts could take minutes. */
const longest = 2_000;

/** Undefined where the two changed the same lines, or lines beside each other. */
export function mergedText(base: string, own: string, found: string): string | undefined {
  const lines = base.split("\n");
  const [mine, theirs] = [hunksOf(lines, own), hunksOf(lines, found)];
  if (mine === undefined || theirs === undefined) return undefined;
  const same = (a: Hunk, b: Hunk): boolean => JSON.stringify(a) === JSON.stringify(b);
  const news = theirs.filter((hunk) => !mine.some((other) => same(hunk, other)));
  if (news.some((hunk) => mine.some((other) => hunk.start <= other.end && other.start <= hunk.end)))
    return undefined;
  const all = [...mine, ...news].sort((a, b) => b.start - a.start);
  return all
    .reduce<readonly string[]>(
      (text, hunk) => text.toSpliced(hunk.start, hunk.end - hunk.start, ...hunk.lines),
      lines,
    )
    .join("\n");
}

/** What turns the lines of the common text into another text, from the first to the last. */
function hunksOf(lines: readonly string[], text: string): readonly Hunk[] | undefined {
  const parts = diffArrays([...lines], text.split("\n"), { timeout: longest });
  if (parts === undefined) return undefined;
  const hunks: Hunk[] = [];
  let at = 0;
  let open: Hunk | undefined;
  for (const { added, removed, value } of parts) {
    if (!added && !removed) {
      at += value.length;
      open = undefined;
      continue;
    }
    const before: Hunk = open ?? { start: at, end: at, lines: [] };
    if (removed) at += value.length;
    open = { start: before.start, end: at, lines: added ? [...before.lines, ...value] : before.lines };
    if (hunks.at(-1) === before) hunks.pop();
    hunks.push(open);
  }
  return hunks;
}
