/** Which rule of a list decides about a new connection. Pure. */
import { matchesInterface, matchesPacket, type Packet } from "./match.ts";
import { groupNames, type Names, noNames } from "./names.ts";
import type { FwRule } from "./rule.ts";

export type Action = "ACCEPT" | "DROP" | "REJECT";

export interface Verdict {
  readonly action: Action;
  /** The rule that decided; absent when the policy did. */
  readonly rule?: FwRule;
  /** The IP set that decided before any rule. */
  readonly set?: "blacklist" | "ipfilter-net0";
}

/**
 * The first rule that matches; undefined when none does. A rule that may match counts where it keeps the packet out: a DROP
 * does, an ACCEPT does not.
 */
export function firstMatch(
  rules: readonly FwRule[],
  packet: Packet,
  names: Names = noNames,
): Verdict | undefined {
  for (const rule of rules) {
    if (!rule.enabled) continue;
    const found = rule.type === "GROUP" ? groupMatch(rule, packet, names) : ruleMatch(rule, packet, names);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Groups have no groups in them. */
function groupMatch(group: FwRule, packet: Packet, names: Names): Verdict | undefined {
  const applies = matchesInterface(group, packet);
  if (applies === false) return undefined;
  const own = groupNames(names);
  for (const rule of names.groups.get(group.action) ?? []) {
    const found = rule.enabled ? ruleMatch(rule, packet, own) : undefined;
    if (found !== undefined && (applies === true || found.action !== "ACCEPT")) return found;
  }
  return undefined;
}

function ruleMatch(rule: FwRule, packet: Packet, names: Names): Verdict | undefined {
  const { type, action } = rule;
  if (type !== packet.direction || !isAction(action)) return undefined;
  const matches = matchesPacket(rule, packet, names) ?? action !== "ACCEPT";
  return matches ? { action, rule } : undefined;
}

export function isAction(text: string): text is Action {
  return text === "ACCEPT" || text === "DROP" || text === "REJECT";
}
