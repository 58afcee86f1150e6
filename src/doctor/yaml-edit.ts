/** Setting one value of somebody's YAML file by one command, which leaves every other line as it is. Pure. */
import { parseDocument, type ToStringOptions } from "yaml";
import { quoted } from "../formats/shell/quote.ts";

export interface YamlEdit {
  /** `sed -i EXPRESSION`, to be followed by the file's name. */
  readonly command: string;
  /** The file after it. Line numbers of another edit count in this text. */
  readonly text: string;
}

/**
 * The edit that sets the value; undefined where the file cannot be read as YAML, or where the edit would change lines that
 * have nothing to do with it.
 */
export function yamlEdit(text: string, path: readonly string[], value: unknown): YamlEdit | undefined {
  const document = parseDocument(text, { uniqueKeys: false });
  if (document.errors.length > 0) return undefined;
  // The style that prints the file as it is: what a printer does by itself is nobody's wish.
  const style = styles.find((options) => document.toString(options) === text);
  if (style === undefined) return undefined;
  document.setIn(path, document.createNode(value));
  const edited = document.toString(style);
  const command = sedOf(text.split("\n"), edited.split("\n"));
  return command === undefined ? undefined : { command, text: edited };
}

/** The ways in which people indent. */
const styles: readonly ToStringOptions[] = [2, 4].flatMap((indent) =>
  [true, false].map((indentSeq) => ({ indent, indentSeq, lineWidth: 0 })),
);

function sedOf(before: readonly string[], after: readonly string[]): string | undefined {
  const least = Math.min(before.length, after.length);
  let first = 0;
  while (first < least && before[first] === after[first]) first += 1;
  let last = 0;
  while (last < least - first && before[before.length - 1 - last] === after[after.length - 1 - last])
    last += 1;
  const removed = before.length - last - first;
  // GNU sed (4.8 and 4.9): a backslash keeps the spaces in front, and "\\n" in the text is a line end.
  const added = after
    .slice(first, after.length - last)
    .map((each) => each.replaceAll("\\", "\\\\"))
    .join("\\n");
  if (removed === 0 && added === "") return undefined;
  const address = removed > 1 ? `${first + 1},${first + removed}` : `${removed === 0 ? first : first + 1}`;
  const verb = removed === 0 ? "a" : added === "" ? "d" : "c";
  if (address === "0") return `sed -i ${quoted(`1i\\${added}`)}`;
  return `sed -i ${quoted(verb === "d" ? `${address}d` : `${address}${verb}\\${added}`)}`;
}
