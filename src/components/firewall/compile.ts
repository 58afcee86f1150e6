/** The desired firewall: options, the hypervisor's rules, one group for each guest, and the files that use the groups. */

import { defined } from "../../defined.ts";
import { isMarked, marked, withoutMark } from "../../fabric/cluster-firewall.ts";
import { declared } from "../../fabric/declared.ts";
import {
  filteredGuests,
  firewallOf,
  guestOfGroup,
  guestPolicy,
  type SiteRule,
} from "../../fabric/firewall.ts";
import { memo } from "../../fabric/memo.ts";
import { idOn, nodesOf, type SiteNode } from "../../fabric/nodes.ts";
import { isBehindRule } from "../../formats/pve-firewall/edit.ts";
import {
  emptyFile,
  type FirewallFile,
  groupsOf,
  optionOf,
  rulesOf,
} from "../../formats/pve-firewall/index.ts";
import { readFile } from "../../formats/pve-firewall/reading.ts";
import { type FilePlace, type FwRule, printBare, printRule } from "../../formats/pve-firewall/rule.ts";
import { catchAll } from "../../formats/pve-firewall/shadow.ts";
import type { Site } from "../../model.ts";
import { canonicalJson, type Resource, type ResourceId, type SourceRef } from "../../resource.ts";
import { countWords } from "../resources.ts";

export const paths = {
  directory: "/etc/pve/firewall",
  cluster: "/etc/pve/firewall/cluster.fw",
  /** The own file of the node that is "pve": read because its rules come before ours, never written. */
  host: "/etc/pve/local/host.fw",
  /** Exists while pmxcfs is mounted; says whether the cluster has a quorum. */
  members: "/etc/pve/.members",
} as const;

/** Files by path; those that do not exist are missing. */
export type FirewallFiles = ReadonlyMap<string, FirewallFile>;

/** A node's own file, which every node can read. */
export function hostPath({ host, name }: Pick<SiteNode, "host" | "name">): string {
  return host === "pve" ? paths.host : `/etc/pve/nodes/${name}/host.fw`;
}

/** The options of cluster.fw that are ours. */
export const clusterOptions = ["enable", "policy_in", "policy_out"] as const;

/** The options of a guest's file that are ours. */
export const guestOptions = ["enable", "policy_in"] as const;

/** What a guest's resource says when its firewall is declared to be off. */
const off = "not filtered by phoenix\n";

export const compile = memo((site: Site): readonly Resource[] => {
  const { host, guests } = firewallOf(site);
  const { enabled, inputPolicy, outputPolicy, from } = declared(site, "firewall");
  const options = { enable: enabled ? "1" : "0", policy_in: inputPolicy, policy_out: outputPolicy };
  return [
    ...guests.map(({ guest, rules }) =>
      rulesResource(
        groupId(`${guest.kind}-${guest.id}`),
        rules.map(({ rule }) => rule),
        fromOf(rules),
      ),
    ),
    ...(host.length === 0 ? [] : [rulesResource("firewall/rules", host.map(marked), fromOf(host))]),
    optionsResource(options, Object.fromEntries(clusterOptions.map((key) => [key, from]))),
    ...guests.map(({ guest, group }) =>
      guestResource(
        `${guest.kind}-${guest.id}`,
        guestText({ enable: "1", policy_in: guestPolicy.in }, group),
        guest.from,
      ),
    ),
    ...site.guests
      .filter(({ template, firewall }) => !template && firewall?.enabled === false)
      .map(({ kind, id, from: at }) => guestResource(`${kind}-${id}`, off, at)),
    ...(enabled ? nodesOf(site).map((node) => serviceResource(node, { active: true, enabled: true })) : []),
  ];
});

/** Everything of ours in the installed files. */
export function liveResources(site: Site, files: FirewallFiles): readonly Resource[] {
  const cluster = files.get(paths.cluster);
  const live: Resource[] = [];
  if (cluster !== undefined) {
    for (const [name, rules] of groupsOf(cluster)) {
      const guest = guestOfGroup(name);
      if (guest !== undefined) live.push(rulesResource(groupId(guest), rules));
    }
    const isOurs = isOursIn(site);
    const ours = rulesOf(cluster).filter(isOurs);
    if (ours.length > 0) live.push(inPlace(rulesResource("firewall/rules", ours), cluster, isOurs));
    live.push(optionsResource(optionsIn(cluster, clusterOptions)));
  }
  return [...live, ...liveGuests(site, files)];
}

function liveGuests(site: Site, files: FirewallFiles): readonly Resource[] {
  const cluster = files.get(paths.cluster);
  const filtered = new Set(filteredGuests(site).map(({ id }) => id));
  const declared = site.guests.filter(({ template, firewall }) => !template && firewall !== undefined);
  const known = declared.flatMap(({ kind, id }): readonly Resource[] => {
    const file = files.get(guestPath(id));
    const name = `${kind}-${id}`;
    if (!filtered.has(id)) {
      const uses = file !== undefined && usedGroup(file) !== undefined;
      return [guestResource(name, uses ? stateOf(file, cluster) : off)];
    }
    return file === undefined ? [] : [guestResource(name, stateOf(file, cluster))];
  });
  const ids = new Set(declared.map(({ id }) => guestPath(id)));
  const orphans = [...files].flatMap(([path, file]): readonly Resource[] => {
    const group = path === paths.cluster || ids.has(path) ? undefined : usedGroup(file);
    const name = group === undefined ? undefined : guestOfGroup(group);
    return name === undefined ? [] : [guestResource(name, stateOf(file, cluster))];
  });
  return [...known, ...orphans];
}

export function guestPath(id: number | string): string {
  return `${paths.directory}/${id}.fw`;
}

export function groupId(guest: string): ResourceId {
  return `firewall/group-${guest}`;
}

/** Tells rules of ours in [RULES]: marked, or saying what a declared rule says (Proxmox's editor may drop a comment). */
export function isOursIn(site: Site): (rule: FwRule) => boolean {
  const declared = new Set(firewallOf(site).host.map(({ rule }) => printBare(rule)));
  return (rule) => isMarked(rule) || declared.has(printBare(rule));
}

/** The group of ours that a guest's file uses. */
export function usedGroup(file: FirewallFile): string | undefined {
  return rulesOf(file).find(isOurGroup)?.action;
}

/** Whether a rule of a guest's file uses a group of ours. */
export function isOurGroup({ type, action }: FwRule): boolean {
  return type === "GROUP" && guestOfGroup(action) !== undefined;
}

/** What a guest's file says of what is ours. A group behind a foreign rule that lets nothing through has no effect. */
function stateOf(file: FirewallFile, cluster: FirewallFile | undefined): string {
  const where = whereIfBehind(file, "guest", isOurGroup, cluster);
  const text = guestText(optionsIn(file, guestOptions), usedGroup(file));
  return where === undefined ? text : `# ${where}\n${text}`;
}

/** Rules behind a foreign one that lets nothing through are not as they are declared: they have no effect. */
function inPlace(resource: Resource, cluster: FirewallFile, isOurs: (rule: FwRule) => boolean): Resource {
  const where = whereIfBehind(cluster, "cluster", isOurs, cluster);
  if (where === undefined) return resource;
  return { ...resource, text: `# ${where}\n${resource.text}`, units: { place: where, ...resource.units } };
}

function whereIfBehind(
  file: FirewallFile,
  place: FilePlace,
  isOurs: (rule: FwRule) => boolean,
  cluster: FirewallFile = emptyFile,
): string | undefined {
  const rules = rulesOf(file);
  const end = catchAll(rules, isOurs, rules.filter(isOurs), groupsOf(cluster));
  if (end === undefined || !isBehindRule(file, end, isOurs)) return undefined;
  return `behind line ${readFile(file, place, cluster).lines.get(end)}, "${printBare(end)}", without effect`;
}

function optionsIn(file: FirewallFile, keys: readonly string[]): Readonly<Record<string, string>> {
  const values = keys.map((key) => ({ key, value: optionOf(file, key) }));
  return Object.fromEntries(values.flatMap(({ key, value }) => (value === undefined ? [] : [[key, value]])));
}

function guestText(options: Readonly<Record<string, string>>, group: string | undefined): string {
  const lines = Object.entries(options).map(([key, value]) => `${key}: ${value}\n`);
  return [...lines, ...(group === undefined ? [] : [`GROUP ${group}\n`])].join("");
}

/** The options and the group that a guest's resource names; undefined when its firewall is declared to be off. */
export function guestState(
  text: string,
): { options: ReadonlyMap<string, string>; group: string | undefined } | undefined {
  if (text === off) return undefined;
  const options = new Map(
    [...text.matchAll(/^(\w+): (.*)$/gm)].map(([, key = "", value = ""]) => [key, value]),
  );
  return { options, group: /^GROUP (\S+)$/m.exec(text)?.[1] };
}

function rulesResource(
  id: ResourceId,
  rules: readonly FwRule[],
  from: Readonly<Record<string, SourceRef>> = {},
): Resource {
  const units = Object.fromEntries(rules.map((rule) => [printBare(rule), withoutMark(rule.comment ?? "")]));
  const text = rules.map((rule) => `${printRule(rule)}\n`).join("");
  return { id, host: "pve", text, units, summary: countWords(rules.length, "rule"), from };
}

function fromOf(rules: readonly SiteRule[]): Readonly<Record<string, SourceRef>> {
  return Object.fromEntries(rules.map(({ rule, from }) => [printBare(rule), from]));
}

function optionsResource(
  options: Readonly<Record<string, string>>,
  from: Readonly<Record<string, SourceRef>> = {},
): Resource {
  return { id: "firewall/options", host: "pve", text: guestText(options, undefined), units: options, from };
}

function guestResource(guest: string, text: string, from?: SourceRef): Resource {
  const state = guestState(text);
  const place = /^# (.*)$/m.exec(text)?.[1];
  const units: Readonly<Record<string, string>> =
    state === undefined
      ? { filtered: "no" }
      : { ...Object.fromEntries(state.options), ...defined({ group: state.group, place }) };
  const places = from === undefined ? {} : Object.fromEntries(Object.keys(units).map((unit) => [unit, from]));
  return { id: `firewall/guest-${guest}`, host: "pve", text, units, from: places };
}

/** The daemon of a node: every node filters by itself. */
export function serviceResource(node: SiteNode, state: { active: boolean; enabled: boolean }): Resource {
  const units = { running: state.active ? "yes" : "no", "starts at boot": state.enabled ? "yes" : "no" };
  return { id: serviceId(node), host: node.host, text: canonicalJson(state), units };
}

export function serviceId(node: Pick<SiteNode, "host">): ResourceId {
  return idOn(node, "firewall/service");
}

/** Whether a resource is a node's daemon; all others are in files that the nodes share. */
export function isService(id: ResourceId): boolean {
  return id === "firewall/service" || id.startsWith("firewall/service@");
}
