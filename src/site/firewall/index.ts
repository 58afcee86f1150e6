/** Firewall rules, each field held to the stricter of Proxmox's two parsers: one bad line can stop a whole firewall. */
import { defined } from "../../defined.ts";
import { macroName } from "../../formats/pve-firewall/macros.ts";
import type { Firewall, FirewallPolicy, FirewallRule } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import { readEnd, readIcmpType, readInterface, readPorts, readProtocol } from "./fields.ts";

const policies = ["ACCEPT", "DROP", "REJECT"] as const;
const isPolicy = (word: string): word is FirewallPolicy => (policies as readonly string[]).includes(word);
const levels = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog"];

/** Proxmox's own defaults (pve-firewall 6.0.4). */
const defaultPolicies = { in: "DROP", out: "ACCEPT" } as const;

/**
 * The hypervisor's firewall: at the top level, or among the shared volumes where it was for a while. A site may have none.
 * @param filtered the first guest that is filtered: its rules need the hypervisor's firewall
 */
export function readFirewall(
  config: Cell,
  filtered: { readonly host: string; readonly at: SourceRef | undefined } | undefined,
  problems: Problems,
): Firewall | undefined {
  const top = config.get("firewall");
  const nested = config.get("shared_volumes")?.get("firewall");
  const cell = top ?? nested;
  if (cell === undefined) {
    if (filtered?.at === undefined) return undefined;
    const message = `the firewall of ${filtered.host} is enabled, and the hypervisor's configuration has no firewall`;
    return problems.report("PHX0501", filtered.at, message, {
      hint: 'declare it: "firewall": {"enabled": true}; the rules of guests are in force only with it',
    });
  }
  if (top !== undefined && nested !== undefined) {
    problems.report("PHX0502", top.ref, "the firewall is declared twice", {
      related: [nested.ref],
      hint: "keep the one at the top level",
    });
    return undefined;
  }
  const enabled = cell.get("enabled");
  if (nested !== undefined && enabled === undefined)
    problems.report("PHX0501", cell.ref, 'the firewall does not say whether it is "enabled"', {
      hint: "an absent key is not the same as false",
    });
  if (enabled?.flag === undefined) return undefined;
  return {
    enabled: enabled.flag,
    inputPolicy: policyOf(cell.get("default_input_policy"), problems) ?? defaultPolicies.in,
    outputPolicy: policyOf(cell.get("default_output_policy"), problems) ?? defaultPolicies.out,
    rules: readRules(cell.get("global_firewall_rules"), "host", problems),
    from: cell.ref,
  };
}

function policyOf(cell: Cell | undefined, problems: Problems): FirewallPolicy | undefined {
  const word = cell?.text?.toUpperCase();
  if (cell === undefined || word === undefined) return undefined;
  if (isPolicy(word)) return word;
  problems.report("PHX0503", cell.ref, `unknown policy ${JSON.stringify(cell.text)}`, {
    hint: `one of ${policies.join(", ")}`,
  });
  return undefined;
}

/** The rules of a list, in order, each once; a second copy is a warning. */
export function readRules(
  cell: Cell | undefined,
  zone: "host" | "guest",
  problems: Problems,
): readonly FirewallRule[] {
  const rules = (cell?.items ?? []).flatMap((item) =>
    item.isObject ? (readRule(item, zone, problems) ?? []) : [],
  );
  return uniqueRules(rules, (again, first) =>
    problems.report("PHX0508", again, "this firewall rule repeats another one; the copy is ignored", {
      related: [first],
    }),
  );
}

/** Rules without copies; two that differ only in their comments are copies. */
export function uniqueRules(
  rules: readonly FirewallRule[],
  onCopy: (again: SourceRef, first: SourceRef) => void = () => undefined,
): readonly FirewallRule[] {
  const known = new Map<string, FirewallRule>();
  for (const rule of rules) {
    const key = matchKey(rule);
    const first = known.get(key);
    if (first === undefined) known.set(key, rule);
    else onCopy(rule.from, first.from);
  }
  return [...known.values()];
}

/** Everything that decides what a rule matches and does; `readRule` gives the fields in one order. */
function matchKey({ comment, log, from, ...match }: FirewallRule): string {
  return JSON.stringify(match);
}

/** One rule; undefined when it is switched off or has an error, which is reported. */
function readRule(cell: Cell, zone: "host" | "guest", problems: Problems): FirewallRule | undefined {
  const switchedOff = cell.get("enabled");
  if (switchedOff?.flag === false || switchedOff?.integer === 0) return undefined;
  const direction = directionOf(cell.get("type"), problems);
  const verdict = actionOf(cell.get("action"), problems);
  const before = problems.errors;
  const protocol = readProtocol(cell.get("proto"), problems);
  const ports = readPorts(cell.get("port"), protocol, problems);
  const sourcePorts = readPorts(cell.get("sport"), protocol, problems);
  const source = readEnd(cell.get("source"), problems);
  const destination = readEnd(cell.get("dest"), problems);
  const icmpType = readIcmpType(cell.get("icmp_type"), protocol, problems);
  const netInterface = readInterface(cell.get("iface"), zone, problems);
  const macro = macroOf(cell.get("macro"), verdict?.macro, problems);
  const log = levelOf(cell.get("log"), problems);
  const comment = commentOf(cell.get("comment"));
  if (source?.includes(":") !== destination?.includes(":") && isAddress(source) && isAddress(destination))
    problems.report("PHX0506", cell.ref, "source and destination have different address families");
  if (direction === undefined || verdict === undefined || problems.errors > before) return undefined;
  return {
    direction,
    action: verdict.action,
    ...defined({ protocol, ports, sourcePorts, source, destination, interface: netInterface }),
    ...defined({ macro, icmpType, log, comment }),
    from: cell.ref,
  };
}

const isAddress = (text: string | undefined): boolean => text !== undefined && /^[\d.:a-f/,-]+$/i.test(text);

function directionOf(cell: Cell | undefined, problems: Problems): FirewallRule["direction"] | undefined {
  const word = cell?.text?.toLowerCase();
  if (cell === undefined || word === undefined) return undefined;
  if (word === "in" || word === "out") return word;
  problems.report("PHX0504", cell.ref, `unknown rule direction ${JSON.stringify(cell.text)}`, {
    hint:
      word === "group" || word === "forward"
        ? "security groups and forwarding are not declared here"
        : "in or out",
  });
  return undefined;
}

/** "ACCEPT", or as Proxmox writes a macro: "SSH(ACCEPT)". */
function actionOf(
  cell: Cell | undefined,
  problems: Problems,
): { action: FirewallRule["action"]; macro?: string } | undefined {
  if (cell?.text === undefined) return undefined;
  const [, macro, inner] = /^([A-Za-z][A-Za-z0-9]*)\(([A-Za-z]+)\)$/.exec(cell.text) ?? [];
  const word = (inner ?? cell.text).toUpperCase();
  if (isPolicy(word) && (macro === undefined || macroName(macro) !== undefined))
    return macro === undefined ? { action: word } : { action: word, macro };
  const meant: Record<string, string> = { ALLOW: "ACCEPT", DENY: "DROP", BLOCK: "DROP" };
  problems.report("PHX0504", cell.ref, `unknown rule action ${JSON.stringify(cell.text)}`, {
    hint: meant[word] === undefined ? `one of ${policies.join(", ")}` : `Proxmox says ${meant[word]}`,
  });
  return undefined;
}

function macroOf(
  cell: Cell | undefined,
  inAction: string | undefined,
  problems: Problems,
): string | undefined {
  const written = cell?.text ?? inAction;
  const at = cell?.ref;
  if (written === undefined) return undefined;
  const macro = macroName(written);
  const isOne =
    inAction === undefined || cell === undefined || inAction.toLowerCase() === written.toLowerCase();
  if (macro !== undefined && isOne) return macro;
  if (at !== undefined)
    problems.report(
      "PHX0509",
      at,
      macro === undefined
        ? `unknown macro ${JSON.stringify(written)}`
        : `${JSON.stringify(written)} is not the macro of the action`,
    );
  return undefined;
}

function levelOf(cell: Cell | undefined, problems: Problems): string | undefined {
  const level = cell?.text?.toLowerCase();
  if (cell === undefined || level === undefined || levels.includes(level)) return level;
  problems.report("PHX0509", cell.ref, `unknown log level ${JSON.stringify(cell.text)}`, {
    hint: `one of ${levels.join(", ")}`,
  });
  return undefined;
}

/** One line: a line break would begin another rule, and "#" ends what Proxmox reads. */
function commentOf(cell: Cell | undefined): string | undefined {
  const comment = cell?.text
    ?.replace(/[\p{C}#]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  return comment === "" ? undefined : comment;
}
