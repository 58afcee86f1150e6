/** What Proxmox says about a rule, in its own words where it has any: the stricter of its two parsers decides. Pure. */

import {
  type FieldFault,
  hasPorts,
  type Reading,
  readAddresses,
  readInterface,
  readPorts,
  readProtocol,
} from "./fields.ts";
import { icmpTypeNames, isIcmp } from "./icmp-types.ts";
import { macroName, macroParts } from "./macros.ts";
import type { FwRule, RulePlace } from "./rule.ts";

/** Names that are known; those of aliases in lower case. */
export interface NameSet {
  has(name: string): boolean;
}

/** What a rule may refer to. */
export interface KnownNames {
  readonly aliases: NameSet;
  readonly ipsets: NameSet;
  readonly groups: NameSet;
  /** Ports of the hypervisor's /etc/services. */
  readonly ports: NameSet;
}

export interface ValueFault {
  /** The parameter as Proxmox calls it: "dport", "source". */
  readonly parameter: string;
  readonly message: string;
}

/** Every fault of a rule; none for a rule that both of Proxmox's parsers accept. */
export function ruleFaults(rule: FwRule, place: RulePlace, known: KnownNames): readonly ValueFault[] {
  const faults = [...typeFaults(rule, place, known), ...interfaceFaults(rule, place)];
  if (rule.type === "GROUP") return faults;
  if (rule.proto !== undefined) faults.push(...inWords("proto", readProtocol(rule.proto)));
  faults.push(...portFaults(rule, known), ...icmpFaults(rule), ...addressFaults(rule, known));
  return faults.length > 0 ? faults : macroFaults(rule);
}

function fault(parameter: string, message: string): ValueFault {
  return { parameter, message };
}

/** The fault of a value in Proxmox's words; nothing for an absent value or a valid one. */
function inWords(parameter: string, reading: Reading<unknown> | undefined): readonly ValueFault[] {
  if (reading === undefined || "meaning" in reading) return [];
  const { kind, part } = reading.fault;
  return [fault(parameter, words[kind](part))];
}

const words: Readonly<Record<FieldFault["kind"], (part: string) => string>> = {
  "invalid protocol": (part) => `unknown protocol '${part}'`,
  "invalid port": (part) => `invalid port '${part}'`,
  "trailing comma": () => "extraneous commas in list",
  "backwards range": (part) =>
    `backwards range '${part}' not allowed, did you mean '${part.split(":").reverse().join(":")}'?`,
  "too many ports": () => "too many entries in port list (> 15 numbers)",
  "mixed families": (part) => `detected mixed ipv4/ipv6 addresses in address list '${part}'`,
  "range in a list": () => "you can't use a range in a list",
  "invalid set name": (part) => `invalid ipset name '${part}'`,
  "host bits": (part) => `invalid IP address: Invalid prefix ${part}`,
  "name in a list": (part) => `invalid IP address: ${part}`,
  "invalid address": (part) => `invalid IP address: ${part}`,
  "invalid address range": (part) => `invalid IP address: ${part}`,
  "invalid interface": (part) => `invalid network interface name '${part}'`,
  "foreign interface": () => "value does not match the regex pattern 'net\\d+'",
};

function typeFaults(
  { type, action, macro }: FwRule,
  place: RulePlace,
  { groups }: KnownNames,
): readonly ValueFault[] {
  const isAllowed = type === "GROUP" ? place !== "group" : type !== "FORWARD" || place !== "guest";
  const faults = isAllowed
    ? []
    : [
        fault(
          "type",
          `invalid rule type '${type.toLowerCase()}' for rule_env '${place === "guest" ? "vm" : place}'`,
        ),
      ];
  if (type === "GROUP") {
    if (!/^[A-Za-z][A-Za-z0-9_-]+$/.test(action))
      return [...faults, fault("action", "invalid characters in security group name")];
    return groups.has(action) ? faults : [...faults, fault("action", `no such security group '${action}'`)];
  }
  if (!["ACCEPT", "DROP", "REJECT"].includes(action))
    faults.push(fault("action", `unknown action '${action}'`));
  if (type === "FORWARD" && action === "REJECT")
    faults.push(fault("action", "cannot define REJECT rules on forward chain"));
  if (macro !== undefined && macroName(macro) === undefined)
    faults.push(fault("macro", `unknown macro '${macro}'`));
  return faults;
}

function interfaceFaults({ iface }: FwRule, place: RulePlace): readonly ValueFault[] {
  if (iface === undefined) return [];
  const of = place === "guest" ? "guest" : "host";
  return [
    ...(place === "group" ? [fault("type", "parameter -i not allowed for this rule type")] : []),
    ...inWords("iface", readInterface(iface, of)),
  ];
}

function portFaults(rule: FwRule, { ports }: KnownNames): readonly ValueFault[] {
  return (["dport", "sport"] as const).flatMap((name) => {
    const text = rule[name];
    if (text === undefined) return [];
    const { proto } = rule;
    const unknown = text.split(",").find((part) => /[a-z]/.test(part) && !ports.has(part));
    const invalid = inWords(name, readPorts(text));
    return [
      ...(invalid.length > 0 || unknown === undefined ? invalid : [fault(name, `invalid port '${unknown}'`)]),
      // It compares with "", and takes port 0 for no port: every port would be open.
      ...(text === "0" ? [fault(name, "port 0 stands for every port")] : []),
      ...(hasPorts(proto) || rule.icmpType !== undefined
        ? []
        : [fault(name, `protocol '${proto ?? ""}' does not support ports`)]),
      ...(proto === undefined ? [fault("proto", `missing property - '${name}' requires this property`)] : []),
    ];
  });
}

function icmpFaults({ icmpType, proto, dport }: FwRule): readonly ValueFault[] {
  if (icmpType === undefined) return [];
  if (!isIcmp(proto)) return [fault("proto", "missing property - 'icmp-type' requires this property")];
  if (dport !== undefined)
    return [fault("icmp-type", "'icmp-type' cannot be specified together with 'dport'")];
  return icmpTypeNames(proto).includes(icmpType)
    ? []
    : [fault("icmp-type", `invalid icmp-type '${icmpType}' for proto '${proto}'`)];
}

function addressFaults(rule: FwRule, known: KnownNames): readonly ValueFault[] {
  let family =
    rule.proto === "icmp" ? 4 : rule.proto === "icmpv6" || rule.proto === "ipv6-icmp" ? 6 : undefined;
  return (["source", "dest"] as const).flatMap((name) => {
    const text = rule[name];
    const reading = text === undefined ? undefined : readAddresses(text);
    if (reading === undefined || "fault" in reading) return inWords(name, reading);
    const { meaning } = reading;
    if (meaning.kind === "set")
      return meaning.scope === "sdn/" || known.ipsets.has(meaning.name)
        ? []
        : [fault(name, `no such ipset '${meaning.name}'`)];
    if (meaning.kind === "alias")
      return known.aliases.has(meaning.name) ? [] : [fault(name, `no such alias '${text}'`)];
    const isMixed = family !== undefined && family !== meaning.family;
    family ??= meaning.family;
    return isMixed ? [fault(name, "detected mixed ipv4/ipv6 addresses in rule")] : [];
  });
}

/** What a macro fixes cannot be said otherwise beside it, for any of its parts. */
function macroFaults({ macro = "", proto, dport, sport }: FwRule): readonly ValueFault[] {
  const fixed = (macroParts(macro) ?? []).flatMap(({ protocol, ports, sourcePorts }) => [
    ["proto", proto, protocol] as const,
    ["dport", dport, ports] as const,
    ["sport", sport, sourcePorts] as const,
  ]);
  const found = fixed.find(([, own, value]) => own !== undefined && value !== undefined && own !== value);
  if (found === undefined) return [];
  return [fault(found[0], `parameter '${found[0]}' already define in macro (value = '${found[2]}')`)];
}
