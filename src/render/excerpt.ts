/** The line that a problem is about, without secrets: a site with errors is not understood, so names and looks decide as well. */
import type { SourceRef } from "../resource.ts";
import { replaced, type SecretSpan, secretMark, secretSpans } from "../secret-spans.ts";
import { columnsOf } from "./columns.ts";
import type { View } from "./view.ts";
import { clean } from "./words.ts";

/** The text of a site's file, by its name relative to the root; absent for files that could not be read. */
export type Sources = ReadonlyMap<string, string>;

/** Lines around a place that may tell that it is a secret: the key of a block, the name beside a value. */
const contextLines = 60;
/** Characters of a line on each side of a place that are looked at. A longer line is no text that people wrote. */
const contextLength = 20_000;

const gutter = "       | ";

/** The line with a caret below it; empty when there is no such line. Of a long line the part around the place is shown. */
export function excerptLines(
  { file, line, column, endColumn = column + 1 }: SourceRef,
  sources: Sources,
  view: View,
): readonly string[] {
  const around = contextOf(sources.get(file) ?? "", line, column);
  if (around === undefined || around.text.slice(around.start, around.end).trim() === "") return [];
  const shown = withoutSecrets(around, endColumn - column, view);
  const room = Math.max(20, Math.min(view.width, 160) - gutter.length);
  const { text, caret, cut } = cutAround(shown, room);
  const below = "^".repeat(Math.max(1, Math.min(caret.length, text.length - caret.at - (cut ? 1 : 0))));
  return [
    `${String(line).padStart(6)} | ${clean(text)}`,
    `${gutter}${" ".repeat(columnsOf(clean(text.slice(0, caret.at))))}${view.paint.red(below)}`,
  ];
}

interface Context {
  /** Some lines around the place. */
  readonly text: string;
  /** Offsets in it: of the line, and of the place. */
  readonly start: number;
  readonly end: number;
  readonly at: number;
}

function contextOf(source: string, line: number, column: number): Context | undefined {
  const lines = source.split(/\r?\n/);
  const own = lines[line - 1];
  if (own === undefined) return undefined;
  const from = Math.max(0, column - 1 - contextLength);
  const shortened = own.slice(from, column - 1 + contextLength);
  const before = lines.slice(Math.max(0, line - 1 - contextLines), line - 1).map((each) => `${each}\n`);
  const after = lines.slice(line, line + contextLines).map((each) => `\n${each}`);
  const start = before.join("").length;
  const text = [...before, shortened, ...after].join("");
  return {
    text,
    start,
    end: start + shortened.length,
    at: start + Math.min(column - 1 - from, shortened.length),
  };
}

interface Shown {
  readonly text: string;
  readonly caret: { readonly at: number; readonly length: number };
}

function withoutSecrets({ text, start, end, at }: Context, length: number, { redact }: View): Shown {
  const local = secretSpans(text).flatMap((span): SecretSpan[] =>
    span.end <= start || span.start >= end
      ? []
      : [{ start: Math.max(0, span.start - start), end: Math.min(end, span.end) - start }],
  );
  const line = text.slice(start, end);
  const place = at - start;
  const hiding = local.find((span) => span.start <= place && place < span.end);
  // A caret into a secret stands at the mark in its place.
  const head = redact(
    replaced(
      line.slice(0, hiding?.start ?? place),
      local.filter((span) => span.end <= place),
    ),
  );
  const inside = local.some((span) => span.start < place + length && span.end > place);
  return {
    text: redact(replaced(line, local)).replaceAll("\t", " "),
    caret: { at: head.length, length: inside ? secretMark.length : length },
  };
}

function cutAround({ text, caret }: Shown, room: number): Shown & { readonly cut: boolean } {
  if (text.length <= room) return { text, caret, cut: false };
  const fits = caret.at + Math.min(caret.length, 20) <= room - 1;
  const start = fits ? 0 : Math.max(0, caret.at - Math.floor(room / 3));
  const isCutBefore = start > 0;
  const isCutAfter = start + room < text.length;
  const part = text.slice(start + (isCutBefore ? 1 : 0), start + room - (isCutAfter ? 1 : 0));
  return {
    text: `${isCutBefore ? "…" : ""}${part}${isCutAfter ? "…" : ""}`,
    caret: { ...caret, at: caret.at - start },
    cut: isCutAfter,
  };
}
