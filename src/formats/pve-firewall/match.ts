/** What a rule is about. Answers have three values: undefined where only the hypervisor knows whether it matches. Pure. */
import { portNames } from "../netbase/ports.ts";
import { isWithin, numberInC, type Span, spanOf } from "./addresses.ts";
import { readProtocol } from "./fields.ts";
import { icmpNumber } from "./icmp-types.ts";
import { readsDecimals } from "./kernel.ts";
import { partsOf, type RulePart } from "./macros.ts";
import { aliasAddress, isInSet, type Names } from "./names.ts";
import { type FwRule, isGiven } from "./rule.ts";

/** The first packet of a connection. Without an IPv6 address or protocol it is IPv4's. */
export interface Packet {
  readonly direction: "IN" | "OUT";
  /** An address, or a network all of which is meant; absent for "from anywhere". */
  readonly source?: string;
  readonly dest?: string;
  readonly protocol: string;
  /** Destination port; absent for protocols without ports. */
  readonly port?: number;
  /** Absent where any may be meant. */
  readonly sourcePort?: number;
  /** Of ICMP, by its name or number; absent where any may be meant. */
  readonly icmpType?: string;
  /** The interface that it comes in on or leaves by: "vmbr0" on the host, "net0" of a guest. */
  readonly iface?: string;
}

/** What a connection is for, whoever makes it. */
export type Service = Pick<Packet, "protocol" | "port">;

export function familyOf({ source, dest, protocol }: Packet): 4 | 6 {
  return [source, dest].some((end) => end?.includes(":")) || numberOf(protocol) === 58 ? 6 : 4;
}

/** Whether a rule is about a packet. A rule that is about part of the packet's addresses only does not count as matching. */
export function matchesPacket(rule: FwRule, packet: Packet, names: Names): boolean | undefined {
  const family = familyOf(packet);
  return all([
    matchesInterface(rule, packet),
    some(partsOf(rule, family).map((part) => matchesPart(part, packet, family))),
    matchesAddress(rule.source, packet.source, family, names),
    matchesAddress(rule.dest, packet.dest, family, names),
  ]);
}

export function matchesInterface({ iface }: FwRule, packet: Packet): boolean | undefined {
  if (!isGiven(iface)) return true;
  return packet.iface === undefined ? undefined : iface === packet.iface;
}

/**
 * Whether a rule is about a service, whatever its action and addresses, and in every notation: a number, a name, a range, a
 * list, a macro, no port, no protocol. A rule that may be about it counts.
 */
export function concerns(rule: FwRule, service: Service): boolean {
  const packet: Packet = { direction: "IN", ...service };
  return partsOf(rule, 4).some((part) => matchesPart(part, packet, 4) !== false);
}

/** False when one is false, undefined when one is unknown, else true. */
function all(answers: readonly (boolean | undefined)[]): boolean | undefined {
  if (answers.includes(false)) return false;
  return answers.includes(undefined) ? undefined : true;
}

/** True when one is true, undefined when one is unknown, else false. */
function some(answers: readonly (boolean | undefined)[]): boolean | undefined {
  if (answers.includes(true)) return true;
  return answers.includes(undefined) ? undefined : false;
}

function matchesPart(part: RulePart | undefined, packet: Packet, family: 4 | 6): boolean | undefined {
  if (part === undefined) return undefined;
  const { proto, dport, sport, icmpType } = part;
  // A protocol of "0" is none to pve-firewall, and then ports have no meaning.
  if (!isGiven(proto)) return true;
  const [wanted, seen] = [numberOf(proto), numberOf(packet.protocol)];
  if (wanted === undefined) return undefined;
  // 0 (ip) is every protocol.
  if (wanted !== 0 && wanted !== seen) return false;
  if (/^(?:icmp|icmpv6|ipv6-icmp)$/.test(proto))
    return all([icmpType, dport].map((type) => matchesIcmp(type, packet, family)));
  const isDecimal = readsDecimals(wanted);
  const isUnknown = isGiven(sport) && packet.sourcePort === undefined;
  return all([
    matchesPorts(dport, packet.port, isDecimal),
    isUnknown ? undefined : matchesPorts(sport, packet.sourcePort, isDecimal),
  ]);
}

/** @param absent what it means that the packet has no type */
function matchesIcmp(wanted: string | undefined, { icmpType }: Packet, family: 4 | 6): boolean | undefined {
  if (wanted === undefined) return true;
  const type = icmpNumber(family, wanted);
  const seen = icmpType === undefined ? undefined : icmpNumber(family, icmpType);
  if (type === "any") return true;
  if (type === undefined || seen === undefined) return undefined;
  const [[kind, code], [seenKind, seenCode]] = [type.split("/"), seen.split("/")];
  // iptables takes type 255 for every type.
  if (family === 4 && kind === "255") return true;
  return kind === seenKind && (code === undefined || code === seenCode);
}

/** pve-firewall takes port 0, where it stands alone, for none at all. */
function matchesPorts(
  wanted: string | undefined,
  seen: number | undefined,
  isDecimal: boolean,
): boolean | undefined {
  if (!isGiven(wanted)) return true;
  if (seen === undefined) return false;
  const parts = wanted.split(",");
  return some(
    parts.map((part) => {
      const span = portSpan(part, isDecimal && parts.length === 1 ? Number : numberInC);
      return span === undefined ? undefined : span.first <= seen && seen <= span.last;
    }),
  );
}

/** A port or range as iptables reads it; undefined for a name that only the hypervisor's /etc/services has. */
function portSpan(
  part: string,
  read: (text: string) => number | undefined,
): { readonly first: number; readonly last: number } | undefined {
  const [first, last] = part
    .split(":")
    .map((port) => portNames.get(port) ?? (/^\d+$/.test(port) ? read(port) : undefined));
  return first === undefined ? undefined : { first, last: last ?? first };
}

function numberOf(protocol: string): number | undefined {
  const read = readProtocol(protocol);
  return "meaning" in read ? read.meaning : undefined;
}

const everywhere: Readonly<Record<4 | 6, Span>> = {
  4: { family: 4, first: 0, last: 2 ** 32 - 1 },
  6: { family: 6, first: 0n, last: 2n ** 128n - 1n },
};

function matchesAddress(
  wanted: string | undefined,
  seen: string | undefined,
  family: 4 | 6,
  names: Names,
): boolean | undefined {
  if (!isGiven(wanted)) return true;
  const span = seen === undefined ? everywhere[family] : spanOf(seen);
  if (span === undefined) return undefined;
  const [, plus, scope = "", name] =
    /^(\+)?(dc\/|guest\/|sdn\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(wanted) ?? [];
  if (name !== undefined && plus !== undefined) return isInSet(name, scope, span, names);
  const address = name === undefined ? wanted : aliasAddress(name, scope, names);
  if (address === undefined) return undefined;
  const wholes = address.split(",").map(spanOf);
  return some(wholes.map((whole) => (whole === undefined ? undefined : isWithin(span, whole))));
}
