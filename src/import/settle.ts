/** The draft as `phoenix check` sees it: what keeps it from being a site goes to what is left out, until the rest passes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rules } from "../fabric/rules.ts";
import type { Site } from "../model.ts";
import type { Problem } from "../problem.ts";
import type { SourceRef } from "../resource.ts";
import { loadSite } from "../site/load.ts";
import type { Draft, DraftStack } from "./draft.ts";
import type { Left } from "./found.ts";
import { type DraftObject, type DraftValue, isList, Noted, plain } from "./json.ts";
import { writeSite } from "./save.ts";
import { type SiteFile, siteFilesOf } from "./write.ts";

export interface Settled {
  readonly draft: Draft;
  /** Undefined when errors remain that no value of the draft is to blame for. */
  readonly site: Site | undefined;
  readonly problems: readonly Problem[];
}

/** How often something may be taken out: more than any host has faulty things. */
const rounds = 200;

/**
 * @param applyRules whether the rules across layers count: they judge the whole, and a part of a draft may break them
 */
export async function settled(draft: Draft, applyRules: boolean): Promise<Settled> {
  let current = draft;
  for (let round = 0; ; round += 1) {
    const { site, problems, files } = await checked(current, applyRules);
    const errors = problems.filter(({ severity }) => severity === "error");
    const cause = errors
      .map((error) => ({ error, value: innermost(files, error.at) }))
      .find(({ value }) => value !== undefined);
    if (cause?.value === undefined || round === rounds)
      return { draft: current, site: errors.length > 0 ? undefined : site, problems };
    current = without(current, cause.value, cause.error.message);
  }
}

async function checked(
  draft: Draft,
  applyRules: boolean,
): Promise<{ site: Site | undefined; problems: readonly Problem[]; files: readonly SiteFile[] }> {
  const files = siteFilesOf(draft);
  // Only its owner can look into it: secrets are among the files.
  const directory = await mkdtemp(join(tmpdir(), "phoenix-import-"));
  try {
    await writeSite(directory, files);
    const { site, problems } = await loadSite(directory, { runsCommands: false });
    const found = site === undefined || !applyRules ? [] : rules.flatMap((rule) => rule(site));
    return { site, problems: [...problems, ...found], files };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The innermost noted value at a place of a file. */
function innermost(files: readonly SiteFile[], { file, line }: SourceRef): Noted | undefined {
  const places = files.find(({ path }) => path === file)?.places ?? [];
  return places.filter(({ first, last }) => first <= line && line <= last).at(-1)?.value;
}

/** The draft without a value, which is told instead. */
function without(draft: Draft, value: Noted, reason: string): Draft {
  const left: Left = {
    source: value.source ?? { host: "pve", path: "" },
    what: shortened(JSON.stringify(plain(value))),
    reason,
  };
  return {
    ...draft,
    config: (pruned(draft.config, value) ?? {}) as DraftObject,
    guests: new Map(
      [...draft.guests].flatMap(([host, entry]) => {
        const kept = pruned(entry, value);
        return kept === undefined ? [] : [[host, kept] as const];
      }),
    ),
    certificates: draft.certificates.flatMap((each) => pruned(each, value) ?? []),
    stacks: draft.stacks.map((stack): DraftStack => {
      if (stack.settings === undefined) return stack;
      return { ...stack, settings: (pruned(stack.settings, value) ?? {}) as DraftObject };
    }),
    left: [...draft.left, left],
  };
}

/** Enough of a value to know it by. */
function shortened(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`;
}

function pruned(value: DraftValue, gone: Noted): DraftValue | undefined {
  if (value === gone) return undefined;
  if (value instanceof Noted) {
    const inner = pruned(value.value, gone);
    if (inner === value.value) return value;
    return inner === undefined ? undefined : new Noted(inner, value.source, value.note);
  }
  if (typeof value !== "object") return value;
  if (isList(value)) {
    const kept = value.map((each) => pruned(each, gone)).filter((each) => each !== undefined);
    return kept.length === value.length && kept.every((each, at) => each === value[at]) ? value : kept;
  }
  const members = Object.entries(value).map(
    ([key, each]) => [key, each === undefined ? undefined : pruned(each, gone)] as const,
  );
  return members.every(([key, each]) => each === value[key]) ? value : Object.fromEntries(members);
}
