/** From a draft to the files of a site. Pure. */
import { defined } from "../defined.ts";
import { editorFiles, schemaReference } from "../site/shapes/editor.ts";
import { siteFiles } from "../site/shapes/files.ts";
import type { fileShapes } from "../site/shapes/schemas.ts";
import type { Draft, DraftFile, DraftStack } from "./draft.ts";
import type { DraftObject } from "./json.ts";
import { type Place, printed } from "./print.ts";
import { reportText } from "./report.ts";

export interface SiteFile {
  /** Relative to the site's root. */
  readonly path: string;
  readonly text: string;
  /** Nobody but its owner may read it. */
  readonly isSecret?: true;
  /** Where its values were read: what a problem or a change of it is traced back to. */
  readonly places: readonly Place[];
}

/** All that an import writes. */
export function filesOf(draft: Draft): readonly SiteFile[] {
  const files: readonly SiteFile[] = [
    ...siteFilesOf(draft),
    textFile("IMPORT.md", reportText(draft.left, draft.opened)),
    ...editorFiles().map(({ path, text }) => textFile(path, text)),
  ];
  return [...files, textFile(".gitignore", ignoredText(files))];
}

/** The files that `phoenix check` reads. */
export function siteFilesOf(draft: Draft): readonly SiteFile[] {
  const containers = guestsOf(draft, "lxc");
  const machines = guestsOf(draft, "vm");
  return [
    jsonFile("hypervisor", siteFiles.hypervisor, draft.config),
    ...(Object.keys(containers).length === 0
      ? []
      : [jsonFile("lxc", siteFiles.lxc, { lxc_configs: containers })]),
    ...(Object.keys(machines).length === 0 ? [] : [jsonFile("vm", siteFiles.vm, { vms: machines })]),
    ...(draft.certificates.length === 0
      ? []
      : [jsonFile("certificates", siteFiles.certificates, { certificates: draft.certificates })]),
    ...draft.stacks.flatMap(stackFiles),
    ...draft.secrets.map(({ path, text }) => ({ ...textFile(path, text), isSecret: true as const })),
  ];
}

/** What git must not keep: the secrets, what is remembered of an import, and the stacks' files that have a password in them. */
function ignoredText(files: readonly SiteFile[]): string {
  const isSecret = files.filter((file) => file.isSecret === true && !file.path.startsWith("secrets/"));
  const paths = ["secrets/", ".import/", ...isSecret.map(({ path }) => path.replace(/[\\*?[ ]/g, "\\$&"))];
  return `# Passwords stay on this machine.\n${paths.map((path) => `/${path}\n`).join("")}`;
}

function guestsOf({ guests }: Draft, kind: "lxc" | "vm"): DraftObject {
  const prefix = `${kind}/`;
  return Object.fromEntries(
    [...guests]
      .filter(([host]) => host.startsWith(prefix))
      .map(([host, entry]) => [host.slice(prefix.length), entry]),
  );
}

function stackFiles({ name, compose, settings, files = [] }: DraftStack): readonly SiteFile[] {
  const directory = `stacks/${name}`;
  return [
    ownFile(directory, compose),
    ...(settings === undefined ? [] : [jsonFile("stack", `${directory}/phoenix.json`, settings)]),
    ...files.map((file) => ownFile(directory, file)),
  ];
}

function ownFile(directory: string, { path, text, isSecret }: DraftFile): SiteFile {
  return { ...textFile(`${directory}/${path}`, text), ...defined({ isSecret }) };
}

function textFile(path: string, text: string): SiteFile {
  return { path, text, places: [] };
}

/** A file that tells editors its schema. */
function jsonFile(schema: keyof typeof fileShapes, path: string, value: DraftObject): SiteFile {
  return { path, ...printed({ $schema: schemaReference(schema), ...value }) };
}
