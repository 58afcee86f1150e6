/**
 * One rule line of Proxmox's firewall files. What pve-firewall 6.0.4 reads is read, and printed in the form that
 * proxmox-firewall 1.2 takes as well. Pure.
 */

import { defined } from "../../defined.ts";
import { asBytes } from "./bytes.ts";

/** cluster.fw, a node's host.fw or a guest's file. */
export type FilePlace = "cluster" | "host" | "guest";

/** Where a rule stands: what is allowed differs. */
export type RulePlace = FilePlace | "group";

export interface FwRule {
  /** False for a line that begins with "|": it is kept and has no effect. */
  readonly enabled: boolean;
  /** IN, OUT, FORWARD or GROUP. Proxmox keeps a line that begins with anything else as a rule with an error. */
  readonly type: string;
  /** ACCEPT, DROP or REJECT; for GROUP the group's name. */
  readonly action: string;
  readonly macro?: string;
  readonly iface?: string;
  readonly source?: string;
  readonly dest?: string;
  readonly proto?: string;
  readonly dport?: string;
  readonly sport?: string;
  readonly log?: string;
  readonly icmpType?: string;
  /** One line, trimmed, without "#". */
  readonly comment?: string;
}

type Option = "iface" | "source" | "dest" | "proto" | "dport" | "sport" | "log" | "icmpType";

/** In the order that Proxmox itself writes them. */
const printed: readonly (readonly [Option, string])[] = [
  ["iface", "-i"],
  ["source", "-source"],
  ["dest", "-dest"],
  ["proto", "-p"],
  ["dport", "-dport"],
  ["sport", "-sport"],
  ["log", "-log"],
  ["icmpType", "-icmp-type"],
];

/** Exactly one space between an option and its value; the first dash is optional for the long ones. */
const patterns: readonly (readonly [Option, RegExp])[] = (
  [
    ["iface", /^-i (\S+)\s*/],
    ["proto", /^(?:-p|--?proto) (\S+)\s*/],
    ["dport", /^--?dport (\S+)\s*/],
    ["sport", /^--?sport (\S+)\s*/],
    ["source", /^--?source (\S+)\s*/],
    ["dest", /^--?dest (\S+)\s*/],
    ["log", /^--?log (emerg|alert|crit|err|warning|notice|info|debug|nolog)\s*/],
    ["icmpType", /^--?icmp-type (\S+)\s*/],
  ] as const
).map(([option, pattern]) => [option, asBytes(pattern)]);

const edges = asBytes(/^\s+|\s+$/g);
const headPattern = asBytes(/^(\S+)\s+(\S+)\s*/);
const macroPattern = asBytes(/^(\S+)\((ACCEPT|DROP|REJECT)\)$/);

export type ParsedRule = { readonly rule: FwRule } | { readonly fault: string };

/**
 * Reads one line; of an option that is given twice the last counts, and a group takes an interface only. Whether the values
 * are valid is for `judgeRule` to say. The fault's words are Proxmox's own, without the place.
 */
export function parseRule(text: string): ParsedRule {
  const [code = "", ...after] = text.replace(/^[ \t]+|[ \t]+$/g, "").split("#");
  const comment = after.join("#").replace(edges, "");
  const [, bar = "", line = ""] = /^(\|?)(.*)$/s.exec(code) ?? [];
  const [head = "", first = "", word = ""] = headPattern.exec(line) ?? [];
  if (head === "") return { fault: `: unable to parse rule: ${line}` };
  const type = first.toUpperCase();
  const rule: Record<string, string> = {};
  let rest = line.slice(head.length);
  while (rest !== "") {
    const found = patterns
      .filter(([option]) => type !== "GROUP" || option === "iface")
      .map(([option, pattern]) => ({ option, match: pattern.exec(rest) }))
      .find(({ match }) => match !== null);
    const [whole = "", value = ""] = found?.match ?? [];
    if (found === undefined) return { fault: `: unable to parse rule parameters: ${rest}` };
    rule[found.option] = value;
    rest = rest.slice(whole.length);
  }
  const takesMacro = type === "IN" || type === "OUT" || type === "FORWARD";
  const [, macro, verdict = word] = (takesMacro ? macroPattern.exec(word) : null) ?? [];
  const given = defined({ macro, ...rule, comment: comment === "" ? undefined : comment });
  return { rule: { enabled: bar === "", type, action: verdict, ...given } };
}

/** Whether a value is given, to Perl: "0" is none. */
export function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== "0";
}

/** The rule as Proxmox itself writes it. */
export function printRule(rule: FwRule): string {
  return rule.comment === undefined ? printBare(rule) : `${printBare(rule)} # ${rule.comment}`;
}

/** The rule without its comment: rules with equal text have the same effect. */
export function printBare(rule: FwRule): string {
  const action = rule.macro === undefined ? rule.action : `${rule.macro}(${rule.action})`;
  let text = `${rule.enabled ? "" : "|"}${rule.type} ${action}`;
  for (const [option, flag] of printed) {
    const value = rule[option];
    if (value !== undefined) text += ` ${flag} ${value}`;
  }
  return text;
}

/** Whether two rules have the same match in the same notation; their actions may differ. */
export function isSameMatch(one: FwRule, other: FwRule): boolean {
  return (
    one.enabled === other.enabled &&
    one.type === other.type &&
    one.macro === other.macro &&
    printed.every(([option]) => one[option] === other[option])
  );
}

/** Text fit for a comment: one line, no "#", at most 200 characters. Undefined when nothing is left. */
export function commentText(text: string): string | undefined {
  const plain = [...text]
    .map((character) => (character < " " || character === "\u007f" || character === "#" ? " " : character))
    .join("")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 200)
    .trimEnd();
  return plain === "" ? undefined : plain;
}
