/** Compose projects that somebody runs without Portainer, as directories of the site that no machine is assigned yet. Pure. */
import { defined } from "../../defined.ts";
import { ComposeDocument } from "../../formats/compose/document.ts";
import { readDocument } from "../../formats/compose/index.ts";
import { grantsOf, mountsOf } from "../../formats/compose/mounts.ts";
import type { DraftFile, DraftSecret, DraftStack } from "../draft.ts";
import type { FoundPath, FoundProject } from "../found/docker.ts";
import type { Left } from "../found.ts";
import { absolute } from "../read/projects.ts";
import { textFile } from "./draft.ts";
import { draftVariables, revealed, variablesIn } from "./variables.ts";

export interface HandMadeStack {
  readonly stack: DraftStack;
  readonly secrets: readonly DraftSecret[];
  readonly left: readonly Left[];
}

/** Variables that are not the stack's: Compose reads them for itself, and Phoenix marks its own stacks by one. */
const notItsOwn = /^COMPOSE_(?!PROFILES$)|^PHOENIX_STACK$/;

/** The stack that declares a project as it runs now; undefined, with the reason, when its files are gone. */
export function handMadeStack(project: FoundProject): HandMadeStack | readonly Left[] {
  const { name, files, composePaths, source } = project;
  const [first, ...others] = files;
  const missing = composePaths.filter((path) => !files.some((file) => file.path === path));
  const gone = missing.map((path) =>
    leftAt(
      project,
      path,
      `its Compose file ${path} is gone: what runs cannot be told from containers for certain`,
    ),
  );
  if (first === undefined || first.path !== composePaths[0])
    return gone.length > 0
      ? gone
      : [leftAt(project, source.path, "its containers do not tell where its Compose file is")];
  const { values, faults } = variablesIn(project.environmentFiles.map(({ text }) => text));
  const variables = new Map([...values].filter(([variable]) => !notItsOwn.test(variable)));
  const drafted = draftVariables(name, variables);
  const document = new ComposeDocument(first.text, revealed(variables), name);
  const own = filesOf(project, document);
  const settings = defined({
    variables: Object.keys(drafted.variables).length === 0 ? undefined : drafted.variables,
    files: own.entries.length === 0 ? undefined : own.entries,
    networks: externalNetworks(document, name),
  });
  return {
    stack: {
      name,
      compose: textFile("docker-compose.yml", first.text, first.isPrivate),
      ...(Object.keys(settings).length === 0 ? {} : { settings }),
      files: [
        ...others.map(({ path, text, isPrivate }) => textFile(baseOf(path), text, isPrivate)),
        ...own.files,
      ],
    },
    secrets: drafted.secrets,
    left: [
      ...gone,
      ...others.map(({ path }) =>
        leftAt(
          project,
          path,
          "Phoenix reads one Compose file: this one is beside it and has to be merged into it",
        ),
      ),
      ...project.environmentFiles.flatMap(({ path }) =>
        faults.map((fault) => leftAt(project, path, `Compose cannot read it: ${fault}`)),
      ),
      ...own.left,
      ...faultsOf(project, document),
    ],
  };
}

function leftAt({ host, name }: FoundProject, path: string, reason: string, what = ""): Left {
  return { source: { host, path }, what: what === "" ? `Compose project ${name}` : what, reason };
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

interface OwnFiles {
  /** For `files` of phoenix.json. */
  readonly entries: readonly Readonly<Record<string, string>>[];
  readonly files: readonly DraftFile[];
  readonly left: readonly Left[];
}

/** What the Compose file names by relative paths: files go along, everything else is told. */
function filesOf(project: FoundProject, document: ComposeDocument): OwnFiles {
  const entries: Readonly<Record<string, string>>[] = [];
  const files: DraftFile[] = [];
  const left: Left[] = [];
  for (const [written, target] of namedIn(document)) {
    if (written.startsWith("/")) continue;
    const path = absolute(written, project.directory);
    const found = project.named.find((each) => each.path === path);
    const reason = notTaken(project, written, path, found);
    if (reason !== undefined) left.push(leftAt(project, path, reason));
    if (reason !== undefined || found?.text === undefined) continue;
    const source = path.slice(project.directory.length + 1);
    if (files.some((file) => file.path === source)) continue;
    entries.push(defined({ source, destination_in_container: target }));
    files.push(textFile(source, found.text, found.isPrivate === true || isGranted(document, written)));
  }
  return { entries, files, left };
}

/** Paths as the Compose file writes them, its variables filled in, with the place in the container where it gives one. */
function namedIn(document: ComposeDocument): ReadonlyMap<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  const add = (path: string, target: string | undefined): void => {
    if (path !== "" && !found.has(path)) found.set(path, target);
  };
  for (const { value } of document.services.members) {
    for (const item of value.get("env_file").items)
      add((item.isMapping ? item.get("path").text : item.text) ?? "", undefined);
    for (const { type, source, target } of mountsOf(value)) if (type === "bind") add(source, target);
    for (const section of ["configs", "secrets"] as const)
      for (const { source, target } of grantsOf(value, section))
        add(document.root.get(section).get(source).get("file").text ?? "", target);
  }
  return found;
}

/** Whether the file is the content of one of Compose's secrets. */
function isGranted({ root }: ComposeDocument, written: string): boolean {
  return root.get("secrets").members.some(({ value }) => value.get("file").text === written);
}

function notTaken(
  { directory }: FoundProject,
  written: string,
  path: string,
  found: FoundPath | undefined,
): string | undefined {
  if (!path.startsWith(`${directory}/`)) return `${written} leads out of the project's directory`;
  if (found === undefined) return `${written} was not looked at: its path has a variable or a home directory`;
  switch (found.kind) {
    case "directory":
      return `the directory ${written} is data: Phoenix looks for it below the machine's share, in stacks/${baseOf(directory)}, so move it there or write an absolute path`;
    case "missing":
      return `${written} is not there`;
    case "other":
      return `${written} is not a regular file`;
    case "file":
      return found.text === undefined ? `${written} is too large for a site, or not text` : undefined;
  }
}

function externalNetworks(
  document: ComposeDocument,
  project: string,
): Readonly<Record<string, string>> | undefined {
  const networks = readDocument(document, project).compose?.networks ?? [];
  const external = networks.filter(
    (each) => each.external && !["bridge", "host", "none"].includes(each.name),
  );
  return external.length === 0 ? undefined : Object.fromEntries(external.map(({ key }) => [key, "exists"]));
}

/** What Phoenix would refuse once the stack is assigned: told now, with the line. */
function faultsOf(project: FoundProject, document: ComposeDocument): readonly Left[] {
  const path = project.files[0]?.path ?? project.source.path;
  return readDocument(document, project.name)
    .faults.filter(({ severity }) => severity !== "warning")
    .map(({ message, place, mayBeSecret }) => ({
      source: { host: project.host, path, line: place.line },
      what: `Compose project ${project.name}`,
      reason: mayBeSecret
        ? "it is not a valid Compose file here"
        : `${message}: Phoenix cannot deploy it as it is`,
    }));
}
