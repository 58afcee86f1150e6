/**
 * The firewall against the fabric: paths that the declared rules would drop, and rules without effect. Derived openings count
 * as declared.
 */

import { addressRange, overlaps } from "../formats/ipv4/index.ts";
import { fileLimit } from "../formats/pve-firewall/check.ts";
import { firstMatch } from "../formats/pve-firewall/decide.ts";
import { printedSize } from "../formats/pve-firewall/index.ts";
import { printBare } from "../formats/pve-firewall/rule.ts";
import { coveredBy } from "../formats/pve-firewall/rule-index.ts";
import { declaredRuleFaults } from "../formats/pve-firewall/strictness.ts";
import type { FirewallRule, Guest, Site } from "../model.ts";
import { type Problem, problemOf } from "../problem.ts";
import type { HostName } from "../resource.ts";
import { declaredCluster } from "./cluster-firewall.ts";
import { hostFirewall } from "./declared.ts";
import { fwRuleOf } from "./declared-rule.ts";
import {
  declaredRule,
  firewallOf,
  ownersRule,
  type PathVerdict,
  type SiteFirewall,
  type SiteRule,
  verdictOn,
} from "./firewall.ts";
import { describeHost, guestOf } from "./guests.ts";
import { endOf, type FirewallPath, requiredPaths, senderName, senderOf } from "./paths.ts";

/** Every problem of the site's firewall that its layers show together. */
export function droppedPaths(site: Site): readonly Problem[] {
  const firewall = firewallOf(site);
  const refusals = lists(site).map((list) => ({
    list,
    problems: list.rules.flatMap((rule) => refused(rule, list)),
  }));
  // What a machine lets through is not known while one of its rules is refused.
  const unknown = new Set<HostName>(
    refusals.filter(({ problems }) => problems.length > 0).map(({ list }) => list.guest?.host ?? "pve"),
  );
  return [
    ...tooLarge(site),
    ...requiredPaths(site)
      .filter(({ to }) => to === "outside" || !unknown.has(to))
      .flatMap((path) => droppedPath(site, firewall, path)),
    ...refusals.flatMap(({ list, problems }) => [
      ...problems,
      ...shadowed(list.rules.map(declaredRule)),
      ...idle(site, list),
    ]),
  ];
}

/** The rules of one machine. */
interface RuleList {
  readonly guest?: Guest;
  readonly rules: readonly FirewallRule[];
}

function lists(site: Site): readonly RuleList[] {
  return [
    { rules: hostFirewall(site).rules },
    ...site.guests.flatMap((guest) =>
      guest.template || guest.firewall === undefined ? [] : [{ guest, rules: guest.firewall.rules }],
    ),
  ];
}

/** PHX0524: cluster.fw would be larger than Proxmox's cluster file system takes; it would be cut off there. */
function tooLarge(site: Site): readonly Problem[] {
  const size = printedSize(declaredCluster(site));
  if (size <= fileLimit) return [];
  const { guests } = firewallOf(site);
  const rules = guests.reduce((sum, each) => sum + each.rules.length, 0);
  const mebibytes = (size / 1024 / 1024).toFixed(2);
  return [
    problemOf(
      "PHX0524",
      hostFirewall(site).from,
      `cluster.fw would be ${mebibytes} MiB large (${size} bytes), and Proxmox's cluster file system takes 1 MiB (${fileLimit} bytes)`,
      {
        hint: `${guests.length} filtered guests have ${rules} rules in it: filter fewer guests, or have fewer and shorter rules (comments count)`,
      },
    ),
  ];
}

/** PHX0520: a connection that the fabric needs would be dropped. */
function droppedPath(site: Site, firewall: SiteFirewall, path: FirewallPath): readonly Problem[] {
  const verdict = verdictOn(site, firewall, path);
  if (verdict.action === "ACCEPT") return [];
  const limit = verdict.rule === undefined ? ownersRule(declaredFor(site, path.to), path) : undefined;
  const at = limit?.from ?? verdict.from;
  return [
    problemOf(
      "PHX0520",
      at,
      `${senderName(site, path.from)} could not reach ${endOf(path)}: ${reason(site, path, verdict, limit)} (needed because ${path.why})`,
      { related: path.at === at ? [] : [path.at], hint: hintFor(site, path, verdict) },
    ),
  ];
}

function hintFor(site: Site, path: FirewallPath, { rule }: PathVerdict): string {
  const from = senderName(site, path.from);
  const service = `${path.protocol} ${path.port}`;
  if (rule !== undefined) return `put a rule before it that accepts ${service} from ${from}, or narrow it`;
  return path.from !== "anywhere" && senderOf(site, path.from) === undefined
    ? `declare the address of ${from}, or accept ${service} from ${site.hypervisor.network}`
    : `accept ${service} from ${from}`;
}

/** What is declared for a machine, without any opening. */
function declaredFor(site: Site, host: FirewallPath["to"]): readonly SiteRule[] {
  if (host === "outside") return [];
  const rules = host === "pve" ? hostFirewall(site).rules : (guestOf(site, host)?.firewall?.rules ?? []);
  return rules.map(declaredRule);
}

function reason(
  site: Site,
  path: FirewallPath,
  { rule, end, action }: PathVerdict,
  limit: SiteRule | undefined,
): string {
  const host = end === "sender" ? path.from : path.to;
  const machine = senderName(site, host as FirewallPath["from"]);
  if (limit !== undefined)
    return `"${printBare(limit.rule)}" is about that port of ${machine}, and Phoenix opens none wider than its own rules`;
  return rule === undefined
    ? `the policy of ${machine} is ${action}`
    : `${machine} has "${printBare(rule)}" before anything accepts it`;
}

/** PHX0523: a rule that one of Proxmox's parsers would not take. Only the hypervisor knows its sets, aliases and ports. */
function refused(rule: FirewallRule, { guest }: RuleList): readonly Problem[] {
  const place = guest === undefined ? "cluster" : "group";
  return declaredRuleFaults(fwRuleOf(rule), place).map(({ parameter, message }) =>
    problemOf("PHX0523", rule.from, `Proxmox would not take this rule: ${parameter}: ${message}`, {
      hint:
        place === "group" && rule.interface !== undefined
          ? "leave the interface out: a guest's rules are kept in a security group, which has none"
          : "correct it: one of Proxmox's parsers would leave it out, the other refuse the whole file",
    }),
  );
}

/** PHX0521: an earlier rule decides about everything that this one is about. */
function shadowed(rules: readonly SiteRule[]): readonly Problem[] {
  const covered = coveredBy(rules.map(({ rule }) => rule));
  if (covered.size === 0) return [];
  const byRule = new Map(rules.map((each) => [each.rule, each]));
  return [...covered].flatMap(([rule, by]): readonly Problem[] => {
    const [later, earlier] = [byRule.get(rule), byRule.get(by)];
    if (later === undefined || earlier === undefined) return [];
    const same = earlier.rule.action === later.rule.action;
    return [
      problemOf(
        "PHX0521",
        later.from,
        `"${printBare(later.rule)}" never decides anything: "${printBare(earlier.rule)}" comes first`,
        {
          related: [earlier.from],
          hint: same ? "delete it" : "put it before the other one, or delete it",
        },
      ),
    ];
  });
}

/** Whether an address of the site's network may be that of a machine that the site does not declare. */
function isOfNoGuest({ hypervisor, guests }: Site, address: string): boolean {
  return isAbout(hypervisor.network, address) && !guests.some((guest) => guest.address === address);
}

/** PHX0522: a declared rule that opens nothing. */
function idle(site: Site, { guest, rules }: RuleList): readonly Problem[] {
  const address = guest === undefined ? site.hypervisor.address : guest.address;
  const off = guest !== undefined && guest.firewall?.enabled === false;
  const warn = (rule: FirewallRule, message: string, hint: string): Problem =>
    problemOf("PHX0522", rule.from, message, { hint });
  const [first] = rules;
  if (off && first !== undefined) {
    const count = rules.length === 1 ? "a rule" : `${rules.length} rules`;
    return [
      warn(
        first,
        `${describeHost(site, guest.host)} declares ${count}, and its firewall is off`,
        'set "enabled": true in its firewall, or delete the rules',
      ),
    ];
  }
  return rules.flatMap((rule): readonly Problem[] => {
    const own = rule.direction === "in" ? rule.destination : rule.source;
    if (own === undefined || address === undefined || isAbout(own, address)) return [];
    if (rule.direction === "in" ? isShared(own, site.hypervisor.network) : own.includes(":")) return [];
    const end = rule.direction === "in" ? "destination" : "source";
    const unless =
      guest === undefined && isOfNoGuest(site, own) ? ` unless another node of a cluster has ${own}` : "";
    return [
      warn(
        rule,
        `"${printBare(declaredRule(rule).rule)}" opens nothing${unless}: its ${end} is not ${address}, the address of the machine it is declared for`,
        `leave the ${end} out, or name ${address}`,
      ),
    ];
  });
}

/** Whether addresses in a rule hold one address; a set or alias may. */
function isAbout(addresses: string, address: string): boolean {
  if (/^\+|^(?:(?:dc|guest)\/)?[a-z][\w-]*$/i.test(addresses)) return true;
  const probe = { enabled: true, type: "IN", action: "ACCEPT", dest: addresses } as const;
  return firstMatch([probe], { direction: "IN", dest: address, protocol: "tcp", port: 1 }) !== undefined;
}

/** IPv4's multicast groups (RFC 5771), and the broadcast address of every link. */
const multicast = ["224.0.0.0/4", "255.255.255.255"].flatMap((text) => addressRange(text) ?? []);

/** Whether addresses may be a machine's besides its own: multicast, broadcast, and IPv6, which no site declares. */
function isShared(addresses: string, network: string): boolean {
  const own = addressRange(network);
  const many = own === undefined ? multicast : [...multicast, { first: own.last, last: own.last }];
  return addresses.split(",").some((part) => {
    const range = addressRange(part);
    return range === undefined ? part.includes(":") : many.some((other) => overlaps(other, range));
  });
}
