/** What pve-firewall 6.0.4 says about the parameters of a rule. Part of the oracle: see read.ts. */
import { isIPv4, isIPv6 } from "node:net";
import { netIp } from "./ip.ts";
import { macroMatches } from "./macros.ts";
import type { Netbase } from "./netbase.ts";

export type Place = "cluster" | "host" | "guest" | "group";

export interface Rule {
  readonly enabled: boolean;
  /** in, out, forward or group; anything else is an error. */
  readonly type: string;
  /** ACCEPT, DROP, REJECT; for a group its name. */
  readonly action: string;
  readonly macro?: string;
  readonly options: Readonly<
    Partial<Record<"i" | "p" | "dport" | "sport" | "source" | "dest" | "log" | "icmp-type", string>>
  >;
  /** By parameter. */
  readonly errors: ReadonlyMap<string, string>;
  /** The only family that it is for. */
  readonly family?: "4" | "6";
}

/** The names that a rule may use. */
export interface Scope {
  /** The address behind an alias, in lower case; scope is "dc/", "guest/" or "". */
  alias(name: string, scope: string): string | undefined;
  hasAlias(name: string): boolean;
  hasSet(name: string): boolean;
  readonly netbase: Netbase;
}

const icmpTypes: Readonly<Record<"4" | "6", ReadonlySet<string>>> = {
  "4": new Set(
    `any echo-reply destination-unreachable network-unreachable host-unreachable protocol-unreachable port-unreachable
fragmentation-needed source-route-failed network-unknown host-unknown network-prohibited host-prohibited
TOS-network-unreachable TOS-host-unreachable communication-prohibited host-precedence-violation precedence-cutoff
source-quench redirect network-redirect host-redirect TOS-network-redirect TOS-host-redirect echo-request
router-advertisement router-solicitation time-exceeded ttl-zero-during-transit ttl-zero-during-reassembly
parameter-problem ip-header-bad required-option-missing timestamp-request timestamp-reply address-mask-request
address-mask-reply`.split(/\s+/),
  ),
  "6": new Set(
    `destination-unreachable no-route communication-prohibited beyond-scope address-unreachable port-unreachable
failed-policy reject-route packet-too-big time-exceeded ttl-zero-during-transit ttl-zero-during-reassembly
parameter-problem bad-header unknown-header-type unknown-option echo-request echo-reply router-solicitation
router-advertisement neighbor-solicitation neighbour-solicitation neighbor-advertisement neighbour-advertisement
redirect`.split(/\s+/),
  ),
};

/** Whether a family has a type of ICMP by this name. */
export function isIcmpType(family: "4" | "6", name: string): boolean {
  return icmpTypes[family].has(name);
}

const isIcmp = (protocol = ""): boolean => /^(?:icmp|icmpv6|ipv6-icmp)$/.test(protocol);
/** Protocols with ports, by the names and numbers that Proxmox lists. */
export const hasPorts = (protocol = ""): boolean =>
  /^(?:tcp|udp|udplite|dccp|sctp|6|17|33|132|136)$/.test(protocol);

/** What Proxmox finds in a rule. */
export interface Finding {
  /** By parameter, as Proxmox words them; the first of each counts. */
  readonly errors: ReadonlyMap<string, string>;
  readonly family?: "4" | "6";
  /** The line is given up: the families of an alias and of the rest differ. */
  readonly dies?: string;
}

/** Judges a rule in Proxmox's order. */
export function ruleErrors(rule: Omit<Rule, "errors">, place: Place, scope: Scope): Finding {
  const errors = new Map<string, string>();
  const add = (parameter: string, error: string | undefined): void => {
    if (error !== undefined && !errors.has(parameter)) errors.set(parameter, error);
  };
  const { i, p, "icmp-type": icmpType } = rule.options;
  for (const [parameter, error] of typeErrors(rule, place)) add(parameter, error);
  if (isSet(i)) {
    if (place === "group") add("type", "parameter -i not allowed for this rule type");
    const isName = /^[a-z][a-z0-9_]{1,20}(?:[:.]\d+)?$/i.test(i);
    add("iface", isName ? undefined : `invalid network interface name '${i}'`);
    if (place === "guest" && !/^net\d+$/.test(i))
      add("iface", "value does not match the regex pattern 'net\\d+'");
  }
  if (isSet(rule.macro) && macroMatches(rule.macro) === undefined)
    add("macro", `unknown macro '${rule.macro}'`);
  if (isSet(p) && !isProtocol(p, scope.netbase)) add("proto", `unknown protocol '${p}'`);
  portErrors(rule, "dport", scope.netbase, add);
  if (isSet(icmpType)) {
    if (!isIcmp(p)) add("proto", "missing property - 'icmp-type' requires this property");
    if (isSet(rule.options.dport)) add("icmp-type", "'icmp-type' cannot be specified together with 'dport'");
    if (isIcmp(p) && !icmpTypes[p === "icmp" ? "4" : "6"].has(icmpType))
      add("icmp-type", `invalid icmp-type '${icmpType}' for proto '${p}'`);
  }
  portErrors(rule, "sport", scope.netbase, add);
  const end = endErrors(rule, scope, isIcmp(p) ? (p === "icmp" ? "4" : "6") : undefined, add);
  if (end.dies !== undefined) return { errors, dies: end.dies };
  if (errors.size === 0)
    for (const [parameter, error] of macroErrors(rule, end.family)) add(parameter, error);
  return { errors, ...(end.family === undefined ? {} : { family: end.family }) };
}

/** Source and destination: an alias of another family ends the judgement, an address of another is an error. */
function endErrors(
  { options }: Omit<Rule, "errors">,
  scope: Scope,
  fixed: "4" | "6" | undefined,
  add: (parameter: string, error: string | undefined) => void,
): Pick<Finding, "family" | "dies"> {
  const mixed = "detected mixed ipv4/ipv6 addresses in rule";
  let family = fixed;
  for (const parameter of ["source", "dest"] as const) {
    const text = options[parameter];
    if (!isSet(text)) continue;
    const found = addressFamily(text);
    add(parameter, found.error);
    if (found.family !== undefined && family !== undefined && family !== found.family) add(parameter, mixed);
    family ??= found.family;
    add(parameter, nameError(text, scope));
    const [, within = "", alias] = /^(dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(text) ?? [];
    const address = alias === undefined ? undefined : scope.alias(alias.toLowerCase(), within);
    if (address === undefined) continue;
    const own = address.includes(":") ? "6" : "4";
    if (family !== undefined && family !== own) return { dies: mixed };
    family = own;
  }
  return family === undefined ? {} : { family };
}

/** Perl's truth: "0" is not given. */
function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "0";
}

function typeErrors(
  { type, action }: Omit<Rule, "errors">,
  place: Place,
): readonly (readonly [string, string])[] {
  const found: [string, string][] = [];
  if (!isSet(action)) found.push(["action", "missing property"]);
  if (!isSet(type)) return [["type", "missing property"], ...found];
  const allowed = place === "group" ? /^(?:in|out|forward)$/ : place === "guest" ? /^(?:in|out|group)$/ : /./;
  const isKnown = /^(?:in|out|forward|group)$/.test(type);
  const environment = place === "guest" ? "vm" : place;
  if (!isKnown || !allowed.test(type))
    found.push(["type", `invalid rule type '${type}' for rule_env '${environment}'`]);
  if (type === "group" && isSet(action) && !/^[A-Za-z][A-Za-z0-9_-]+$/.test(action))
    found.push(["action", "invalid characters in security group name"]);
  if (type === "forward" && action === "REJECT")
    found.push(["action", "cannot define REJECT rules on forward chain"]);
  if (/^(?:in|out|forward)$/.test(type) && isSet(action) && !/^(?:ACCEPT|DROP|REJECT)$/.test(action))
    found.push(["action", `unknown action '${action}'`]);
  return found;
}

/** By name, or by a number that /etc/protocols has. */
function isProtocol(text: string, { protocols }: Netbase): boolean {
  return text === "icmpv6" || protocols.has(text) || [...protocols.values()].map(String).includes(text);
}

function portErrors(
  { options }: Omit<Rule, "errors">,
  parameter: "dport" | "sport",
  netbase: Netbase,
  add: (parameter: string, error: string | undefined) => void,
): void {
  const { [parameter]: text, p } = options;
  if (!isSet(text)) return;
  // Types of ICMP once stood in the place of a port.
  const mayBeIcmpType = parameter === "dport" && isIcmp(p);
  add(parameter, portListError(text, mayBeIcmpType, netbase));
  if (!isSet(p)) add("proto", `missing property - '${parameter}' requires this property`);
  if (!hasPorts(p) && !mayBeIcmpType) add(parameter, `protocol '${p ?? ""}' does not support ports`);
}

function portListError(text: string, mayBeIcmpType: boolean, { ports }: Netbase): string | undefined {
  if (text.endsWith(",")) return "extraneous commas in list";
  let numbers = 0;
  let hasType = false;
  for (const item of text.split(",")) {
    const range = /^(\d+):(\d+)$/.exec(item);
    const [from = "", to = ""] = range?.slice(1) ?? (/^\d+$/.test(item) ? [item, item] : []);
    if (from === "") {
      const isType = mayBeIcmpType && (icmpTypes["4"].has(item) || icmpTypes["6"].has(item));
      if (!isType && !ports.has(item)) return `invalid port '${item}'`;
      hasType ||= isType;
      continue;
    }
    numbers += range === null ? 1 : 2;
    for (const port of [from, to]) if (Number(port) > 65_535) return `invalid port '${port}'`;
    if (Number(from) > Number(to))
      return `backwards range '${item}' not allowed, did you mean '${to}:${from}'?`;
  }
  if (hasType && numbers > 0) return "ICMP ports not allowed in port range";
  return numbers > 15 ? "too many entries in port list (> 15 numbers)" : undefined;
}

/** The family of addresses; none for sets and aliases. */
function addressFamily(text: string): { readonly family?: "4" | "6"; readonly error?: string } {
  if (/^\+./.test(text)) return text.length > 65 ? { error: "ipset name too long" } : {};
  if (/^(?:dc\/|guest\/)?[A-Za-z][A-Za-z0-9_-]+$/.test(text))
    return text.length > 64 ? { error: "alias name too long" } : {};
  if (text.endsWith(",")) return { error: "extraneous commas in list" };
  const parts = text.split(",");
  let family: "4" | "6" | undefined;
  for (const part of parts) {
    const found = netIp(part);
    if (typeof found === "object") return { error: `invalid IP address: ${found.error}` };
    if (family !== undefined && family !== found)
      return { error: `detected mixed ipv4/ipv6 addresses in address list '${text}'` };
    family = found;
  }
  if (parts.length > 1 && text.includes("-")) return { error: "you can't use a range in a list" };
  return family === undefined ? {} : { family };
}

/** Names that a rule uses must be defined before it; whose they are is looked at when the rule is compiled. */
function nameError(text: string, { hasAlias, hasSet }: Scope): string | undefined {
  if (text.startsWith("+")) {
    const [, name] = /^\+(?:guest\/|dc\/|sdn\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(text) ?? [];
    if (name === undefined) return `invalid ipset name '${text}'`;
    return hasSet(name) ? undefined : `no such ipset '${name}'`;
  }
  const [, alias] = /^(?:dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(text) ?? [];
  return alias === undefined || hasAlias(alias.toLowerCase()) ? undefined : `no such alias '${text}'`;
}

/** For aliases and sets; neither host bits nor the length of a prefix are looked at. */
export function networkError(text: string): string | undefined {
  const [, address = "", prefix = ""] = /^([^/]*)(\/\d+)?$/.exec(text) ?? [];
  const isNetwork = isIPv4(address) || (isIPv6(address) && !address.includes("%"));
  return isNetwork && address + prefix === text
    ? undefined
    : "value does not look like a valid IP address or CIDR network";
}

/** What a macro fixes cannot be given otherwise, for any of its matches. */
function macroErrors(
  { macro = "0", options }: Omit<Rule, "errors">,
  family: "4" | "6" | undefined,
): readonly (readonly [string, string])[] {
  for (const match of (isSet(macro) ? macroMatches(macro, family) : undefined) ?? [])
    for (const [name, key] of [
      ["proto", "p"] as const,
      ["dport", "dport"] as const,
      ["sport", "sport"] as const,
    ]) {
      const [own, fixed] = [options[key], match[key]];
      if (own !== undefined && fixed !== undefined && own !== fixed)
        return [[name, `parameter '${name}' already define in macro (value = '${fixed}')`]];
    }
  return [];
}
