/** The declared site of a call: where it is, its content, its problems. */
import type { Site } from "../model.ts";
import { compareProblems, type Problem } from "../problem.ts";
import type { Sources } from "../render/excerpt.ts";
import type { LoadedSite, LoadOptions } from "../site/load.ts";
import type { OuterReference } from "../site/secrets/index.ts";
import type { Call } from "./command.ts";
import { loadLab } from "./lab-package.ts";
import { defaultSite, type GlobalOptions } from "./options.ts";

export interface ProvenSite {
  readonly root: string;
  /** Absent when errors keep it from being understood. */
  readonly site: Site | undefined;
  /** The same as far as it could be understood, in spite of errors. */
  readonly understood: Site | undefined;
  /** In the order they are shown in. */
  readonly problems: readonly Problem[];
  readonly sources: Sources;
  /** The files that it was read from as they are on disk, and what their references lead to: never to be shown. */
  readonly files: LoadedSite["files"];
  readonly references: LoadedSite["references"];
  readonly outer: readonly OuterReference[];
}

/** The directory of the site: as an option or the environment names it, of the lab's site, or the default. */
export async function siteRoot({ site, lab }: Pick<GlobalOptions, "site" | "lab">): Promise<string> {
  if (site !== undefined) return site;
  if (lab === undefined) return defaultSite;
  const { readLab } = await loadLab();
  return readLab(lab).site;
}

/**
 * Reads the site, with its commands unless told otherwise, and applies every rule to it. From here on its secrets are redacted in all output.
 * @throws SiteError when it cannot be read at all
 */
export async function loadProven(call: Call, options?: LoadOptions): Promise<ProvenSite> {
  const root = await siteRoot(call.options);
  const { loadSite } = await import("../site/load.ts");
  const loaded = await loadSite(root, options);
  const { site, sources } = loaded;
  // Those of a site with errors as well: its problems may quote them.
  call.terminal.conceal(loaded.secrets);
  const { rules } = await import("../fabric/rules.ts");
  const found = site === undefined ? [] : rules.flatMap((rule) => rule(site));
  return {
    root,
    site,
    understood: loaded.understood,
    problems: [...loaded.problems, ...found].sort(compareProblems),
    sources,
    files: loaded.files,
    references: loaded.references,
    outer: loaded.outer,
  };
}

/** SHA-256 over the site's files, by name. */
export function digestOf(sources: Sources): string {
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  for (const [name, text] of [...sources].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${Buffer.byteLength(name)}:${name}${Buffer.byteLength(text)}:`).update(text);
  return hash.digest("hex");
}
