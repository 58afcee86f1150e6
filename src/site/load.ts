/** Reads a site: its files, what they say, and everything that is wrong with them, at once. */
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isMissing, messageOf, SiteError } from "../errors.ts";
import type { Site } from "../model.ts";
import { option } from "../option-names.ts";
import { compareProblems, type Problem } from "../problem.ts";
import { redacted, redactor } from "../redaction.ts";
import type { Secret } from "../secret.ts";
import { withoutSecretLooks } from "../secret-spans.ts";
import { readDocument, readOptionalDocument } from "./documents.ts";
import { resolveSite } from "./resolve.ts";
import { type OuterReference, SecretReader, type SecretReference } from "./secrets/index.ts";
import { siteFiles } from "./shapes/files.ts";
import { containersShape, lxcShape, machinesShape, vmShape } from "./shapes/guests.ts";
import { hypervisorShape } from "./shapes/hypervisor.ts";
import type { Shape } from "./shapes/shape.ts";
import { certificatesShape } from "./shapes/stack.ts";
import { readStacks } from "./stacks/files.ts";
import type { JsonNode } from "./text/json.ts";
import { Problems } from "./text/problems.ts";
import { KeptSiteFiles, type SiteFile, SiteFiles } from "./text/source-file.ts";

export interface LoadedSite {
  /** Absent when there are errors. */
  readonly site: Site | undefined;
  /** The site as far as it could be understood, in spite of errors. Only what no error concerns may be used. */
  readonly understood: Site | undefined;
  /** In the order they are shown in. */
  readonly problems: readonly Problem[];
  /** Text by file name relative to the root, for excerpts. */
  readonly sources: ReadonlyMap<string, string>;
  /** Every secret that was found, also when there are errors. */
  readonly secrets: readonly Secret[];
  /** Secrets from commands, and from files outside of the site. */
  readonly outer: readonly OuterReference[];
  /** The files that the site was read from, as they are on disk. */
  readonly files: readonly SiteFile[];
  /** What its references lead to, in the order they were read. */
  readonly references: readonly SecretReference[];
}

export interface LoadOptions {
  /** Whether secrets of the form `exec:COMMAND` are looked up. Without it no command runs. */
  readonly runsCommands: boolean;
  /** The texts of a kept site by their names, to be read in place of the files on disk; references are looked up as they are now. */
  readonly kept?: ReadonlyMap<string, string>;
}

/**
 * Reads the site in a directory. What is wrong in its files is reported as problems.
 * @throws SiteError when the directory cannot be read, or is not a site
 */
export async function loadSite(
  root: string,
  { runsCommands, kept }: LoadOptions = { runsCommands: true },
): Promise<LoadedSite> {
  const directory = resolve(root);
  refuseOther(directory);
  const problems = new Problems();
  const files =
    kept === undefined ? new SiteFiles(directory, problems) : new KeptSiteFiles(directory, problems, kept);
  const [config, lxc, vms, manifest, stacks] = await Promise.all([
    readDocument(files, siteFiles.hypervisor, () => hypervisorShape, problems),
    readOptionalDocument(files, siteFiles.lxc, guestFile(lxcShape, containersShape), problems),
    readOptionalDocument(files, siteFiles.vm, guestFile(vmShape, machinesShape), problems),
    readOptionalDocument(files, siteFiles.certificates, () => certificatesShape, problems),
    readStacks(files, problems),
  ]);
  const secrets = new SecretReader(files, problems, runsCommands);
  secrets.keepWritten();
  const site = await resolveSite(
    { root: directory, config, lxc, vms, manifest, stacks },
    files,
    secrets,
    problems,
  );
  return {
    site: problems.errors > 0 ? undefined : site,
    understood: site,
    problems: withoutSecretsOf(secrets, unique(problems.all)).sort(compareProblems),
    sources: files.sources,
    secrets: secrets.found,
    outer: secrets.outer,
    files: files.all,
    references: secrets.references,
  };
}

/** The shape of a guest file: `whole`, or `guests` where the file is the list or the map of guests itself, or empty. */
function guestFile(whole: Shape, guests: Shape): (root: JsonNode) => Shape {
  return (root) => {
    if (root.kind !== "object") return root.kind === "array" ? guests : whole;
    const keys = [...root.members.keys()].filter((key) => !/^[$_]/.test(key));
    return keys.every((key) => /^\d+$/.test(key)) ? guests : whole;
  };
}

/** A message may quote a file with its variables filled in. */
function withoutSecretsOf({ found }: SecretReader, problems: readonly Problem[]): Problem[] {
  if (problems.length === 0) return [];
  const redact = redactor(found);
  return problems.map((problem) => redacted(problem, (text) => withoutSecretLooks(redact(text))));
}

/** A stack that runs on two machines is read twice; a text with an unseen character is often not what it should be as well. */
function unique(problems: readonly Problem[]): Problem[] {
  const placeOf = ({ at }: Problem): string => `${at.file}:${at.line}:${at.column}`;
  const unseen = new Set(problems.filter(({ code }) => code === "PHX0108").map(placeOf));
  const causes = problems.filter((problem) => problem.code === "PHX0108" || !unseen.has(placeOf(problem)));
  return [...new Map(causes.map((problem) => [JSON.stringify(problem), problem])).values()];
}

function refuseOther(directory: string): void {
  const hint = `name the directory that holds etc/ and stacks/: ${option.site} DIR or PHOENIX_SITE`;
  for (const path of [directory, join(directory, "etc")]) {
    try {
      if (statSync(path).isDirectory()) continue;
    } catch (error) {
      if (!isMissing(error)) throw new SiteError(`cannot read ${path}: ${messageOf(error)}`, { hint });
      if (path === directory) throw new SiteError(`the directory ${directory} does not exist`, { hint });
      const parent = dirname(directory);
      throw new SiteError(`${directory} is not a site: it has no etc/`, {
        hint: existsSync(join(parent, siteFiles.hypervisor))
          ? `did you mean ${option.site} ${parent}?`
          : hint,
      });
    }
    throw new SiteError(`${path} is not a directory`, { hint });
  }
}
