/** The end of a rollback: the site's files still declare the newer state, which is said, or changed with `--write-site`. */
import { join } from "node:path";
import { option } from "../option-names.ts";
import { hanging } from "../render/layout.ts";
import { shortList } from "../render/words.ts";
import type { RollbackTarget } from "./rollback-target.ts";
import type { Session } from "./session.ts";
import { replaceSiteFile } from "./site-file.ts";
import { writeLines } from "./terminal.ts";

/** What a plan to roll back says of the site's files; undefined where they declare what it leads to. */
export function siteStays(
  { files, call }: Session,
  { loaded }: Pick<RollbackTarget, "loaded">,
): string | undefined {
  const { different, added } = changedSince(files, loaded.files);
  const names = [...different, ...added];
  if (names.length === 0 || call.own.writeSite === true) return undefined;
  return `the site's files still declare the newer state afterwards: ${shortList(names, 4)}`;
}

/** Names of files that are others now, and of those that were not there then. */
function changedSince(
  present: Session["files"],
  kept: Session["files"],
): { readonly different: readonly string[]; readonly added: readonly string[] } {
  const now = new Map(present.map(({ name, text }) => [name, text]));
  const then = new Set(kept.map(({ name }) => name));
  return {
    different: kept.filter(({ name, text }) => now.get(name) !== text).map(({ name }) => name),
    added: [...now.keys()].filter((name) => !then.has(name)),
  };
}

/** @param isDone everything is as it was in the generation */
export async function endRollback(
  { call, root, files }: Session,
  { loaded }: Pick<RollbackTarget, "loaded">,
  generation: number,
  isDone: boolean,
): Promise<void> {
  const { different, added } = changedSince(files, loaded.files);
  const say = (line: string): void => {
    const width = call.terminal.stdout.columns ?? Number.POSITIVE_INFINITY;
    if (call.options.output === "text") writeLines(call.terminal.stdout, hanging("", line, width));
  };
  if (different.length + added.length === 0) return;
  const names = shortList([...different, ...added], 4);
  if (call.own.writeSite !== true || !isDone) {
    say(
      `The site still declares the newer state (${names}): the next \`phoenix sync\` brings it back; until then unattended syncs change nothing but certificates that are due. Restore these files in your repository, or repeat the rollback with ${option.writeSite}.`,
    );
    return;
  }
  for (const { name, text } of loaded.files)
    if (different.includes(name)) await replaceSiteFile(join(root, name), text);
  if (different.length > 0)
    say(`Written to the site as in generation ${generation}: ${shortList(different, 8)}`);
  if (added.length > 0)
    say(
      `Not in generation ${generation}, and left in the site: ${shortList(added, 8)}; remove them if nothing needs them.`,
    );
}
