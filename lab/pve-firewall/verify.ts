/** What pve-firewall 6.0.4 says about the parameters of a rule. Part of the oracle: see read.ts. */
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

const isIcmp = (protocol = ""): boolean => /^(?:icmp|icmpv6|ipv6-icmp)$/.test(protocol);
const hasPorts = (protocol = ""): boolean => /^(?:tcp|udp|udplite|dccp|sctp|6|17|33|132|136)$/.test(protocol);

/** Errors by parameter, as Proxmox words them; the first of each parameter counts. "0" is no value to it. */
export function ruleErrors(rule: Rule, place: Place, scope: Scope): ReadonlyMap<string, string> {
  const errors = new Map<string, string>();
  const add = (parameter: string, error: string | undefined): void => {
    if (error !== undefined && !errors.has(parameter)) errors.set(parameter, error);
  };
  const { i, p, source, dest, "icmp-type": icmpType } = rule.options;
  for (const [parameter, error] of typeErrors(rule, place)) add(parameter, error);
  if (i !== undefined) {
    if (place === "group") add("type", "parameter -i not allowed for this rule type");
    const isName = /^[a-z][a-z0-9_]{1,20}(?:[:.]\d+)?$/.test(i);
    add("iface", isName ? undefined : `invalid network interface name '${i}'`);
    if (place === "guest" && !/^net\d+$/.test(i))
      add("iface", "value does not match the regex pattern 'net\\d+'");
  }
  if (rule.macro !== undefined && macroMatches(rule.macro) === undefined)
    add("macro", `unknown macro '${rule.macro}'`);
  if (isSet(p) && !isProtocol(p, scope.netbase)) add("proto", `unknown protocol '${p}'`);
  portErrors(rule, "dport", scope.netbase, add);
  if (icmpType !== undefined) {
    if (!isIcmp(p)) add("proto", "missing property - 'icmp-type' requires this property");
    if (isSet(rule.options.dport)) add("icmp-type", "'icmp-type' cannot be specified together with 'dport'");
    if (isIcmp(p) && !icmpTypes[p === "icmp" ? "4" : "6"].has(icmpType))
      add("icmp-type", `invalid icmp-type '${icmpType}' for proto '${p}'`);
  }
  portErrors(rule, "sport", scope.netbase, add);
  let family = p === "icmp" ? "4" : isIcmp(p) ? "6" : undefined;
  for (const [parameter, text] of [["source", source] as const, ["dest", dest] as const]) {
    if (text === undefined) continue;
    const found = addressFamily(text);
    add(parameter, found.error ?? nameError(text, scope));
    if (found.family !== undefined && family !== undefined && family !== found.family)
      add(parameter, "detected mixed ipv4/ipv6 addresses in rule");
    family ??= found.family;
  }
  if (errors.size === 0) for (const [parameter, error] of macroErrors(rule)) add(parameter, error);
  return errors;
}

/** Perl's truth: "0" is not given. */
function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "0";
}

function typeErrors({ type, action }: Rule, place: Place): readonly (readonly [string, string])[] {
  const allowed = place === "group" ? /^(?:in|out|forward)$/ : place === "guest" ? /^(?:in|out|group)$/ : /./;
  const isKnown = /^(?:in|out|forward|group)$/.test(type);
  const environment = place === "guest" ? "vm" : place;
  if (!isKnown || !allowed.test(type))
    return [["type", `invalid rule type '${type}' for rule_env '${environment}'`]];
  if (type === "group")
    return /^[A-Za-z][A-Za-z0-9_-]+$/.test(action)
      ? []
      : [["action", "invalid characters in security group name"]];
  if (!/^(?:ACCEPT|DROP|REJECT)$/.test(action)) return [["action", `unknown action '${action}'`]];
  return type === "forward" && action === "REJECT"
    ? [["action", "cannot define REJECT rules on forward chain"]]
    : [];
}

/** By name, or by a number that /etc/protocols has. */
function isProtocol(text: string, { protocols }: Netbase): boolean {
  return text === "icmpv6" || protocols.has(text) || [...protocols.values()].map(String).includes(text);
}

function portErrors(
  { options }: Rule,
  parameter: "dport" | "sport",
  netbase: Netbase,
  add: (parameter: string, error: string | undefined) => void,
): void {
  const { [parameter]: text, p } = options;
  if (!isSet(text)) return;
  // Types of ICMP once stood in the place of a port.
  const mayBeIcmpType = parameter === "dport" && isIcmp(p);
  add(parameter, portListError(text, mayBeIcmpType, netbase));
  if (p === undefined) add("proto", `missing property - '${parameter}' requires this property`);
  if (!hasPorts(p) && !mayBeIcmpType) add(parameter, `protocol '${p ?? ""}' does not support ports`);
}

function portListError(text: string, mayBeIcmpType: boolean, { ports }: Netbase): string | undefined {
  if (text.endsWith(",")) return "extraneous commas in list";
  let numbers = 0;
  for (const item of text.split(",")) {
    const range = /^(\d+):(\d+)$/.exec(item);
    const [from = "", to = ""] = range?.slice(1) ?? (/^\d+$/.test(item) ? [item, item] : []);
    if (from === "") {
      const isType = mayBeIcmpType && (icmpTypes["4"].has(item) || icmpTypes["6"].has(item));
      if (!isType && !ports.has(item)) return `invalid port '${item}'`;
      continue;
    }
    numbers += range === null ? 1 : 2;
    for (const port of [from, to]) if (Number(port) > 65_535) return `invalid port '${port}'`;
    if (Number(from) > Number(to))
      return `backwards range '${item}' not allowed, did you mean '${to}:${from}'?`;
  }
  return numbers > 15 ? "too many entries in port list (> 15 numbers)" : undefined;
}

/** The family of addresses; none for sets and aliases. */
function addressFamily(text: string): { readonly family?: "4" | "6"; readonly error?: string } {
  if (text.startsWith("+") || /^(?:dc\/|guest\/)?[A-Za-z][A-Za-z0-9_-]+$/.test(text)) return {};
  if (text.endsWith(",")) return { error: "extraneous commas in list" };
  const parts = text.split(",");
  for (const part of parts) {
    const error = ipError(part);
    if (error !== undefined) return { error: `invalid IP address: ${error}` };
  }
  const families = new Set(parts.map((part) => (part.includes(":") ? "6" : "4")));
  if (families.size > 1) return { error: `detected mixed ipv4/ipv6 addresses in address list '${text}'` };
  if (parts.length > 1 && text.includes("-")) return { error: "you can't use a range in a list" };
  return { family: [...families][0] ?? "4" };
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

/** What Perl's Net::IP says: it takes short addresses, masks and leading zeros, and no host bits. */
function ipError(text: string): string | undefined {
  if (text.includes(":")) return ipv6Error(text);
  if (!/^[\d./-]+$/.test(text)) return `Invalid chars in IP ${text}`;
  const [from = "", to] = text.split("-");
  const [address = "", prefix] = from.split("/");
  for (const quad of address.split("."))
    if (Number(quad) > 255) return `Invalid quad in IP address ${address} - ${quad}`;
  if (to !== undefined)
    return numberOf(from) > numberOf(to)
      ? `Begin address is greater than End address ${quadsOf(from).join(".")} - ${quadsOf(to).join(".")}`
      : undefined;
  if (prefix === undefined || prefix.includes(".")) return undefined;
  if (Number(prefix) > 32) return `Prefix length ${prefix} is longer than IP address (32)`;
  const bits = numberOf(address).toString(2).padStart(32, "0");
  return bits.slice(Number(prefix)).includes("1") ? `Invalid prefix ${bits}/${prefix}` : undefined;
}

/** Short addresses end in zeros. */
function quadsOf(address: string): readonly number[] {
  return [...address.split(".").map(Number), 0, 0, 0].slice(0, 4);
}

function numberOf(address: string): number {
  return quadsOf(address).reduce((sum, quad) => sum * 256 + quad, 0);
}

function ipv6Error(text: string): string | undefined {
  const [address = "", prefix = "128"] = text.split("/");
  const [head = "", tail] = address.split("::");
  const groups = (side: string): readonly string[] => (side === "" ? [] : side.split(":"));
  const given = [...groups(head), ...groups(tail ?? "")];
  if (given.some((group) => !/^[0-9a-f]{1,4}$/i.test(group)) || (tail === undefined && given.length !== 8))
    return `Invalid IP address ${text}`;
  const zeros = Array<string>(8 - given.length).fill("0");
  const bits = [...groups(head), ...zeros, ...groups(tail ?? "")]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0"))
    .join("");
  return bits.slice(Number(prefix)).includes("1") ? `Invalid prefix ${bits}/${prefix}` : undefined;
}

/** For aliases and sets; neither host bits nor the length of a prefix are looked at. */
export function networkError(text: string): string | undefined {
  const quad = "(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)";
  const isNetwork = new RegExp(`^${quad}(?:\\.${quad}){3}(?:/\\d+)?$`).test(text);
  const isIpv6 = text.includes(":") && /^[0-9a-f:.]+(?:\/\d+)?$/i.test(text);
  return isNetwork || isIpv6 ? undefined : "value does not look like a valid IP address or CIDR network";
}

/** What a macro fixes cannot be given otherwise, for any of its matches. */
function macroErrors({ macro = "", options }: Rule): readonly (readonly [string, string])[] {
  for (const match of macroMatches(macro) ?? [])
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
