/** What an import changes in a site that is there already. */
import { exitCodes } from "../errors.ts";
import { option } from "../option-names.ts";
import { hanging } from "./layout.ts";
import type { ImportDocument } from "./output-schemas.ts";
import { differenceLines } from "./text-diff.ts";
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
  readonly removed: readonly string[];
}

interface Facts {
  readonly site: string;
  /** The directory as a shell takes it. */
  readonly directory: string;
  readonly repeat: string;
  readonly merge: MergeFacts;
  readonly durationMs: number;
}

export function mergeLines(
  { site, directory, repeat, merge, durationMs }: Facts,
  view: View,
): readonly string[] {
  const lines = merge.files.flatMap((file) => fileLines(file, view));
  if (merge.isWritten) return lines.length === 0 ? [] : [...lines, ""];
  const isOpen = merge.files.some(({ verb, conflicts }) => verb !== "unchanged" || conflicts.length > 0);
  if (!isOpen)
    return [
      ...lines,
      `${view.paint.green("In sync")}: ${inSync(merge, oneLine(site))} · ${duration(durationMs)}`,
    ];
  const command = `phoenix import ${oneLine(directory)} ${option.merge}${repeat}`;
  return [...lines, "", `Nothing was written. \`${command}\` writes this. (exit ${exitCodes.pending})`];
}

/** A site that a person took something out of does not declare all that the host has. */
function inSync({ files }: MergeFacts, site: string): string {
  if (files.every(({ removed }) => removed.length === 0)) return `the host has nothing new for ${site}`;
  return `the host has nothing new for ${site}, but for what you removed`;
}

const signs = { create: "+", update: "~", unchanged: "=" } as const satisfies Record<
  FileMergeFacts["verb"],
  Sign
>;

function fileLines(file: FileMergeFacts, view: View): readonly string[] {
  const { path, verb, conflicts, gone, removed } = file;
  if (!isTold(file)) return [];
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
    ...removed.flatMap((each) =>
      hanging("    ", oneLine(`you removed: ${each}, which the host has; it stays removed`), view.width),
    ),
  ];
}

function isTold({ verb, conflicts, gone, removed }: FileMergeFacts): boolean {
  return verb !== "unchanged" || conflicts.length > 0 || gone.length > 0 || removed.length > 0;
}

function sizeOf({ after, isSecret }: FileMergeFacts): string {
  return isSecret ? "(secret)" : count(after.split("\n").length - 1, "line");
}

function textLines({ before, after, isSecret }: FileMergeFacts, view: View): readonly string[] {
  return isSecret ? ["(secret, changed)"] : differenceLines(bare(before), bare(after), view);
}

/** Without the carriage returns of an editor that ends lines with CRLF: each would show as an escape. */
function bare(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

export function mergeDocument({ isWritten, files }: MergeFacts): NonNullable<ImportDocument["merge"]> {
  return {
    written: isWritten,
    files: files.filter(isTold).map(({ path, verb, conflicts, gone, removed }) => ({
      path,
      verb,
      conflicts: conflicts.map(({ path: place, line, own, found }) => ({ path: place, line, own, found })),
      gone: [...gone],
      removed: [...removed],
    })),
  };
}
