/** The site's JSON files as cells, checked against their shapes. */
import { checkShape } from "./shapes/check.ts";
import type { Shape } from "./shapes/shape.ts";
import { Cell } from "./text/cell.ts";
import { type JsonNode, JsonSyntaxError, parseJson } from "./text/json.ts";
import type { Problems } from "./text/problems.ts";
import { type SiteFiles, SourceFile } from "./text/source-file.ts";

/** Reads a file and reports everything in it that does not fit; undefined when the file is missing or not valid JSON. */
export async function readDocument(
  files: SiteFiles,
  name: string,
  shapeOf: (root: JsonNode) => Shape,
  problems: Problems,
): Promise<Cell | undefined> {
  const file = await files.read(name);
  const root = file === undefined ? undefined : parseFile(file, problems);
  if (file === undefined || root === undefined) return undefined;
  const shape = shapeOf(root);
  const cell = new Cell(file, root, shape);
  checkShape(cell, shape, problems);
  return cell;
}

/** The same for a file that a site need not have: an empty object where it does not. A misspelled name is reported. */
export async function readOptionalDocument(
  files: SiteFiles,
  name: string,
  shapeOf: (root: JsonNode) => Shape,
  problems: Problems,
): Promise<Cell | undefined> {
  if ((await files.exists(name)) || files.neighbour(name) !== undefined)
    return readDocument(files, name, shapeOf, problems);
  const { root } = parseJson("{}");
  return new Cell(new SourceFile(name, "{}"), root, shapeOf(root));
}

/** A file's JSON; undefined, with a problem at its place, when it is invalid. */
export function parseFile(file: SourceFile, problems: Problems): JsonNode | undefined {
  try {
    const { root, duplicates } = parseJson(file.text);
    for (const { key, first, again } of duplicates)
      problems.report("PHX0006", file.ref(again.start, again.end), `duplicate key ${JSON.stringify(key)}`, {
        related: [file.ref(first.start, first.end)],
        hint: "remove one of them: JSON does not say which one counts",
      });
    return root;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return problems.report("PHX0005", file.ref(error.offset, error.offset + 1), error.message, {
      hint: error.hint,
    });
  }
}
