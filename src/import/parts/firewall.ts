/** The firewall's rules: those that Phoenix would not derive by itself are declared. Pure. */
import { defined } from "../../defined.ts";
import { declarationOf, marked } from "../../fabric/cluster-firewall.ts";
import { declaredRule, firewallOf, guestOfGroup, guestPolicy } from "../../fabric/firewall.ts";
import { optionOf } from "../../formats/pve-firewall/index.ts";
import { type FwRule, printRule } from "../../formats/pve-firewall/rule.ts";
import type { Site } from "../../model.ts";
import type { GuestName } from "../../resource.ts";
import { firstUnseen } from "../../unseen.ts";
import type { DraftPart } from "../draft.ts";
import type { FoundFirewall, FoundFirewallFile, FoundGuest, Left } from "../found.ts";
import { type DraftObject, type DraftValue, noted } from "../json.ts";
import type { Found } from "../read/index.ts";
import { firewallLeft, hasFirewall, isOn, whyNotDeclared } from "./firewall-left.ts";
import { resolvedRule } from "./firewall-names.ts";

/** Whether the firewall is on, and its policies: before it is known what the site derives. */
export function policiesPart({ firewall, guests }: Found): DraftPart {
  const { cluster } = firewall;
  if (cluster === undefined || !hasFirewall(firewall)) return {};
  const policy = (key: string, usual: string): string | undefined => {
    const value = optionOf(cluster.file, key);
    return value === undefined || value === usual ? undefined : value;
  };
  const config = defined({
    enabled: isOn(cluster),
    default_input_policy: policy("policy_in", "DROP"),
    default_output_policy: policy("policy_out", "ACCEPT"),
  });
  const declared = guests.flatMap((guest): readonly (readonly [GuestName, DraftValue])[] => {
    const file = firewall.guests.get(guest.id);
    if (guest.isTemplate || file === undefined) return [];
    if (whyNotDeclared(firewall, guest, file) !== undefined) return [];
    return [[guest.host, { firewall: noted({ enabled: isOn(file) }, { host: "pve", path: file.path }) }]];
  });
  return {
    config: { firewall: noted(config, { host: "pve", path: cluster.path }) },
    guests: new Map(declared),
  };
}

/** @param site what the draft declares without these rules; undefined when that is not a site */
export function firewallPart({ firewall, guests }: Found, site: Site | undefined): DraftPart {
  const left: Left[] = [...firewallLeft(firewall)];
  const derived = site === undefined ? undefined : firewallOf(site);
  const { cluster } = firewall;
  const own = new Set(derived?.host.map((one) => printRule(marked(one))));
  const hostRules =
    cluster === undefined ? [] : declaredRules(cluster, cluster.reading.rules, own, firewall, left);
  const parts = guests.flatMap((guest): readonly (readonly [GuestName, DraftObject])[] => {
    const file = firewall.guests.get(guest.id);
    if (file === undefined || guest.isTemplate) return [];
    const reason = whyNotDeclared(firewall, guest, file);
    if (reason !== undefined) {
      left.push(...rulesLeft(file, reason));
      return [];
    }
    const openings = derived?.guests.find(({ guest: { id } }) => id === guest.id)?.rules ?? [];
    const known = new Set(openings.map(({ rule }) => printRule(rule)));
    const rules = guestRules(guest, file, known, firewall, left);
    return rules.length === 0 ? [] : [[guest.host, { firewall: { rules } }]];
  });
  return {
    config: hostRules.length === 0 ? {} : { firewall: { global_firewall_rules: hostRules } },
    guests: new Map(parts),
    left,
  };
}

function rulesLeft({ path, reading }: FoundFirewallFile, reason: string): readonly Left[] {
  return reading.rules.map((rule) => ({
    source: { host: "pve", path, ...defined({ line: reading.lines.get(rule) }) },
    what: printRule(rule),
    reason,
  }));
}

/**
 * The openings in the order that they have on the host, where the site with its declared rules would have another one, or other
 * rules: a group of Phoenix's own says exactly what is in force.
 */
export function openingsPart({ firewall, guests }: Found, site: Site | undefined): DraftPart {
  if (site === undefined) return {};
  const compiled = new Map(firewallOf(site).guests.map((each) => [each.guest.host, each]));
  const parts = guests.flatMap((guest): readonly (readonly [GuestName, DraftObject])[] => {
    const file = firewall.guests.get(guest.id);
    const own = compiled.get(guest.host);
    const group = own === undefined ? undefined : firewall.cluster?.reading.groups.get(own.group);
    if (file === undefined || own === undefined || group === undefined) return [];
    const textOf = (rules: readonly FwRule[]): string => rules.map(printRule).join("\n");
    if (textOf(group) === textOf(own.rules.map(({ rule }) => rule))) return [];
    const declared = (own.guest.firewall?.rules ?? []).map((rule) => printRule(declaredRule(rule).rule));
    const known = new Set(declared);
    const rules = declaredRules(file, file.reading.rules, known, firewall, [], onlyNicOf(guest));
    return rules.length === 0 ? [] : [[guest.host, { firewall: { rules } }]];
  });
  return { guests: new Map(parts) };
}

function guestRules(
  guest: FoundGuest,
  file: FoundFirewallFile,
  known: ReadonlySet<string>,
  firewall: FoundFirewall,
  left: Left[],
): readonly DraftValue[] {
  const rules = declaredRules(file, file.reading.rules, known, firewall, left, onlyNicOf(guest));
  const policy = optionOf(file.file, "policy_in");
  if (policy === undefined || policy === guestPolicy.in || !isOn(file)) return rules;
  // Phoenix's guests drop what no rule matches: a last rule says the same as another policy.
  const source = { host: "pve", path: file.path } as const;
  return [...rules, noted({ type: "in", action: policy }, source, `policy_in of ${guest.name}`)];
}

function onlyNicOf({ nics: [nic, ...others] }: FoundGuest): string | undefined {
  return others.length === 0 ? nic?.key : undefined;
}

/** The rules of a section as the site declares them, groups resolved, without those that are derived. */
function declaredRules(
  file: FoundFirewallFile,
  rules: readonly FwRule[],
  derived: ReadonlySet<string>,
  firewall: FoundFirewall,
  left: Left[],
  onlyNic?: string,
): readonly DraftValue[] {
  return rules.flatMap((rule): readonly DraftValue[] => {
    const source = {
      host: "pve",
      path: file.path,
      ...defined({ line: file.reading.lines.get(rule) }),
    } as const;
    const tell = (reason: string): readonly DraftValue[] => {
      left.push({ source, what: printRule(rule), reason });
      return [];
    };
    if (rule.type !== "GROUP") {
      if (derived.has(printRule(rule))) return [];
      const faults = file.reading.judgements.get(rule)?.faults ?? [];
      const [fault] = faults;
      if (fault !== undefined) return tell(`Proxmox leaves the rule out: ${fault.message}`);
      const unseen = firstUnseen(rule.comment ?? "");
      if (unseen !== undefined) return tell(`its comment has the character ${unseen}, which cannot be seen`);
      const resolved = resolvedRule(rule, file, firewall.cluster);
      return "reason" in resolved
        ? tell(resolved.reason)
        : [noted(declarationOf(resolved.rule), source, resolved.note)];
    }
    const group = firewall.cluster?.reading.groups.get(rule.action.toLowerCase());
    if (group === undefined || firewall.cluster === undefined) return tell("the group is not defined");
    if (!rule.enabled) return tell("the reference to the group is switched off");
    const isOurs = guestOfGroup(rule.action) !== undefined;
    // An interface says nothing in a guest that has no other one.
    if (rule.iface !== undefined && rule.iface !== onlyNic && !isOurs)
      return tell("a group for one interface cannot be declared");
    return declaredRules(firewall.cluster, group, isOurs ? derived : new Set(), firewall, left);
  });
}
