/** What an import changes in a site that is there already. */
import { exitCodes } from "../errors.ts";
import { option } from "../option-names.ts";
import { hanging } from "./layout.ts";
import type { ImportDocument } from "./output-schemas.ts";
import { differenceLines } from "./text-changes.ts";
import { painted, type Sign, type View } from "./view.ts";
import { count, duration, oneLine } from "./words.ts";

export interface MergeFacts {
  /** Whether it was written, or only shown. */
  readonly isWritten: boolean;
  readonly files: readonly FileMergeFacts[];
}

export interface FileMergeFacts {
  readonly path: string;
  readonly verb: "create" | "update" | "unchanged";
  readonly before: string;
  readonly after: string;
  /** Its content is never shown. */
  readonly isSecret: boolean;
  readonly conflicts: readonly {
    readonly path: string;
    readonly line: number;
    readonly own: string;
    readonly found: string;
  }[];
  readonly gone: readonly string[];
}

interface Facts {
  readonly site: string;
  readonly repeat: string;
  readonly merge: MergeFacts;
  readonly durationMs: number;
}

export function mergeLines({ site, repeat, merge, durationMs }: Facts, view: View): readonly string[] {
  const lines = merge.files.flatMap((file) => fileLines(file, view));
  if (merge.isWritten) return lines.length === 0 ? [] : [...lines, ""];
  const isOpen = merge.files.some(({ verb, conflicts }) => verb !== "unchanged" || conflicts.length > 0);
  if (!isOpen)
    return [
      ...lines,
      `${view.paint.green("In sync")}: ${oneLine(site)} declares what the host has · ${duration(durationMs)}`,
    ];
  const command = `phoenix import ${oneLine(site)} ${option.merge}${repeat}`;
  return [...lines, "", `Nothing was written. \`${command}\` writes this. (exit ${exitCodes.pending})`];
}

const signs = { create: "+", update: "~", unchanged: "=" } as const satisfies Record<
  FileMergeFacts["verb"],
  Sign
>;

function fileLines(file: FileMergeFacts, view: View): readonly string[] {
  const { path, verb, conflicts, gone } = file;
  if (verb === "unchanged" && conflicts.length === 0 && gone.length === 0) return [];
  return [
    `${painted(signs[verb], view.paint)} ${oneLine(path)}${verb === "create" ? `  ${sizeOf(file)}` : ""}`,
    ...(verb === "update" ? textLines(file, view).map((line) => `    ${line}`) : []),
    ...conflicts.flatMap(({ path: place, line, own, found }) =>
      hanging(
        `  ${painted("!", view.paint)} `,
        oneLine(
          place === ""
            ? `you and the host changed it (${own} here, ${found} on the host): yours stays`
            : `line ${line}: ${place} is ${own} here and ${found} on the host: yours stays`,
        ),
        view.width,
      ),
    ),
    ...gone.flatMap((each) =>
      hanging("    ", oneLine(`${each} was not found any more: it stays`), view.width),
    ),
  ];
}

function sizeOf({ after, isSecret }: FileMergeFacts): string {
  return isSecret ? "(secret)" : count(after.split("\n").length - 1, "line");
}

function textLines({ before, after, isSecret }: FileMergeFacts, view: View): readonly string[] {
  return isSecret ? ["(secret, changed)"] : differenceLines(before, after, view);
}

export function mergeDocument({ isWritten, files }: MergeFacts): NonNullable<ImportDocument["merge"]> {
  return {
    written: isWritten,
    files: files
      .filter(({ verb, conflicts, gone }) => verb !== "unchanged" || conflicts.length > 0 || gone.length > 0)
      .map(({ path, verb, conflicts, gone }) => ({
        path,
        verb,
        conflicts: conflicts.map(({ path: place, line, own, found }) => ({ path: place, line, own, found })),
        gone: [...gone],
      })),
  };
}
