/** `phoenix import` into a directory that has a site: what differs from it, shown, or written with `--merge`. */
import { type ExitCode, exitCodes, SiteError } from "../errors.ts";
import { mergedSite } from "../import/merge/site.ts";
import { lastImport, presentFiles, writeMerge } from "../import/save.ts";
import type { SiteFile } from "../import/write.ts";
import { problemsLines } from "../render/problems.ts";
import { placeOf } from "../render/text-changes.ts";
import type { MergeFacts } from "../render/text-merge.ts";
import { count } from "../render/words.ts";
import { parseFile } from "../site/documents.ts";
import { siteFiles } from "../site/shapes/files.ts";
import { Problems } from "../site/text/problems.ts";
import { SiteFiles } from "../site/text/source-file.ts";
import type { Call } from "./command.ts";
import { repeated } from "./options.ts";
import { viewOf } from "./output.ts";
import { writeLines } from "./terminal.ts";

/**
 * Looks at the JSON files of a site before anything is merged into them.
 * @throws SiteError when one of them cannot be understood; the places are shown before
 */
export async function refuseBroken({ terminal, options }: Call, directory: string): Promise<void> {
  const problems = new Problems();
  const files = new SiteFiles(directory, problems);
  const remembered = [...(await lastImport(directory)).keys()].filter((path) => path.endsWith(".json"));
  for (const path of new Set([...Object.values(siteFiles), ...remembered])) {
    const file = (await files.exists(path)) ? await files.read(path) : undefined;
    if (file !== undefined) parseFile(file, problems);
  }
  const errors = problems.all.filter(({ severity }) => severity === "error");
  const [first] = errors;
  if (first === undefined) return;
  if (options.output === "text") {
    const view = viewOf(terminal.stderr, terminal, options);
    writeLines(terminal.stderr, [...problemsLines(terminal.redact(errors), files.sources, view), ""]);
  }
  throw new SiteError(
    `the site has ${count(errors.length, "error")}, the first at ${placeOf(first.at)}; nothing was written`,
    { hint: `correct it; \`phoenix check${repeated("site", directory)}\` shows all` },
  );
}

/** @throws SiteError when the directory cannot be read or written */
export async function mergeInto(
  directory: string,
  files: readonly SiteFile[],
  isWritten: boolean,
): Promise<MergeFacts> {
  const last = await lastImport(directory);
  const paths = new Set([...files.map(({ path }) => path), ...last.keys()]);
  const merges = mergedSite(last, await presentFiles(directory, [...paths]), files);
  if (isWritten) await writeMerge(directory, merges, files);
  return { isWritten, files: merges };
}

/** Of a merge that was shown: whether anything differs. */
export function exitCodeOfMerge({ files }: MergeFacts): ExitCode {
  const differs = files.some(({ verb, conflicts }) => verb !== "unchanged" || conflicts.length > 0);
  return differs ? exitCodes.pending : exitCodes.converged;
}

/** The files that are on disk as import drafted them: their lines are those that it knows the origin of. */
export function unedited(files: readonly SiteFile[], merge: MergeFacts): readonly SiteFile[] {
  return files.filter(({ path, text }) => merge.files.find((each) => each.path === path)?.after === text);
}
