/**
 * What a person would have written for a prepared Compose file that runs: the file without what preparing added to it. A merge of three
 * texts: what preparing adds is known from the present file, which is there as it was written and as it was prepared. Pure.
 */
import { diffArrays } from "diff";

/** Lines of the base that another text replaces; without lines of the base, an insertion before `start`. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/** How long a comparison may take, in milliseconds. */
const longestMs = 500;

/**
 * The running text as its author would have written it. A difference in a line that only preparing adds is not in it; every other one is.
 * Undefined for texts that are too different to be compared in time.
 * @param running an earlier file as it was prepared; @param written the present file; @param prepared the same after it was prepared
 */
export function writtenBehind(running: string, written: string, prepared: string): string | undefined {
  if (running === prepared) return written;
  const base = prepared.split("\n");
  const [backwards, changes] = [editsOf(base, written), editsOf(base, running)];
  if (backwards === undefined || changes === undefined) return undefined;
  const added = new Set(backwards.flatMap((edit) => (edit.lines.length === 0 ? linesOf(edit) : [])));
  const kept = changes.filter((change) => !isWithin(change, added));
  const taken = new Set(kept.flatMap(linesOf));
  const removals = [...added].filter((line) => !taken.has(line));
  const restored = backwards.filter((edit) => edit.lines.length > 0 && !isWithin(edit, taken));
  return merged(base, [
    ...restored.filter((edit) => linesOf(edit).every((line) => !taken.has(line))),
    ...removals.map((line) => ({ start: line, end: line + 1, lines: [] })),
    ...kept,
  ]);
}

/** Whether it replaces lines, and these lines only. */
function isWithin(edit: Edit, lines: ReadonlySet<number>): boolean {
  const own = linesOf(edit);
  return own.length > 0 && own.every((line) => lines.has(line));
}

function linesOf({ start, end }: Edit): readonly number[] {
  return Array.from({ length: end - start }, (_, at) => start + at);
}

/** @param edits that replace different lines each */
function merged(base: readonly string[], edits: readonly Edit[]): string {
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  const lines: string[] = [];
  let at = 0;
  for (const edit of sorted) {
    lines.push(...base.slice(at, edit.start), ...edit.lines);
    at = Math.max(at, edit.end);
  }
  return [...lines, ...base.slice(at)].join("\n");
}

function editsOf(base: readonly string[], text: string): readonly Edit[] | undefined {
  const parts = diffArrays([...base], text.split("\n"), { timeout: longestMs });
  if (parts === undefined) return undefined;
  const edits: Edit[] = [];
  let at = 0;
  for (const [index, { added, removed, count = 0, value }] of parts.entries()) {
    if (removed) {
      const next = parts[index + 1];
      edits.push({ start: at, end: at + count, lines: next?.added ? next.value : [] });
    } else if (added && parts[index - 1]?.removed !== true) {
      edits.push({ start: at, end: at, lines: value });
    }
    if (!added) at += count;
  }
  return edits;
}
