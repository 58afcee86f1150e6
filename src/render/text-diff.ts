/** The difference of two texts, as lines of a short unified diff. */
import { structuredPatch } from "diff";
import { option } from "../option-names.ts";
import { secretMark, secretsIn, withoutSecrets } from "../secret-spans.ts";
import { folded } from "./layout.ts";
import type { View } from "./view.ts";
import { clean, count } from "./words.ts";

/** Lines of a long list or text that are shown before "… n more". */
export const most = 20;

/** How long a comparison may take, in milliseconds: two large and different texts could take minutes. */
const longestMs = 1000;

/** A unified diff without file names, its secrets redacted. */
export function differenceLines(live: string, desired: string, view: View): readonly string[] {
  const [before = "", after = ""] = [live, desired].map((text) =>
    withoutSecrets(text.replaceAll("\r\n", "\n")),
  );
  const hasSameSecrets = secretsIn(live).join("\n") === secretsIn(desired).join("\n");
  const lineEnds = live.includes("\r\n") === desired.includes("\r\n") ? [] : [lineEndsOf(desired)];
  if (before === after) return hasSameSecrets && lineEnds.length > 0 ? lineEnds : ["(secret, changed)"];
  const hidden = hasSameSecrets ? [] : ["(secret, changed)"];
  const patch = structuredPatch("live", "desired", before, after, "", "", { context: 2, timeout: longestMs });
  // After the time limit only their sizes are shown.
  if (patch === undefined)
    return [`${count(before.split("\n").length, "line")} -> ${count(after.split("\n").length, "line")}`];
  const lines = patch.hunks.flatMap((hunk) => [
    view.paint.cyan(`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`),
    ...withoutReplaced(hunk.lines).map((line) => clean(line).trimEnd()),
  ]);
  const shown = view.full ? lines : lines.slice(0, most);
  return [
    ...shown.flatMap((line) => folded(line, view.width).map((piece) => painted(piece, line, view))),
    ...more(lines.length - shown.length, "more lines"),
    ...lineEnds,
    ...hidden,
  ];
}

/** All lines would differ by them. */
function lineEndsOf(desired: string): string {
  return desired.includes("\r\n") ? "line ends become CR LF" : "line ends become LF";
}

/** Of a replaced secret only the new value is known: lines removed where it appears are hidden. */
function withoutReplaced(lines: readonly string[]): readonly string[] {
  const comes = lines.some((line) => line.startsWith("+") && line.includes(secretMark));
  return lines.map((line) =>
    comes && line.startsWith("-") && !line.includes(secretMark)
      ? "- (may contain a secret: not shown)"
      : line,
  );
}

function painted(piece: string, line: string, view: View): string {
  if (line.startsWith("+")) return view.paint.green(piece);
  return line.startsWith("-") ? view.paint.red(piece) : piece;
}

/** "… 12 more (--full)"; nothing when all was shown. */
export function more(n: number, what: string): readonly string[] {
  return n > 0 ? [`… ${n} ${what} (${option.full})`] : [];
}
