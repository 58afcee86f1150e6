/** What Proxmox's firewall does with a new connection, worked out from its files. Pure. */
import { type AddressRange, addressRange, contains, overlaps } from "../ipv4/index.ts";
import { type FirewallFile, groupsOf } from "./index.ts";
import { macroParts } from "./macros.ts";
import { portNames } from "./port-names.ts";
import { type FwRule, isSameMatch } from "./rule.ts";

export interface Packet {
  readonly direction: "IN" | "OUT";
  /** An address, or a network all of which is meant; absent for "from anywhere". */
  readonly source?: string;
  readonly dest?: string;
  readonly protocol: string;
  /** Destination port; absent for protocols without ports. */
  readonly port?: number;
  /** The interface that it comes in on or leaves by: "vmbr0" on the host. */
  readonly iface?: string;
}

/** What rules refer to by name. */
export interface Names {
  readonly aliases: ReadonlyMap<string, string>;
  readonly ipsets: ReadonlyMap<string, readonly { readonly address: string; readonly nomatch: boolean }[]>;
  readonly groups: ReadonlyMap<string, readonly FwRule[]>;
}

export const noNames: Names = { aliases: new Map(), ipsets: new Map(), groups: new Map() };

export type Action = "ACCEPT" | "DROP" | "REJECT";

export interface Verdict {
  readonly action: Action;
  /** The rule that decided; absent when the policy did. */
  readonly rule?: FwRule;
}

/**
 * The first rule that matches decides, then the policy. Where a rule cannot be judged (a set or macro that is not known
 * here, a source port), it is taken for what keeps the packet out: a DROP counts, an ACCEPT does not.
 */
export function decide(
  rules: readonly FwRule[],
  policy: Action,
  packet: Packet,
  names: Names = noNames,
): Verdict {
  return firstMatch(rules, packet, names) ?? { action: policy };
}

/** The first rule that matches; undefined when none does. */
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

/** Whether a rule is about a packet; undefined when that cannot be told. */
export function matchesPacket(rule: FwRule, packet: Packet, names: Names = noNames): boolean | undefined {
  const { iface } = rule;
  return all([
    iface === undefined || (packet.iface === undefined ? undefined : iface === packet.iface),
    matchesService(rule, packet),
    matchesAddress(rule.source, packet.source, names),
    matchesAddress(rule.dest, packet.dest, names),
    rule.sport === undefined ? true : undefined,
    rule.icmpType === undefined ? true : undefined,
  ]);
}

/** False when one is false, undefined when one cannot be told, else true. */
function all(answers: readonly (boolean | undefined)[]): boolean | undefined {
  if (answers.includes(false)) return false;
  return answers.includes(undefined) ? undefined : true;
}

/** What a connection is for, whoever makes it. */
export type Service = Pick<Packet, "protocol" | "port">;

/**
 * Whether a rule is about a service, whatever its action and addresses, and in every notation: a number, a name, a range, a
 * list, a macro, no port, no protocol. A rule whose macro or port name is unknown may be about any service, and counts.
 */
export function concerns(rule: FwRule, service: Service): boolean {
  return matchesService(rule, service) !== false;
}

function matchesService({ macro, proto, dport }: FwRule, service: Service): boolean | undefined {
  if (macro === undefined) return matchesPort(proto, dport, service);
  const parts = macroParts(macro);
  if (parts === undefined) return undefined;
  return some(
    parts.map(({ protocol, ports, sourcePorts }) => {
      const matches = matchesPort(protocol, ports, service);
      // Which port a packet comes from is not known here.
      return matches === true && sourcePorts !== undefined ? undefined : matches;
    }),
  );
}

/** True when one is true, undefined when one is unknown, else false. */
function some(answers: readonly (boolean | undefined)[]): boolean | undefined {
  if (answers.includes(true)) return true;
  return answers.includes(undefined) ? undefined : false;
}

function matchesPort(
  proto: string | undefined,
  ports: string | undefined,
  { protocol, port }: Service,
): boolean | undefined {
  if (proto !== undefined && protocolNumber(proto) !== protocolNumber(protocol)) {
    // Protocol 0 is every protocol to iptables, and a protocol like others to nftables.
    return protocolNumber(proto) === "0" ? undefined : false;
  }
  // The type of an ICMP macro stands in the place of a port.
  if (protocol === "icmp" || ports === undefined) return true;
  if (port === undefined) return false;
  return some(
    ports.split(",").map((part) => {
      const [first, last] = portSpan(part);
      // Unknown: a name that only the hypervisor may know, and port 0, which pve-firewall 6.0 takes for every port.
      if (Number.isNaN(first + last) || last === 0) return undefined;
      return first <= port && port <= last;
    }),
  );
}

function protocolNumber(protocol: string): string {
  return { icmp: "1", tcp: "6", udp: "17", ip: "0", hopopt: "0" }[protocol] ?? protocol;
}

/** A port by its number, or by its name in /etc/services; NaN for an unknown name. */
function portNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : (portNames.get(text) ?? Number.NaN);
}

/** @param wanted what the rule says. A rule about part of the packet's addresses does not count as matching. */
function matchesAddress(
  wanted: string | undefined,
  seen: string | undefined,
  names: Names,
): boolean | undefined {
  if (wanted === undefined) return true;
  const range = seen === undefined ? addressRange("0.0.0.0/0") : addressRange(seen);
  if (range === undefined) return undefined;
  if (wanted.startsWith("+")) return matchesSet(wanted.slice(1).replace(/^(?:dc|guest)\//, ""), range, names);
  let unknown = false;
  for (const part of wanted.split(",")) {
    const found = resolve(part, names);
    if (found === undefined) unknown ||= !part.includes(":");
    else if (contains(found, range)) return true;
  }
  return unknown ? undefined : false;
}

function matchesSet(name: string, range: AddressRange, names: Names): boolean | undefined {
  const entries = names.ipsets.get(name);
  if (entries === undefined) return undefined;
  const ranges = entries.map(({ address, nomatch }) => ({ nomatch, found: resolve(address, names) }));
  if (ranges.some(({ nomatch, found }) => nomatch && found !== undefined && overlaps(found, range)))
    return false;
  return ranges.some(({ nomatch, found }) => !nomatch && found !== undefined && contains(found, range));
}

function resolve(text: string, names: Names): AddressRange | undefined {
  const alias = names.aliases.get(text.replace(/^(?:dc|guest)\//, "").toLowerCase());
  return addressRange(alias ?? text);
}

/** The names that a file defines, those of cluster.fw among them when it is given. */
export function namesOf(file: FirewallFile, cluster?: FirewallFile): Names {
  const sections = [...(cluster?.sections ?? []), ...file.sections];
  const aliases = sections.flatMap(({ lines }) =>
    lines.flatMap((line) => (line.kind === "alias" ? [[line.name.toLowerCase(), line.range] as const] : [])),
  );
  const ipsets = sections.flatMap(({ kind, name, lines }) =>
    kind === "ipset" && name !== undefined
      ? [[name, lines.flatMap((line) => (line.kind === "entry" ? [line] : []))] as const]
      : [],
  );
  const groups = [cluster, file].flatMap((each) => (each === undefined ? [] : [...groupsOf(each)]));
  return { aliases: new Map(aliases), ipsets: new Map(ipsets), groups: new Map(groups) };
}

/** Whether everything that `later` matches is matched by `earlier` before it comes to it. Both are about plain addresses. */
export function covers(earlier: FwRule, later: FwRule): boolean {
  if (!earlier.enabled || earlier.type !== later.type || earlier.type === "GROUP") return false;
  if (isSameMatch(earlier, later)) return true;
  if (earlier.macro !== later.macro || earlier.icmpType !== undefined || earlier.sport !== undefined)
    return false;
  if (earlier.iface !== undefined && earlier.iface !== later.iface) return false;
  if (earlier.proto !== undefined && earlier.proto !== later.proto) return false;
  return (
    coversPorts(earlier.dport, later.dport) &&
    coversAddress(earlier.source, later.source) &&
    coversAddress(earlier.dest, later.dest)
  );
}

function coversPorts(earlier: string | undefined, later: string | undefined): boolean {
  if (earlier === undefined || earlier === later) return true;
  if (later === undefined) return false;
  const spans = earlier.split(",").map(portSpan);
  return later
    .split(",")
    .map(portSpan)
    .every(([first, last]) => spans.some(([from, to]) => from <= first && last <= to));
}

/** The first and last port of one part of a list: "22", "8000:8010", "ssh"; NaN for a name that is not known. */
export function portSpan(part: string): readonly [number, number] {
  const [first = "", last = first] = part.split(":");
  return [portNumber(first), portNumber(last)];
}

function coversAddress(earlier: string | undefined, later: string | undefined): boolean {
  if (earlier === undefined || earlier === later) return true;
  if (later === undefined) return false;
  const ranges = earlier.split(",").map(addressRange);
  return later.split(",").every((part) => {
    const inner = addressRange(part);
    return inner !== undefined && ranges.some((outer) => outer !== undefined && contains(outer, inner));
  });
}
