/** From resources to files: what a change does to the firewall's files. Several resources share cluster.fw. */
import { groupComment } from "../../fabric/cluster-firewall.ts";
import { guestOfGroup } from "../../fabric/firewall.ts";
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
  parseFirewall,
  printFirewall,
} from "../../formats/pve-firewall/index.ts";
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
  isOursIn,
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

/** Which of Proxmox's files is at a path. */
export function placeOf(path: string): FilePlace {
  if (path === paths.cluster) return "cluster";
  return path === paths.host ? "host" : "guest";
}

export function parsed(files: ReadonlyMap<string, FileState>): FirewallFiles {
  return new Map([...files].map(([path, { text }]) => [path, parseFirewall(text, placeOf(path))]));
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
  const declared = new Map(compile(site).map(({ id, text }) => [id, text]));
  const isDeclared = (change: Change): boolean =>
    change.verb !== "delete" && declared.get(change.desired.id) === change.desired.text;
  const first = changes.find(isDeclared);
  const others = changes.filter((change) => !isDeclared(change));
  return [
    ...(first === undefined ? [] : partsOf(site, first)),
    ...others.flatMap((change) => partsOf(site, change)),
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
  // All groups at once: one by one, each would go through all of them again.
  const groups = new Map<string, GroupContent | undefined>();
  for (const part of parts) {
    const path = pathOf(part.id);
    const group = /^firewall\/group-(.*)$/.exec(part.id)?.[1];
    if (group !== undefined) groups.set(`phx-${group}`, groupContent(site, group, part.text));
    else if (path !== undefined) edit(path, (file) => withPart(site, file, part));
  }
  if (groups.size > 0) edit(paths.cluster, (file) => withGroups(file, groups));
  return result;
}

function groupContent(site: Site, group: string, text: string | undefined): GroupContent | undefined {
  if (text === undefined) return undefined;
  // "vm-1002" is the host vm/1002.
  const guest = guestOf(site, group.replace("-", "/") as HostName);
  return { comment: groupComment(guest?.name), rules: rulesIn(text) };
}

/** The file that a resource is in; undefined for the daemon. */
export function pathOf(id: Resource["id"]): string | undefined {
  if (id === "firewall/service") return undefined;
  const guest = /^firewall\/guest-\w+-(\d+)$/.exec(id)?.[1];
  return guest === undefined ? paths.cluster : guestPath(guest);
}

function withPart(site: Site, file: FirewallFile, { id, text, before }: Part): FirewallFile {
  if (id === "firewall/options") return withOptions(file, clusterOptions, stateOptions(text));
  if (id === "firewall/rules") {
    const earlier = new Set(rulesIn(before).map(printBare));
    const isDeclared = isOursIn(site);
    return withRules(file, (rule) => isDeclared(rule) || earlier.has(printBare(rule)), rulesIn(text));
  }
  return withGuest(file, text);
}

function withGuest(file: FirewallFile, text: string | undefined): FirewallFile {
  const state = text === undefined ? undefined : guestState(text);
  if (state === undefined && usedGroup(file) === undefined) return file;
  const isOurs = ({ type, action }: FwRule): boolean =>
    type === "GROUP" && guestOfGroup(action) !== undefined;
  const rules: readonly FwRule[] =
    state?.group === undefined
      ? []
      : [{ enabled: true, type: "GROUP", action: state.group, comment: "phoenix: rules are in the group" }];
  return withRules(withOptions(file, guestOptions, state?.options ?? new Map()), isOurs, rules);
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
