/** `phoenix import` into a directory that has a site: what differs from it, shown, or written with `--merge`. */
import { type ExitCode, exitCodes } from "../errors.ts";
import { mergedSite } from "../import/merge/site.ts";
import { lastImport, presentFiles, writeMerge } from "../import/save.ts";
import type { SiteFile } from "../import/write.ts";
import type { MergeFacts } from "../render/text-merge.ts";

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
