/** Firewall rules, policies and switches that were changed by hand, as the site declares them. Pure. */
import { declarationOf } from "../fabric/cluster-firewall.ts";
import { declaredRule, firewallOf, type SiteRule } from "../fabric/firewall.ts";
import { type FwRule, parseRule, printBare } from "../formats/pve-firewall/rule.ts";
import type { FirewallRule, Guest, Site } from "../model.ts";
import { type Change, diffUnits, type Resource, type SourceRef } from "../resource.ts";
import type { JsonPath } from "../site/text/json-places.ts";
import { keyIn, type SiteDraft } from "./draft.ts";
import { derived, notAcceptable } from "./refusal.ts";

type Update = Extract<Change, { verb: "update" }>;

const keys = {
  enable: ["enabled"],
  policy_in: ["default_input_policy", "input_policy", "policy_in"],
  policy_out: ["default_output_policy", "output_policy", "policy_out"],
} as const;

/** The names that a rule's members may have, by the one that `declarationOf` writes. */
const ruleKeys: Readonly<Record<string, readonly [string, ...string[]]>> = {
  type: ["type", "direction"],
  proto: ["proto", "protocol"],
  port: ["port", "ports", "dport"],
  sport: ["sport", "source_port"],
  source: ["source", "src"],
  dest: ["dest", "destination", "dst"],
  iface: ["iface", "interface"],
  icmp_type: ["icmp_type", "icmp-type"],
  enabled: ["enabled", "enable"],
  comment: ["comment", "name"],
};

export function acceptFirewall(change: Update, site: Site, draft: SiteDraft): void {
  const { id } = change.desired;
  const guest = guestOf(site, id);
  if (id === "firewall/options") acceptOptions(change, site, draft);
  else if (id === "firewall/rules") acceptRules(change, hostList(site), draft);
  else if (guest === undefined) throw notAcceptable(id, "the site cannot say that the firewall is stopped");
  else if (id.startsWith("firewall/group-")) acceptRules(change, guestList(site, guest), draft);
  else acceptSwitch(change, guest, draft);
}

function hostList(site: Site): RuleList {
  const { rules = [], from } = site.firewall ?? {};
  return {
    derived: firewallOf(site).host,
    declared: rules,
    place: from,
    lists: ["global_firewall_rules", "rules"],
  };
}

function guestList(site: Site, guest: Guest): RuleList {
  const group = firewallOf(site).guests.find((each) => each.guest === guest);
  const { rules = [] } = guest.firewall ?? {};
  return { derived: group?.rules ?? [], declared: rules, place: guest.from, lists: ["rules"] };
}

/** Of "firewall/group-vm-1002" the guest vm/1002. */
function guestOf({ guests }: Site, id: string): Guest | undefined {
  const [, kind, number] = /^firewall\/(?:group|guest)-(lxc|vm)-(\d+)$/.exec(id) ?? [];
  return guests.find((guest) => guest.kind === kind && guest.id === Number(number));
}

function acceptOptions(change: Update, { firewall }: Site, draft: SiteDraft): void {
  const { id } = change.desired;
  const path = firewall && draft.pathTo(firewall.from);
  if (firewall === undefined || path === undefined) throw notAcceptable(id, "the site declares no firewall");
  const { file } = firewall.from;
  for (const unit of diffUnits(change)) {
    const names = Object.hasOwn(keys, unit.unit) ? keys[unit.unit as keyof typeof keys] : undefined;
    if (names === undefined || !("before" in unit))
      throw notAcceptable(id, `${unit.unit} is not set on the host`);
    const value = unit.unit === "enable" ? unit.before === "1" : unit.before;
    setMember(draft, file, path, keyIn(draft.node(file, path), names), value);
  }
}

/** A guest's firewall that was switched off. Other states of its file cannot be declared. */
function acceptSwitch(change: Update, guest: Guest, draft: SiteDraft): void {
  const { id } = change.desired;
  if (change.live.units.enable === "1")
    throw notAcceptable(id, "the site says only whether a guest's firewall is on");
  const path = firewallPath(guest.from, draft);
  if (path === undefined) throw notAcceptable(id, "the site does not declare its firewall");
  setMember(draft, guest.from.file, path, "enabled", false);
}

interface RuleList {
  /** The rules as the site has them now, in order. */
  readonly derived: readonly SiteRule[];
  /** Those of them that are written in the site. */
  readonly declared: readonly FirewallRule[];
  /** The guest, or the firewall of the hypervisor. */
  readonly place: SourceRef | undefined;
  readonly lists: readonly [string, ...string[]];
}

function acceptRules(change: Update, list: RuleList, draft: SiteDraft): void {
  const { id } = change.desired;
  const live = rulesOf(change.live);
  const kept = new Set(live.map(printBare));
  const known = new Map(list.derived.map((each) => [printBare(each.rule), each]));
  const gone = list.derived.filter(({ rule }) => !kept.has(printBare(rule)));
  const replaced = new Set<SiteRule>();
  const added: { rule: FwRule; at: number }[] = [];
  for (const [at, rule] of live.entries()) {
    const same = known.get(printBare(rule));
    if (same !== undefined) acceptComment(id, same, rule, list, draft);
    else {
      const old = successorOf(live[at - 1], list, gone);
      if (old === undefined || replaced.has(old)) added.push({ rule, at });
      else {
        replaced.add(old);
        rewrite(id, old, rule, list, draft);
      }
    }
  }
  for (const rule of gone) if (!replaced.has(rule)) removeRule(id, rule, list, draft);
  if (added.length > 0) addRules(id, added, live, list, draft);
}

function rulesOf({ text }: Resource): readonly FwRule[] {
  return text.split("\n").flatMap((line) => {
    const found = line === "" || line.startsWith("#") ? undefined : parseRule(line);
    return found !== undefined && "rule" in found ? [found.rule] : [];
  });
}

/** A declared rule that is gone from the place behind another one: what stands there now was it before. */
function successorOf(
  before: FwRule | undefined,
  list: RuleList,
  gone: readonly SiteRule[],
): SiteRule | undefined {
  const at =
    before === undefined ? -1 : list.derived.findIndex(({ rule }) => printBare(rule) === printBare(before));
  const next = before !== undefined && at < 0 ? undefined : list.derived[at + 1];
  return next !== undefined && gone.includes(next) && writtenOf(next, list) !== undefined ? next : undefined;
}

/** The declared rule that a rule of Proxmox's files comes from; undefined for one that Phoenix derives. */
function writtenOf({ rule, from }: SiteRule, { declared }: RuleList): FirewallRule | undefined {
  return declared.find(
    (each) => each.from === from && printBare(declaredRule(each).rule) === printBare(rule),
  );
}

function placeOf(
  id: string,
  rule: SiteRule,
  list: RuleList,
  draft: SiteDraft,
): { file: string; path: JsonPath } {
  const written = writtenOf(rule, list);
  const path = written && draft.pathTo(written.from);
  if (written === undefined || path === undefined) throw derived(id, `"${printBare(rule.rule)}"`, rule.from);
  return { file: written.from.file, path };
}

function removeRule(id: string, rule: SiteRule, list: RuleList, draft: SiteDraft): void {
  const { file, path } = placeOf(id, rule, list, draft);
  draft.edit(file, { kind: "remove", path });
}

/** Only the members that differ are written. */
function rewrite(id: string, old: SiteRule, rule: FwRule, list: RuleList, draft: SiteDraft): void {
  const { file, path } = placeOf(id, old, list, draft);
  const [was, is] = [declarationOf(old.rule), declarationOf(rule)];
  const node = draft.node(file, path);
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    if (was[key] === is[key]) continue;
    const name = keyIn(node, ruleKeys[key] ?? [key]);
    const value = is[key];
    if (value === undefined) draft.edit(file, { kind: "remove", path: [...path, name] });
    else setMember(draft, file, path, name, value);
  }
}

function acceptComment(id: string, same: SiteRule, rule: FwRule, list: RuleList, draft: SiteDraft): void {
  const [was, is] = [declarationOf(same.rule).comment, declarationOf(rule).comment];
  if (was !== is && writtenOf(same, list) !== undefined) rewrite(id, same, rule, list, draft);
}

/** Into the list of the guest or the hypervisor, each behind the last rule before it that is written there. */
function addRules(
  id: string,
  added: readonly { rule: FwRule; at: number }[],
  live: readonly FwRule[],
  list: RuleList,
  draft: SiteDraft,
): void {
  const { place } = list;
  const owner =
    place === undefined
      ? undefined
      : list.lists.length > 1
        ? draft.pathTo(place)
        : firewallPath(place, draft);
  if (place === undefined || owner === undefined)
    throw notAcceptable(id, "the site has no place for its rules");
  const { file } = place;
  const key = keyIn(draft.node(file, owner), list.lists);
  const path = [...owner, key];
  const values = added.map(({ rule }) => declarationOf(rule));
  if (draft.node(file, path)?.kind !== "array") {
    draft.edit(file, { kind: "add", path: owner, key, value: values });
    return;
  }
  const positions = new Map(
    list.declared.flatMap((rule): [string, number][] => {
      const at = draft.pathTo(rule.from);
      const isOwn = rule.from.file === file && JSON.stringify(at?.slice(0, -1)) === JSON.stringify(path);
      return at === undefined || !isOwn ? [] : [[printBare(declaredRule(rule).rule), Number(at.at(-1))]];
    }),
  );
  // Of several behind one rule the last comes first: each is put directly behind it.
  for (const { rule, at } of added.toReversed()) {
    const before = live.slice(0, at).map((each) => positions.get(printBare(each)));
    const after = before.findLast((position) => position !== undefined) ?? -1;
    draft.edit(file, { kind: "add", path, after, value: declarationOf(rule) });
  }
}

/** The firewall of a guest. */
function firewallPath(place: SourceRef, draft: SiteDraft): JsonPath | undefined {
  const at = draft.pathTo(place);
  // A guest's place may be that of its key, its bracket, or of its number.
  const paths = at === undefined ? [] : [at, at.slice(0, -1)].map((path) => [...path, "firewall"]);
  return paths.find((path) => draft.node(place.file, path)?.kind === "object");
}

function setMember(draft: SiteDraft, file: string, path: JsonPath, key: string, value: unknown): void {
  const node = draft.node(file, path);
  const isThere = node?.kind === "object" && node.members.has(key);
  draft.edit(
    file,
    isThere ? { kind: "set", path: [...path, key], value } : { kind: "add", path, key, value },
  );
}
