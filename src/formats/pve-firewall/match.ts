/** What a rule is about. Answers have three values: undefined where only the hypervisor knows whether it matches. Pure. */
import { type AddressRange, addressRange, contains } from "../ipv4/index.ts";
import { readAddresses, readPorts, readProtocol } from "./fields.ts";
import { macroParts } from "./macros.ts";
import { aliasRange, isInSet, type Names } from "./names.ts";
import type { FwRule } from "./rule.ts";

/** The first packet of a connection. */
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

/** What a connection is for, whoever makes it. */
export type Service = Pick<Packet, "protocol" | "port">;

/** Whether a rule is about a packet. A rule that is about part of the packet's addresses only does not count as matching. */
export function matchesPacket(rule: FwRule, packet: Packet, names: Names): boolean | undefined {
  const { iface, sport, icmpType } = rule;
  return all([
    iface === undefined || (packet.iface === undefined ? undefined : iface === packet.iface),
    matchesService(rule, packet),
    matchesAddress(rule.source, packet.source, names),
    matchesAddress(rule.dest, packet.dest, names),
    sport === undefined ? true : undefined,
    icmpType === undefined ? true : undefined,
  ]);
}

/**
 * Whether a rule is about a service, whatever its action and addresses, and in every notation: a number, a name, a range, a
 * list, a macro, no port, no protocol. A rule that may be about it counts.
 */
export function concerns(rule: FwRule, service: Service): boolean {
  return matchesService(rule, service) !== false;
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

function matchesPort(
  proto: string | undefined,
  ports: string | undefined,
  { protocol, port }: Service,
): boolean | undefined {
  const wanted = proto === undefined ? undefined : numberOf(proto);
  const isOther = proto !== undefined && wanted !== numberOf(protocol);
  // An unknown protocol, and 0, which is every protocol to iptables and one like others to nftables.
  if (isOther) return wanted === undefined || wanted === 0 ? undefined : false;
  if (ports === undefined) return true;
  // The type of an ICMP macro stands in the place of a port.
  if (protocol === "icmp") return undefined;
  if (port === undefined) return false;
  const read = readPorts(ports);
  if ("fault" in read) return undefined;
  // Port 0 is every port to pve-firewall.
  return some(
    read.meaning.map((span) =>
      span === undefined || span.last === 0 ? undefined : span.first <= port && port <= span.last,
    ),
  );
}

function numberOf(protocol: string): number | undefined {
  const read = readProtocol(protocol);
  return "meaning" in read ? read.meaning : undefined;
}

const everywhere: AddressRange = { first: 0, last: 2 ** 32 - 1 };

function matchesAddress(
  wanted: string | undefined,
  seen: string | undefined,
  names: Names,
): boolean | undefined {
  if (wanted === undefined) return true;
  const range = seen === undefined ? everywhere : addressRange(seen);
  const read = readAddresses(wanted);
  if (range === undefined || "fault" in read) return undefined;
  const { meaning } = read;
  if (meaning.kind === "set") return isInSet(meaning.name, meaning.scope, range, names);
  if (meaning.kind === "list") return meaning.ranges.some((one) => contains(one, range));
  const alias = aliasRange(meaning.name, meaning.scope, names);
  return alias === undefined ? undefined : contains(alias, range);
}
