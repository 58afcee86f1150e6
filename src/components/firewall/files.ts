/** From resources to files: what a change does to the firewall's files. Several resources share cluster.fw. */
import { groupComment } from "../../fabric/cluster-firewall.ts";
import { guestOf } from "../../fabric/guests.ts";
import {
  type GroupContent,
  isEmpty,
  withGroups,
  withOption,
  withRules,
} from "../../formats/pve-firewall/edit.ts";
import {
  emptyFile,
  type FirewallFile,
  groupsOf,
  parseFirewall,
  printFirewall,
} from "../../formats/pve-firewall/index.ts";
import { readFile } from "../../formats/pve-firewall/reading.ts";
import { type FilePlace, type FwRule, parseRule, printBare } from "../../formats/pve-firewall/rule.ts";
import type { FileState, FileWrite } from "../../hosts/host.ts";
import type { Site } from "../../model.ts";
import { type Change, type HostName, type Resource, subjectOf } from "../../resource.ts";
import {
  clusterOptions,
  compile,
  type FirewallFiles,
  guestOptions,
  guestPath,
  guestState,
  isOurGroup,
  isOursIn,
  isService,
  paths,
  usedGroup,
} from "./compile.ts";

/** The desired state of one resource; without a text it is removed. */
interface Part {
  readonly id: Resource["id"];
  readonly text: string | undefined;
  /** The resource's text before the change. */
  readonly before: string | undefined;
}

type Groups = ReturnType<typeof groupsOf>;

/** Which of Proxmox's files is at a path. */
export function placeOf(path: string): FilePlace {
  if (path === paths.cluster) return "cluster";
  return path.endsWith("/host.fw") ? "host" : "guest";
}

export function parsed(files: ReadonlyMap<string, FileState>): FirewallFiles {
  return new Map([...files].map(([path, { text }]) => [path, parseFirewall(text, placeOf(path))]));
}

/** The file and line of a rule, or of "ipset NAME": "/etc/pve/firewall/cluster.fw:12". */
export function placeOfLine(files: FirewallFiles, what: FwRule | string): string | undefined {
  const cluster = files.get(paths.cluster);
  for (const [path, file] of files) {
    const line = readFile(file, placeOf(path), cluster).lines.get(what);
    if (line !== undefined) return `${path}:${line}`;
  }
  return undefined;
}

/**
 * The parts of one change. A change to a declared resource includes every other declared one, so that cluster.fw is written
 * once, whole; later changes find their work done. A change to anything else (a rollback, an orphan) is its own part alone.
 */
export function partsOf(site: Site, change: Change): readonly Part[] {
  const own: Part = {
    id: subjectOf(change).id,
    text: change.verb === "delete" ? undefined : change.desired.text,
    before: change.verb === "create" ? undefined : change.live.text,
  };
  const declared = compile(site);
  if (change.verb === "delete" || declared.find(({ id }) => id === own.id)?.text !== own.text) return [own];
  return [
    own,
    ...declared.filter(({ id }) => id !== own.id).map(({ id, text }) => ({ id, text, before: undefined })),
  ];
}

/** Whether a change rolls back: it deletes what is declared, or writes what is not. Changes of a plan never do either. */
export function isRollback(site: Site, change: Change): boolean {
  const declared = compile(site).find(({ id }) => id === subjectOf(change).id);
  return change.verb === "delete" ? declared !== undefined : declared?.text !== change.desired.text;
}

/** The parts of several changes at once, each once. */
export function partsOfAll(site: Site, changes: readonly Change[]): readonly Part[] {
  return stepsOf(site, changes).flat();
}

/** The parts that each write has: the first declared change includes all others that are declared. */
export function stepsOf(site: Site, changes: readonly Change[]): readonly (readonly Part[])[] {
  const declared = new Map(compile(site).map(({ id, text }) => [id, text]));
  const isDeclared = (change: Change): boolean =>
    change.verb !== "delete" && declared.get(change.desired.id) === change.desired.text;
  const first = changes.find(isDeclared);
  const others = changes.filter((change) => !isDeclared(change));
  return [
    ...(first === undefined ? [] : [partsOf(site, first)]),
    ...others.map((change) => partsOf(site, change)),
  ];
}

/** The files with the desired state of some resources. Files without a line are missing. */
export function withParts(site: Site, files: FirewallFiles, parts: readonly Part[]): FirewallFiles {
  const result = new Map(files);
  const edit = (path: string, change: (file: FirewallFile) => FirewallFile): void => {
    const file = result.get(path) ?? emptyFile;
    const next = change(file);
    if (next !== file && isEmpty(next)) result.delete(path);
    else if (next !== file) result.set(path, next);
  };
  // All groups at once: one by one, each would go through all of them again. First, because a group's rules have directions.
  const groups = new Map<string, GroupContent | undefined>();
  for (const { id, text } of parts) {
    const group = groupOf(id);
    if (group !== undefined) groups.set(`phx-${group}`, groupContent(site, group, text));
  }
  if (groups.size > 0) edit(paths.cluster, (file) => withGroups(file, groups));
  const known = groupsOf(result.get(paths.cluster) ?? emptyFile);
  for (const part of parts) {
    const path = groupOf(part.id) === undefined ? pathOf(part.id) : undefined;
    if (path !== undefined) edit(path, (file) => withPart(site, file, part, known));
  }
  return result;
}

function groupOf(id: Resource["id"]): string | undefined {
  return /^firewall\/group-(.*)$/.exec(id)?.[1];
}

function groupContent(site: Site, group: string, text: string | undefined): GroupContent | undefined {
  if (text === undefined) return undefined;
  // "vm-1002" is the host vm/1002.
  const guest = guestOf(site, group.replace("-", "/") as HostName);
  return { comment: groupComment(guest?.name), rules: rulesIn(text) };
}

/** The file that a resource is in; undefined for the daemon. */
export function pathOf(id: Resource["id"]): string | undefined {
  if (isService(id)) return undefined;
  const guest = /^firewall\/guest-\w+-(\d+)$/.exec(id)?.[1];
  return guest === undefined ? paths.cluster : guestPath(guest);
}

function withPart(site: Site, file: FirewallFile, { id, text, before }: Part, groups: Groups): FirewallFile {
  if (id === "firewall/options") return withOptions(file, clusterOptions, stateOptions(text));
  if (id === "firewall/rules") {
    const earlier = new Set(rulesIn(before).map(printBare));
    const isDeclared = isOursIn(site);
    return withRules(file, (rule) => isDeclared(rule) || earlier.has(printBare(rule)), rulesIn(text), groups);
  }
  return withGuest(file, text, groups);
}

function withGuest(file: FirewallFile, text: string | undefined, groups: Groups): FirewallFile {
  const state = text === undefined ? undefined : guestState(text);
  if (state === undefined && usedGroup(file) === undefined) return file;
  const rules: readonly FwRule[] =
    state?.group === undefined
      ? []
      : [{ enabled: true, type: "GROUP", action: state.group, comment: "phoenix: rules are in the group" }];
  return withRules(withOptions(file, guestOptions, state?.options ?? new Map()), isOurGroup, rules, groups);
}

function withOptions(
  file: FirewallFile,
  keys: readonly string[],
  values: ReadonlyMap<string, string>,
): FirewallFile {
  return keys.reduce((result, key) => withOption(result, key, values.get(key)), file);
}

function stateOptions(text: string | undefined): ReadonlyMap<string, string> {
  return (text === undefined ? undefined : guestState(text)?.options) ?? new Map();
}

function rulesIn(text: string | undefined): readonly FwRule[] {
  return (text ?? "").split("\n").flatMap((line) => {
    const found = line === "" ? undefined : parseRule(line);
    return found !== undefined && "rule" in found ? [found.rule] : [];
  });
}

/** The writes that turn `before` into `after`: cluster.fw first, because guests' files name its groups. */
export function fileChanges(
  before: FirewallFiles,
  after: FirewallFiles,
): { readonly writes: readonly FileWrite[]; readonly removes: readonly string[] } {
  const all = [...new Set([paths.cluster, ...before.keys(), ...after.keys()])];
  const writes = all.flatMap((path) => {
    const [was, is] = [before.get(path), after.get(path)];
    if (is === undefined) return [];
    const text = printFirewall(is);
    return was !== undefined && printFirewall(was) === text ? [] : [{ path, text }];
  });
  return { writes, removes: all.filter((path) => before.has(path) && !after.has(path)) };
}
