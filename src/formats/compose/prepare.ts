/**
 * The compose file that is really sent. Portainer gets one text and no directory with it: labels are put in, relative
 * paths lead to the stack's directory on its share, environment files are written out. Everything else stays as its author
 * wrote it, comments and anchors included; the same input gives the same text, and preparing it again changes nothing.
 */
import { isMap, type YAMLMap } from "yaml";
import type { FaultAt } from "../fault.ts";
import { yamlText } from "../yaml/index.ts";
import {
  type ComposeYaml,
  isNull,
  itemsOf,
  memberOf,
  membersOf,
  type Place,
  parseComposeYaml,
  placeOf,
  textOf,
} from "./document.ts";
import { append, effective, ownMember, ownService, removeMember, setPairs } from "./edit.ts";
import { filesLabel, filesLabels } from "./file-labels.ts";
import { type Compose, readCompose } from "./index.ts";
import { parseEnvFile } from "./interpolation.ts";
import { escaped, missingFile, rewriteBinds, rewriteFiles, within } from "./paths.ts";

export interface PrepareOptions {
  readonly variables: ReadonlyMap<string, string>;
  /** Labels to put in, by service, written as they would be in the compose file. */
  readonly labels: Readonly<Record<string, readonly { readonly key: string; readonly value: string }[]>>;
  /** The stack's directory as the machine that runs it sees it. */
  readonly directory: string;
  /** Files that the stack brings along, by their paths below `directory`. */
  readonly files: ReadonlyMap<string, StackFileUse>;
  /** The compose project's name, where what is declared is looked at as well. */
  readonly project?: string;
}

export interface StackFileUse {
  readonly content: string;
  /** Where containers see it: an absolute path, or "" for a file that only the compose file names. */
  readonly destination: string;
}

export interface PreparedCompose {
  readonly text: string;
  readonly faults: readonly FaultAt<Place>[];
  /** What the text declared before it was prepared; absent when it is no compose file. */
  readonly declared?: Compose;
}

export function preparedCompose(text: string, options: PrepareOptions): PreparedCompose {
  const { compose, faults: found } = readCompose(text, options.variables, options.project);
  const declared = compose === undefined ? {} : { declared: compose };
  const yaml = parseComposeYaml(text, options.variables);
  const { contents } = yaml.document;
  const services = isMap(contents) ? contents.get("services") : undefined;
  if (yaml.document.errors.length > 0 || !isMap(contents) || !isMap(services))
    return { text, faults: found, ...declared };
  const faults: FaultAt<Place>[] = [...found];
  const root = membersOf(yaml, contents) ?? [];
  const names = (membersOf(yaml, services) ?? []).map(({ key }) => key);
  for (const { key, value } of membersOf(yaml, services) ?? []) {
    const members = membersOf(yaml, value) ?? [];
    faults.push(...rewriteBinds(yaml, members, options.directory));
    const labelFile = memberOf(members, "label_file");
    if (labelFile !== undefined)
      faults.push({
        message: `label_file of ${key} cannot be used in a stack`,
        place: labelFile.place,
        hint: 'write its labels into the compose file, or under "services" in phoenix.json',
      });
  }
  for (const section of ["configs", "secrets"])
    faults.push(
      ...rewriteFiles(yaml, memberOf(root, section)?.value ?? null, options.directory, (path) =>
        options.files.has(path),
      ),
    );
  faults.push(...inlineEnvironments(yaml, services, names, options));
  mountFiles(yaml, services, names, options);
  injectLabels(yaml, services, names, withFilesLabels(yaml, names, options));
  const inOrder = faults.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  return { text: yamlText(yaml.document), faults: inOrder, ...declared };
}

function withFilesLabels(
  yaml: ComposeYaml,
  names: readonly string[],
  { labels, directory, files }: PrepareOptions,
): PrepareOptions["labels"] {
  const contents = new Map(
    [...files].map(([path, { content }]) => [`${directory}/${path}`, content] as const),
  );
  const ofFiles = filesLabels(yaml, names, contents);
  return Object.fromEntries(
    names.map((name) => {
      const value = ofFiles.get(name);
      const own = value === undefined ? [] : [{ key: filesLabel, value }];
      return [name, [...(labels[name] ?? []), ...own]];
    }),
  );
}

/** Labels of one service stay its own, also where others take it for their pattern. */
function injectLabels(
  yaml: ComposeYaml,
  services: YAMLMap,
  names: readonly string[],
  labels: PrepareOptions["labels"],
): void {
  const others = names.filter((name) => (labels[name] ?? []).length === 0);
  const before = others.map((name) => effective(yaml, services.get(name, true), "labels"));
  for (const name of names) {
    const pairs = new Map((labels[name] ?? []).map(({ key, value }) => [key, value]));
    const service = pairs.size === 0 ? undefined : ownService(yaml, services, name);
    if (service === undefined) continue;
    // Those that inherit from this one keep what they had.
    for (const other of others) keepOwn(yaml, services, other);
    setPairs(yaml, service, "labels", pairs);
  }
  for (const [at, name] of others.entries()) {
    const service = ownService(yaml, services, name);
    if (service !== undefined && before[at] === "" && effective(yaml, service, "labels") !== "")
      service.set("labels", yaml.document.createNode({}));
  }
}

/** Copies labels that a service inherits from another one, or is that other one by an alias, before that gets more. */
function keepOwn(yaml: ComposeYaml, services: YAMLMap, name: string): void {
  const service = ownService(yaml, services, name);
  if (service !== undefined && !service.has("labels") && effective(yaml, service, "labels") !== "")
    ownMember(yaml, service, "labels");
}

/** `env_file` written out: `environment` wins over it, and of several files the last. */
function inlineEnvironments(
  yaml: ComposeYaml,
  services: YAMLMap,
  names: readonly string[],
  { variables, directory, files }: PrepareOptions,
): readonly FaultAt<Place>[] {
  const faults: FaultAt<Place>[] = [];
  const values = Object.fromEntries(variables);
  const done: YAMLMap[] = [];
  for (const name of names) {
    const named = memberOf(membersOf(yaml, services.get(name, true)) ?? [], "env_file");
    if (named === undefined || isNull(named.value)) continue;
    const pairs = new Map<string, string>();
    for (const item of itemsOf(yaml, named.value)) {
      const members = membersOf(yaml, item);
      const path = textOf(yaml, members === undefined ? item : memberOf(members, "path")?.value) ?? "";
      const relative = within("", path)?.slice(1);
      const file = relative === undefined ? undefined : files.get(relative);
      if (file === undefined && relative === "stack.env") {
        // Portainer's own name for a file of the stack's variables.
        for (const variable of variables.keys()) pairs.set(variable, `\${${variable}}`);
      } else if (file === undefined || path.startsWith("/")) {
        if (textOf(yaml, memberOf(members ?? [], "required")?.value) !== "false")
          faults.push(missingFile(`env_file of ${name}`, path, placeOf(yaml, item)));
      } else {
        try {
          for (const [key, value] of Object.entries(parseEnvFile(file.content, values)))
            pairs.set(key, escaped(value));
        } catch (error) {
          const words = error instanceof Error ? error.message : String(error);
          // The words quote the line, which may hold a secret.
          const reason = words.replace(/( near| value) .*$/s, "");
          faults.push({ message: `${path} (${directory}): ${reason}`, place: placeOf(yaml, item) });
        }
      }
    }
    const service = ownService(yaml, services, name);
    if (service === undefined) continue;
    setPairs(yaml, service, "environment", pairs, true);
    done.push(service);
  }
  for (const service of done) removeMember(yaml, service, "env_file");
  return faults;
}

/**
 * The stack's files at their destinations, for reading. Where a service mounts something at a destination itself, that is
 * where the file belongs, and nobody else gets it.
 */
function mountFiles(
  yaml: ComposeYaml,
  services: YAMLMap,
  names: readonly string[],
  { directory, files }: PrepareOptions,
): void {
  const mounted = new Map(names.map((name) => [name, targetsOf(yaml, services.get(name, true))]));
  for (const [path, { destination }] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!destination.startsWith("/")) continue;
    if ([...mounted.values()].some((targets) => targets.has(destination))) continue;
    for (const name of names) {
      const service = ownService(yaml, services, name);
      if (service === undefined) continue;
      const source = escaped(`${directory}/${path}`);
      append(yaml, service, "volumes", {
        type: "bind",
        source,
        target: escaped(destination),
        read_only: true,
      });
    }
  }
}

/** Paths in a service's containers where something is mounted. */
function targetsOf(yaml: ComposeYaml, service: unknown): ReadonlySet<string> {
  const members = membersOf(yaml, service) ?? [];
  const ofVolumes = itemsOf(yaml, memberOf(members, "volumes")?.value ?? null).map((item) => {
    const long = membersOf(yaml, item);
    if (long !== undefined) return textOf(yaml, memberOf(long, "target")?.value) ?? "";
    const parts = (textOf(yaml, item) ?? "").split(":");
    return parts[1] ?? parts[0] ?? "";
  });
  const ofFiles = ["configs", "secrets"].flatMap((section) =>
    itemsOf(yaml, memberOf(members, section)?.value ?? null).map((item) => {
      const target = textOf(yaml, memberOf(membersOf(yaml, item) ?? [], "target")?.value);
      return target ?? `/run/secrets/${textOf(yaml, item) ?? ""}`;
    }),
  );
  return new Set([...ofVolumes, ...ofFiles]);
}
