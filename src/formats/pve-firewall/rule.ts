/**
 * One rule line of Proxmox's firewall files: reading and printing. The grammar is the part that both of Proxmox's parsers
 * take (pve-firewall 6.0 in Perl, proxmox-firewall 1.2 in Rust). Pure.
 */

export interface FwRule {
  /** False for a line that begins with "|": it is kept, and not in force. */
  readonly enabled: boolean;
  readonly type: "IN" | "OUT" | "FORWARD" | "GROUP";
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

/** Exactly one blank between an option and its value; the first dash is optional for the long ones. */
const patterns: readonly (readonly [Option, RegExp])[] = [
  ["iface", /^ +-i ([a-z][a-z0-9_]{1,20}(?:[:.]\d+)?)(?= |$)/],
  ["proto", /^ +(?:-p|--?proto) (\S+)/],
  ["dport", /^ +--?dport (\S+)/],
  ["sport", /^ +--?sport (\S+)/],
  ["source", /^ +--?source (\S+)/],
  ["dest", /^ +--?dest (\S+)/],
  ["log", /^ +--?log (emerg|alert|crit|err|warning|notice|info|debug|nolog)(?= |$)/],
  ["icmpType", /^ +--?icmp-type (\S+)/],
];

export type ParsedRule = { readonly rule: FwRule } | { readonly fault: string };

/** Reads one line. The fault's words are those of Proxmox's own warning, without the place. */
export function parseRule(text: string): ParsedRule {
  const [code = "", ...after] = text.split("#");
  const comment = after.join("#").trim();
  const head = /^\s*(\|?)(IN|OUT|FORWARD|GROUP) +(\S+)(.*)$/i.exec(code.trimEnd());
  if (head === null) return { fault: `unable to parse rule: ${text.trim()}` };
  const [, bar = "", type = "", word = "", tail = ""] = head;
  const rule: Record<string, string> = {};
  let rest = tail;
  while (rest !== "") {
    const found = patterns
      .map(([option, pattern]) => ({ option, match: pattern.exec(rest) }))
      .find(({ match }) => match !== null);
    const value = found?.match?.[1];
    if (found === undefined || value === undefined || rule[found.option] !== undefined)
      return { fault: `unable to parse rule parameters: ${rest.trim()}` };
    rule[found.option] = value;
    rest = rest.slice(found.match?.[0].length);
  }
  const macro = /^(\w+)\((ACCEPT|DROP|REJECT)\)$/.exec(word);
  const kind = type.toUpperCase() as FwRule["type"];
  return {
    rule: {
      enabled: bar === "",
      type: kind,
      action: macro?.[2] ?? word,
      ...(macro?.[1] === undefined ? {} : { macro: macro[1] }),
      ...rule,
      ...(comment === "" ? {} : { comment }),
    },
  };
}

/** The rule as Proxmox itself writes it. */
export function printRule(rule: FwRule): string {
  return rule.comment === undefined ? printBare(rule) : `${printBare(rule)} # ${rule.comment}`;
}

/** The rule without its comment: two rules with equal text do the same. */
export function printBare(rule: FwRule): string {
  const action = rule.macro === undefined ? rule.action : `${rule.macro}(${rule.action})`;
  let text = `${rule.enabled ? "" : "|"}${rule.type} ${action}`;
  for (const [option, flag] of printed) {
    const value = rule[option];
    if (value !== undefined) text += ` ${flag} ${value}`;
  }
  return text;
}

/** Whether two rules are about the same packets in the same words, whatever they do with them. */
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
