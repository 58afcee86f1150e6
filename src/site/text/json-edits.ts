/** Edits of a JSON text with comments: everything but what is replaced or added keeps its place and its bytes. Pure. */
import type { JsonNode } from "./json.ts";

/** What stands between the text of an addition and the comment behind it. */
export const beforeComment = "\u0000";

export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Addition {
  /** The object or list that gets it. */
  readonly into: JsonNode;
  /** The entry of it that it follows; the first place without one. */
  readonly after: JsonNode | undefined;
  /** `"key": value` or a value, without indentation; comment lines above it, and one behind `beforeComment`. */
  readonly text: string;
}

export function edited(
  text: string,
  replacements: readonly Replacement[],
  additions: readonly Addition[],
): string {
  const edits = [...replacements, ...grouped(additions).flatMap((group) => insertion(text, group))];
  return edits
    .toSorted((a, b) => b.start - a.start || b.end - a.end)
    .reduce((whole, { start, end, text: own }) => whole.slice(0, start) + own + whole.slice(end), text);
}

/** Additions at one place, in their order. */
function grouped(additions: readonly Addition[]): readonly (readonly Addition[])[] {
  const groups: Addition[][] = [];
  for (const addition of additions) {
    const group = groups.find(([first]) => first?.into === addition.into && first.after === addition.after);
    if (group === undefined) groups.push([addition]);
    else group.push(addition);
  }
  return groups;
}

const blockComment = String.raw`/\*(?:(?!\*/)[^])*\*/`;
/** The comma that follows a value, with the comments before it. */
export const commaBehind = new RegExp(String.raw`^(?:\s|//.*\n|${blockComment})*,`);
/** What may stand behind an entry without another one: comments. */
const endOfLine = new RegExp(String.raw`^[ \t]*(?:${blockComment}[ \t]*)*(?://.*)?$`);

function insertion(text: string, group: readonly Addition[]): readonly Replacement[] {
  const [first] = group;
  if (first === undefined) return [];
  const { into, after } = first;
  const inside = text.slice(into.start + 1, into.end - 1);
  const outer = /^[ \t]*/.exec(text.slice(text.lastIndexOf("\n", into.start) + 1))?.[0] ?? "";
  const step = `${outer}  `;
  const texts = group.map((each) => each.text);
  if (inside.trim() === "") {
    return [{ start: into.start + 1, end: into.end - 1, text: `\n${lines(texts, step, false)}\n${outer}` }];
  }
  const indent = indentWithin(text, into) ?? step;
  if (after === undefined) {
    const end = lineEnd(text, into.start + 1);
    // What stands on the line of the bracket moves to a line of its own.
    const isAlone = /^\s*(?:\/\/.*)?$/.test(text.slice(into.start + 1, end));
    const at = isAlone ? end : into.start + 1;
    const tail = isAlone ? "" : `\n${indent}`;
    return [{ start: at, end: at, text: `\n${lines(texts, indent, true)}${tail}` }];
  }
  const comma = commaBehind.exec(text.slice(after.end))?.[0];
  const isLast = comma === undefined;
  const behind = after.end + (comma?.length ?? 0);
  const end = lineEnd(text, behind);
  const isAlone = endOfLine.test(text.slice(behind, end));
  const at = isAlone ? end : behind;
  const added = `\n${lines(texts, indent, !isLast)}`;
  const close = isAlone ? "" : isLast ? `\n${outer}` : `\n${indent}`;
  const separator = isLast ? [{ start: after.end, end: after.end, text: "," }] : [];
  // Two insertions at one offset are made in one.
  if (isLast && at === after.end) return [{ start: at, end: at, text: `,${added}${close}` }];
  return [...separator, { start: at, end: at, text: `${added}${close}` }];
}

/** The additions as lines, with commas between them and, unless the last entry of all is among them, behind them. */
function lines(texts: readonly string[], indent: string, comma: boolean): string {
  return texts
    .map((text, at) => {
      const sign = comma || at < texts.length - 1 ? "," : "";
      const [own = "", comment] = text.split(beforeComment);
      const whole = comment === undefined ? `${own}${sign}` : `${own}${sign} ${comment}`;
      return whole
        .split("\n")
        .map((line) => (line === "" ? line : indent + line))
        .join("\n");
    })
    .join("\n");
}

/** How far the first entry that begins a line is indented. */
function indentWithin(text: string, { start, end }: JsonNode): string | undefined {
  return /\n([ \t]+)["{[\dtfn-]/.exec(text.slice(start, end))?.[1];
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}
