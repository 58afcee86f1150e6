/** Lines, columns and widths, as a terminal counts them. */
import { columnsOf } from "./columns.ts";

/** `text` padded with spaces to `width` columns. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - columnsOf(text)));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - columnsOf(text))) + text;
}

/** Plain text cut to `width` columns, with "…" where it was cut. */
export function clip(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  let cut = "";
  let columns = 0;
  for (const character of text) {
    const next = columns + columnsOf(character);
    if (next > width - 1) break;
    cut += character;
    columns = next;
  }
  return `${cut}…`;
}

/** Plain text in lines of at most `width` columns, broken between words; a longer word has a line of its own. */
export function wrap(text: string, width: number): readonly string[] {
  return text.split("\n").flatMap((line) => {
    if (columnsOf(line) <= width) return [line];
    const indent = /^ */.exec(line)?.[0] ?? "";
    const lines: string[] = [];
    let current = "";
    // A command between backticks is copied by readers: it is not broken.
    for (const word of line.match(/(?:`[^`]*`|[^\s`]|`)+/g) ?? []) {
      const longer = current === "" ? indent + word : `${current} ${word}`;
      if (current !== "" && columnsOf(longer) > width) {
        lines.push(current);
        current = indent + word;
      } else current = longer;
    }
    return [...lines, current];
  });
}

/** Wrapped text: its first line follows `first`, the others are indented by the width of `first`. */
export function hanging(first: string, text: string, width: number): readonly string[] {
  const indent = " ".repeat(columnsOf(first));
  return wrap(text, width - indent.length).map((line, at) => (at === 0 ? first : indent) + line);
}

/** One line of text in pieces of at most `width` columns, cut anywhere: nothing in it is changed. Later pieces are indented. */
export function folded(line: string, width: number): readonly string[] {
  if (columnsOf(line) <= width) return [line];
  const pieces: string[] = [];
  let piece = "";
  let columns = 0;
  for (const character of line) {
    const next = columns + columnsOf(character);
    if (next > width && piece.trim() !== "") {
      pieces.push(piece.trimEnd());
      piece = "    ";
      columns = piece.length;
    }
    piece += character;
    columns += columnsOf(character);
  }
  return [...pieces, piece.trimEnd()];
}

/** One line where it fits; on a narrow terminal it is broken between its parts. */
export function wrapAtDots(line: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const part of line.split(" · ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length + 3 <= width)
      lines[lines.length - 1] = `${last} · ${part}`;
    else lines.push(last === undefined ? part : `  · ${part}`);
  }
  return lines;
}

export interface Column {
  readonly align?: "left" | "right";
  /** This column is wrapped when a row is wider than the terminal. At most one column is flexible. */
  readonly flexible?: true;
  readonly paint?: (text: string) => string;
}

const gap = 2;

/**
 * Rows of plain cells with aligned columns. Empty columns are left out; lines have no trailing spaces. Where a row is too
 * wide, the flexible column is wrapped.
 */
export function table(
  rows: readonly (readonly string[])[],
  columns: readonly Column[],
  width: number,
): string[] {
  const widths = columns.map((_, at) => Math.max(0, ...rows.map((row) => columnsOf(row[at] ?? ""))));
  const flexible = columns.findIndex((column) => column.flexible === true);
  const others = widths.reduce((sum, w, at) => (at === flexible || w === 0 ? sum : sum + w + gap), 0);
  const room = Math.max(20, width - others);
  if (flexible >= 0) widths[flexible] = Math.min(widths[flexible] ?? 0, room);
  return rows.flatMap((row) => {
    const cells = columns.map((_, at) =>
      at === flexible ? wrap(row[at] ?? "", widths[at] ?? 0) : [row[at] ?? ""],
    );
    const height = Math.max(1, ...cells.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) => {
      const parts = columns.flatMap(({ align, paint = (cell: string) => cell }, at) => {
        const w = widths[at] ?? 0;
        const text = cells[at]?.[line] ?? "";
        if (w === 0) return [];
        const space = " ".repeat(Math.max(0, w - columnsOf(text)));
        const shown = text === "" ? "" : paint(text);
        return [align === "right" ? space + shown : shown + space];
      });
      return parts.join(" ".repeat(gap)).trimEnd();
    });
  });
}
