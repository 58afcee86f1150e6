/**
 * The firewall that a site declares, in Proxmox's terms: the hypervisor's rules, one group of rules for each filtered
 * guest, and the openings that the fabric needs and no declared rule gives. Pure.
 */

import { defined } from "../defined.ts";
import { isWithin } from "../formats/ipv4/index.ts";
import type { Action, Verdict } from "../formats/pve-firewall/decide.ts";
import { concerns, type Packet } from "../formats/pve-firewall/match.ts";
import { commentText, type FwRule, printBare } from "../formats/pve-firewall/rule.ts";
import { firstMatchIn, indexRules } from "../formats/pve-firewall/rule-index.ts";
import type { FirewallRule, Guest, Site } from "../model.ts";
import type { SourceRef } from "../resource.ts";
import { hostFirewall } from "./declared.ts";
import { fwRuleOf } from "./declared-rule.ts";
import { memo } from "./memo.ts";
import { nodesOf } from "./nodes.ts";
import { type FirewallPath, requiredPaths, senderOf } from "./paths.ts";

/** A rule and where it comes from. */
export interface SiteRule {
  readonly rule: FwRule;
  /** The declared rule's place, or the place of what needs the opening. */
  readonly from: SourceRef;
  /** What needs it, for an opening that nobody declared. */
  readonly path?: FirewallPath;
}

export interface GuestRules {
  readonly guest: Guest;
  /** The security group's name: "phx-vm-1002", at most 18 characters. */
  readonly group: string;
  readonly rules: readonly SiteRule[];
}

export interface SiteFirewall {
  /** The hypervisor's own rules. */
  readonly host: readonly SiteRule[];
  /** Guests whose firewall is enabled. */
  readonly guests: readonly GuestRules[];
}

/** The policies of a guest: Proxmox's own defaults, written out. */
export const guestPolicy = { in: "DROP", out: "ACCEPT" } as const satisfies Record<string, Action>;

/** The name of a guest's group. Every group with such a name is ours. */
function groupName({ kind, id }: Pick<Guest, "kind" | "id">): string {
  return `phx-${kind}-${id}`;
}

/** The guest that a group of ours belongs to: "vm-1002"; undefined for a foreign group. */
export function guestOfGroup(name: string): string | undefined {
  return /^phx-((?:lxc|vm)-\d+)$/.exec(name)?.[1];
}

/** Guests that are filtered: declared so, and able to run. */
export function filteredGuests({ guests }: Site): readonly Guest[] {
  return guests.filter(({ template, firewall }) => !template && firewall?.enabled === true);
}

/** The declared rules without repetitions, and behind them the openings that they do not give. */
export const firewallOf = memo((site: Site): SiteFirewall => {
  const paths = requiredPaths(site);
  const { rules, inputPolicy, outputPolicy } = hostFirewall(site);
  const declared = rules.map(declaredRule);
  const outgoing = paths.filter(({ from }) => from === "pve");
  const to = new Map<string, FirewallPath[]>();
  for (const path of paths) {
    const known = to.get(path.to);
    if (known === undefined) to.set(path.to, [path]);
    else known.push(path);
  }
  return {
    host: unique([
      ...declared,
      ...openings(site, to.get("pve") ?? [], "IN", declared, inputPolicy),
      ...openings(site, outgoing, "OUT", declared, outputPolicy),
    ]),
    guests: filteredGuests(site).map((guest) => {
      const own = (guest.firewall?.rules ?? []).map(declaredRule);
      const needed = to.get(guest.host) ?? [];
      return {
        guest,
        group: groupName(guest),
        rules: unique([...own, ...openings(site, needed, "IN", own, guestPolicy.in)]),
      };
    }),
  };
});

/** A declared rule and its place. */
export function declaredRule(declared: FirewallRule): SiteRule {
  return { rule: fwRuleOf(declared), from: declared.from };
}

/**
 * Accepts for paths that no declared rule decides and the policy would not let through. A port that the owner's rules
 * are about is opened only to the single machines of the fabric that need it.
 */
function openings(
  site: Site,
  paths: readonly FirewallPath[],
  type: "IN" | "OUT",
  declared: readonly SiteRule[],
  policy: Action,
): readonly SiteRule[] {
  if (policy === "ACCEPT") return [];
  const rules = indexRules(declared.map(({ rule }) => rule));
  return paths.flatMap((path): readonly SiteRule[] => {
    if (firstMatchIn(rules, packetOf(site, path, type)) !== undefined) return [];
    if (type === "IN" && ownersRule(declared, path) !== undefined) return [];
    const source = path.from === "pve" ? anyNode(site) : senderOf(site, path.from);
    // A rule without a source would let everybody in.
    if (source === undefined && path.from !== "anywhere") return [];
    const rule: FwRule = defined({
      enabled: true,
      type,
      action: "ACCEPT",
      ...(type === "IN" ? { source } : { dest: path.address }),
      proto: path.protocol,
      dport: path.port === 0 ? undefined : String(path.port),
      comment: commentText(path.why),
    });
    return [{ rule, from: path.at, path }];
  });
}

/** What the hypervisor asks of guests another node asks as well, when a command enters by it. */
function anyNode(site: Site): string {
  const { address: own, network } = site.hypervisor;
  const others = nodesOf(site).map(({ address }) => address);
  return [own, ...others.filter((address) => address !== own && isWithin(network, address))].join(",");
}

/**
 * The owner's rule that an opening to the network would widen: any that is about a guest's port. On the hypervisor, which
 * every guest needs, only a rule that accepts counts. The gateway's two ports are open to clients because the site routes
 * names through it; its rules that drop still come first.
 */
export function ownersRule(declared: readonly SiteRule[], path: FirewallPath): SiteRule | undefined {
  if (path.from !== "network") return undefined;
  return declared.find(
    ({ rule }) =>
      rule.type === "IN" && (path.to !== "pve" || rule.action === "ACCEPT") && concerns(rule, path),
  );
}

/** The first packet of a path as one end's rules see it. */
export function packetOf(site: Site, path: FirewallPath, direction: "IN" | "OUT"): Packet {
  // A guest without a fixed address may have any of the network.
  const source =
    senderOf(site, path.from) ?? (path.from === "anywhere" ? undefined : site.hypervisor.network);
  const onHost = direction === "IN" ? path.to === "pve" : path.from === "pve";
  const { address: dest, protocol } = path;
  const port = path.port === 0 ? undefined : path.port;
  const iface = onHost ? site.hypervisor.bridge : undefined;
  return defined({ direction, source, dest, protocol, port, iface });
}

export interface PathVerdict extends Verdict {
  /** The end whose rules decided. */
  readonly end: "sender" | "receiver";
  /** The place of the rule, or of the policy. */
  readonly from: SourceRef;
}

/** What the declared firewall, openings included, does with a path: the end that keeps it out, or the receiver's accept. */
export function verdictOn(site: Site, firewall: SiteFirewall, path: FirewallPath): PathVerdict {
  const sender = endVerdict(site, firewall, path, "OUT");
  if (sender.action !== "ACCEPT") return { ...sender, end: "sender" };
  return { ...endVerdict(site, firewall, path, "IN"), end: "receiver" };
}

function endVerdict(
  site: Site,
  firewall: SiteFirewall,
  path: FirewallPath,
  direction: "IN" | "OUT",
): Omit<PathVerdict, "end"> {
  const host = direction === "IN" ? path.to : path.from;
  const { enabled, inputPolicy, outputPolicy, from } = hostFirewall(site);
  const accepted = { action: "ACCEPT", from } as const;
  if (!enabled) return accepted;
  const guest = guestRules(firewall).get(host);
  const rules = host === "pve" ? firewall.host : guest?.rules;
  if (rules === undefined) return accepted;
  const policies = host === "pve" ? { in: inputPolicy, out: outputPolicy } : guestPolicy;
  const policy = direction === "IN" ? policies.in : policies.out;
  const { index, places } = lookupOf(rules);
  const verdict = firstMatchIn(index, packetOf(site, path, direction)) ?? { action: policy };
  const at = verdict.rule === undefined ? undefined : places.get(verdict.rule);
  return { ...verdict, from: at ?? guest?.guest.from ?? from };
}

/** The rules of each filtered guest, by its host. */
export const guestRules = memo(
  ({ guests }: SiteFirewall) => new Map<string, GuestRules>(guests.map((each) => [each.guest.host, each])),
);

/** Rules ready for many packets. */
const lookupOf = memo((rules: readonly SiteRule[]) => ({
  index: indexRules(rules.map(({ rule }) => rule)),
  places: new Map(rules.map(({ rule, from }) => [rule, from])),
}));

/** Of equal rules the first stays. */
function unique(rules: readonly SiteRule[]): readonly SiteRule[] {
  const seen = new Set<string>();
  return rules.filter(({ rule }) => {
    const key = printBare(rule);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
