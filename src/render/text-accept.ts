/** What accepting drift writes into the site's files. */
import { type ExitCode, exitCodes } from "../errors.ts";
import type { AcceptDocument } from "./output-schemas.ts";
import { differenceLines } from "./text-diff.ts";
import { painted, type View } from "./view.ts";
import { count, list, oneLine, shortList } from "./words.ts";

export interface AcceptFacts {
  readonly site: string;
  /** The accepted resources; none where nothing differs. */
  readonly ids: readonly string[];
  readonly files: readonly { readonly name: string; readonly before: string; readonly after: string }[];
  /** Those that say the same in another form, which a sync makes Phoenix's own. */
  readonly reformed: readonly string[];
  /** Whether that happens at once; other drift beside it leaves it to the next sync. */
  readonly isReformed: boolean;
  /** Other resources that the changed site makes differ. */
  readonly follow: readonly string[];
  readonly isWritten: boolean;
  /** The command that writes this. */
  readonly apply: string;
}

export function acceptLines(facts: AcceptFacts, view: View): readonly string[] {
  const { ids, files, reformed, isReformed, follow, isWritten, apply } = facts;
  if (files.length === 0) {
    const what = ids.length === 0 ? "it is as the site declares it" : "the site says it already";
    return [`Nothing to accept: ${what}.`];
  }
  const bare = (text: string): string => text.replaceAll("\r\n", "\n");
  return [
    ...files.flatMap(({ name, before, after }) => [
      `${painted("~", view.paint)} ${oneLine(name)}`,
      ...differenceLines(bare(before), bare(after), view).map((line) => `    ${line}`),
    ]),
    "",
    ...(reformed.length === 0
      ? []
      : [
          `${isReformed ? "Then" : "By the next sync"} ${list(reformed)} is written in Phoenix's own form: it says the same.`,
        ]),
    ...(follow.length === 0 ? [] : [`A sync would then also change ${shortList(follow, 8)}.`]),
    isWritten
      ? `Accepted ${list(ids)}: ${count(files.length, "file")} of the site changed.`
      : `Nothing was written. \`${apply}\` writes this. (exit ${exitCodes.pending})`,
  ];
}

export function acceptDocument(facts: AcceptFacts, exitCode: ExitCode): AcceptDocument {
  const { site, ids, files, reformed, follow, isWritten } = facts;
  return {
    format: "phoenix.accept/1",
    site,
    accepted: ids,
    files: files.map(({ name }) => name),
    reformed,
    follow,
    written: isWritten,
    exitCode,
  };
}
