/**
 * The Compose file as it is sent. Portainer gets one text and no directory with it: labels are injected, relative paths lead
 * to the stack's directory on its share, environment files are inlined. Everything else stays as its author wrote it,
 * comments and anchors included; the same input gives the same text, and preparing it again changes nothing.
 */
import { defined } from "../../defined.ts";
import { yamlText } from "../yaml/index.ts";
import { ComposeDocument, type ComposeFault, type ComposeNode } from "./document.ts";
import { editService } from "./edit.ts";
import { parseEnvFile, parseRawEnvFile } from "./env-file.ts";
import { filesLabel, filesLabels } from "./file-labels.ts";
import { type Compose, inOrder, readDocument } from "./index.ts";
import { ComposeTextError } from "./interpolation.ts";
import { grantsOf, mountsOf } from "./mounts.ts";
import { escaped, missingFile, rewriteBinds, rewriteFiles, within } from "./paths.ts";
import { type SourceLine, sourceLines } from "./source-lines.ts";

export interface PrepareOptions {
  readonly variables: ReadonlyMap<string, string>;
  /** Labels to inject, by service, written as they would be in the Compose file. */
  readonly labels: ReadonlyMap<string, readonly { readonly key: string; readonly value: string }[]>;
  /** The stack's directory as the machine that runs it sees it. */
  readonly directory: string;
  /** The stack's files, by their paths below `directory`. */
  readonly files: ReadonlyMap<string, StackFileUse>;
  /** The Compose project's name: `declared` needs it to name volumes. */
  readonly project?: string;
}

export interface StackFileUse {
  readonly content: string;
  /** Where containers see it: an absolute path, or "" for a file that only the Compose file names. */
  readonly destination: string;
}

export interface PreparedCompose {
  readonly text: string;
  readonly faults: readonly ComposeFault[];
  /** What the text declared before it was prepared; absent when it is not a Compose file. */
  readonly declared?: Compose;
  /** Where each line of the text comes from: worked out when it is asked for. */
  readonly lines: readonly SourceLine[];
}

/** Prepares a stack's Compose file for Portainer. */
export function preparedCompose(text: string, options: PrepareOptions): PreparedCompose {
  const document = new ComposeDocument(text, options.variables, options.project);
  const users = fileUsers(document);
  const { compose: declared, faults: found } = readDocument(document, options.project);
  if (!document.isValid || !document.services.isMapping)
    return { ...defined({ declared }), text, faults: found, lines: [] };
  const faults = [
    ...found,
    ...document.services.members.flatMap(({ key, value }) => [
      ...rewriteBinds(value, options.directory),
      ...labelFileFaults(key, value),
    ]),
    ...["configs", "secrets"].flatMap((section) =>
      rewriteFiles(document.root.get(section), options.directory, (path) => options.files.has(path)),
    ),
  ];
  faults.push(...inlineEnvironments(document, options));
  mountFiles(document, options, users);
  injectLabels(document, withFilesLabels(document, options));
  let printed: string | undefined;
  return {
    ...defined({ faults: inOrder(faults), declared }),
    // Printing takes a third of the time, and a check does not need the text.
    get text() {
      printed ??= yamlText(document.yaml);
      return printed;
    },
    get lines() {
      return sourceLines(document, text, this.text);
    },
  };
}

/** Labels of a file beside the Compose file, which nobody gets. */
export function labelFileFaults(name: string, service: ComposeNode): readonly ComposeFault[] {
  const labelFile = service.member("label_file");
  if (labelFile === undefined) return [];
  const message = `label_file of ${name} cannot be used in a stack`;
  const hint = 'write its labels into the Compose file, or under "services" in phoenix.json';
  return [{ message, place: labelFile.place, hint }];
}

/** The names of the services. */
export function namesOf(document: ComposeDocument): readonly string[] {
  return document.services.members.map(({ key }) => key);
}

/** The labels to inject, with a fingerprint of the files that a service mounts. */
function withFilesLabels(
  document: ComposeDocument,
  { labels, directory, files }: PrepareOptions,
): PrepareOptions["labels"] {
  const contents = new Map([...files].map(([path, { content }]) => [`${directory}/${path}`, content]));
  const fingerprints = filesLabels(document, contents);
  return new Map(
    namesOf(document).map((name) => {
      const value = fingerprints.get(name);
      const own = value === undefined ? [] : [{ key: filesLabel, value }];
      return [name, [...(labels.get(name) ?? []), ...own]];
    }),
  );
}

/** Injects labels into their services; those that inherit from one of these keep what they had. */
function injectLabels(document: ComposeDocument, labels: PrepareOptions["labels"]): void {
  const edit = (name: string) => editService(document, name);
  const names = namesOf(document);
  const others = names.filter((name) => (labels.get(name) ?? []).length === 0);
  const before = others.map((name) => effectiveLabels(document.services.get(name)));
  for (const name of names) {
    const pairs = new Map((labels.get(name) ?? []).map(({ key, value }) => [key, value]));
    const service = pairs.size === 0 ? undefined : edit(name);
    if (service === undefined) continue;
    for (const other of others.map(edit))
      if (other?.has("labels") === false && effectiveLabels(other.node) !== "") other.own("labels");
    service.setPairs("labels", pairs);
  }
  for (const [at, service] of others.map(edit).entries())
    if (service !== undefined && before[at] === "" && effectiveLabels(service.node) !== "")
      service.set("labels", {});
}

/** A service's labels, its own and inherited ones, as a text to be compared; "" when it has none. */
function effectiveLabels(service: ComposeNode): string {
  const labels = service.get("labels");
  if (labels.isNull) return "";
  return JSON.stringify(
    labels.isMapping
      ? labels.members.map(({ key, value }) => `${key}=${value.text ?? ""}`)
      : labels.items.map(({ text = "" }) => text),
  );
}

/** Writes `env_file` out as variables: `environment` takes precedence, and of several files the last. */
export function inlineEnvironments(
  document: ComposeDocument,
  options: PrepareOptions,
): readonly ComposeFault[] {
  const inlined = document.services.members.flatMap(({ key: name, value }) => {
    const files = value.get("env_file");
    if (files.isNull) return [];
    const { pairs, faults } = readEnvironment(name, value, options);
    const service = editService(document, name);
    service?.setPairs("environment", pairs, true);
    return [{ service, faults }];
  });
  // Last, for a service may inherit its files from another one.
  for (const { service } of inlined) service?.remove("env_file");
  return inlined.flatMap(({ faults }) => faults);
}

interface ReadEnvironment {
  readonly pairs: ReadonlyMap<string, string>;
  readonly faults: readonly ComposeFault[];
}

/** The variables of a service's environment files, as they are written under `environment`. */
function readEnvironment(
  name: string,
  service: ComposeNode,
  { variables, files }: PrepareOptions,
): ReadEnvironment {
  const own = ownVariables(service.get("environment"));
  const read = new Map<string, string>();
  const known = { get: (key: string) => variables.get(key) ?? own.get(key) ?? read.get(key) };
  const pairs = new Map<string, string>();
  const faults: ComposeFault[] = [];
  for (const item of service.get("env_file").items) {
    const path = (item.isMapping ? item.get("path").text : item.text) ?? "";
    const relative = environmentPath(item);
    const file = files.get(relative ?? "");
    if (file !== undefined) {
      try {
        const parse = item.get("format").text === "raw" ? parseRawEnvFile : parseEnvFile;
        for (const [key, value] of parse(file.content, known)) {
          read.set(key, value);
          pairs.set(key, escaped(value));
        }
      } catch (error) {
        if (!(error instanceof ComposeTextError)) throw error;
        faults.push({ message: `${path}: ${error.reason}`, place: item.place });
      }
    } else if (relative === "stack.env") {
      // Portainer's own name for a file of the stack's variables.
      for (const variable of variables.keys()) pairs.set(variable, `\${${variable}}`);
    } else if (item.get("required").text !== "false") {
      faults.push(missingFile(`env_file of ${name}`, path, item.place));
    }
  }
  return { pairs, faults };
}

/** The variables that `environment` itself gives values. */
function ownVariables(environment: ComposeNode): ReadonlyMap<string, string> {
  const pairs = environment.isMapping
    ? environment.members.map(({ key, value }) => [key, value.text] as const)
    : environment.names.map(({ name }) => {
        const at = name.indexOf("=");
        return at < 0 ? ([name, undefined] as const) : ([name.slice(0, at), name.slice(at + 1)] as const);
      });
  return new Map(pairs.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
}

/** The stack's files that services name as environment files, configs or secrets: each with those services. */
export function fileUsers(document: ComposeDocument): ReadonlyMap<string, ReadonlySet<string>> {
  const users = new Map<string, Set<string>>();
  const add = (path: string | undefined, service: string): void => {
    if (path !== undefined) users.set(path, (users.get(path) ?? new Set()).add(service));
  };
  for (const { key, value } of document.services.members) {
    for (const item of value.get("env_file").items) add(environmentPath(item), key);
    for (const section of ["configs", "secrets"] as const)
      for (const { source } of grantsOf(value, section))
        add(within("", document.root.get(section).get(source).get("file").text ?? "")?.slice(1), key);
  }
  return users;
}

/** The path of an environment file below the stack's directory; undefined when it leads out of it. */
function environmentPath(item: ComposeNode): string | undefined {
  const path = (item.isMapping ? item.get("path").text : item.text) ?? "";
  return path.startsWith("/") ? undefined : within("", path)?.slice(1);
}

/**
 * Mounts the stack's files at their destinations, for reading. Where a service itself mounts something at a destination, the
 * file belongs to that service alone; one that services name belongs to them, for it may hold secrets.
 */
function mountFiles(
  document: ComposeDocument,
  { directory, files }: PrepareOptions,
  users: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  const taken = new Set(document.services.members.flatMap(({ value }) => targetsOf(value)));
  for (const [path, { destination }] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!destination.startsWith("/") || taken.has(destination)) continue;
    const named = users.get(path);
    for (const name of namesOf(document).filter((each) => named === undefined || named.has(each)))
      editService(document, name)?.append("volumes", {
        type: "bind",
        source: escaped(`${directory}/${path}`),
        target: escaped(destination),
        read_only: true,
      });
  }
}

/** Paths in a service's containers where something is mounted. */
export function targetsOf(service: ComposeNode): readonly string[] {
  const mounts = [...mountsOf(service), ...grantsOf(service, "configs"), ...grantsOf(service, "secrets")];
  return mounts.map(({ target }) => target);
}
