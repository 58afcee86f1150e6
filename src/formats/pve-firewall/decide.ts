/** Which rule of a list decides about a new connection. Pure. */
import { matchesPacket, type Packet } from "./match.ts";
import { type Names, noNames } from "./names.ts";
import type { FwRule } from "./rule.ts";

export type Action = "ACCEPT" | "DROP" | "REJECT";

export interface Verdict {
  readonly action: Action;
  /** The rule that decided; absent when the policy did. */
  readonly rule?: FwRule;
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
    if (rule.type === "GROUP") {
      const found = firstMatch(names.groups.get(rule.action) ?? [], packet, names);
      if (found !== undefined) return found;
      continue;
    }
    if (rule.type !== packet.direction || !isAction(rule.action)) continue;
    const matches = matchesPacket(rule, packet, names) ?? rule.action !== "ACCEPT";
    if (matches) return { action: rule.action, rule };
  }
  return undefined;
}

function isAction(text: string): text is Action {
  return text === "ACCEPT" || text === "DROP" || text === "REJECT";
}
