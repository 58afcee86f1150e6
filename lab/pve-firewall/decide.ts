/** What netfilter does with the first packet of a connection, chain by chain. Part of the oracle: see read.ts. */
import type { ChainRule, Match } from "./chains.ts";
import type { Ruleset } from "./compile.ts";
import { blockOf, holds, strtoul } from "./ip.ts";
import type { Netbase } from "./netbase.ts";
import type { SetEntry } from "./read.ts";

export interface FirstPacket {
  readonly source: string;
  readonly dest: string;
  /** A name or number of /etc/protocols. */
  readonly protocol: string;
  readonly dport?: number;
  readonly sport?: number;
  /** By its name or number. */
  readonly icmpType?: string;
}

/** A packet that Proxmox rejects is not always answered: one of ICMP is dropped. */
export type Decision = "ACCEPT" | "DROP" | "REJECT";

/** Where a packet is looked at: the host's own chains, or the bridge of a guest's interface. */
export type Place =
  | { readonly chain: "PVEFW-HOST-IN" | "PVEFW-HOST-OUT"; readonly iface: string }
  | { readonly chain: "PVEFW-FORWARD"; readonly from: string; readonly to: string };

/** Nothing is filtered where there is no chain, and what a chain does not decide gets through. */
export function decide(ruleset: Ruleset, place: Place, packet: FirstPacket): Decision {
  const chains = packet.source.includes(":") ? ruleset.ipv6 : ruleset.chains;
  const walk = (name: string): Decision | undefined => {
    for (const rule of chains.get(name) ?? []) {
      if (!isMatch(rule, place, packet, ruleset)) continue;
      const { target } = rule;
      if (target === "ACCEPT" || target === "DROP" || target === "REJECT") return target;
      const found = target === "PVEFW-reject" ? "REJECT" : walk(target);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return walk(place.chain) ?? "ACCEPT";
}

function isMatch(rule: ChainRule, place: Place, packet: FirstPacket, { sets, netbase }: Ruleset): boolean {
  const { state, protocol, icmpType, source, dest, dport, sport } = rule;
  return (
    state === undefined &&
    isAtPort(rule, place) &&
    isProtocol(protocol, packet.protocol, netbase) &&
    isIcmpType(icmpType, packet) &&
    isFrom(source, packet.source, sets) &&
    isFrom(dest, packet.dest, sets) &&
    hasPort(dport, packet.dport, packet.protocol, netbase) &&
    hasPort(sport, packet.sport, packet.protocol, netbase)
  );
}

function isAtPort({ iface, bridged }: Match, place: Place): boolean {
  if (place.chain === "PVEFW-FORWARD") {
    const port = bridged?.direction === "in" ? place.from : place.to;
    const isWild = bridged?.name.endsWith("+") === true && port.startsWith(bridged.name.slice(0, -1));
    return iface === undefined && (bridged === undefined || isWild || bridged.name === port);
  }
  return bridged === undefined && (iface === undefined || iface.name === place.iface);
}

/** Protocol 0 (ip) is every protocol to iptables. */
function isProtocol(wanted: string | undefined, seen: string, { protocols }: Netbase): boolean {
  if (wanted === undefined) return true;
  const number = (text: string): number => (text === "icmpv6" ? 58 : (protocols.get(text) ?? Number(text)));
  return number(wanted) === 0 || number(wanted) === number(seen);
}

/** Types of iptables by name; the others are compared as they are written. */
const icmpNumbers: Readonly<Record<"4" | "6", Readonly<Record<string, string>>>> = {
  "4": {
    "echo-reply": "0",
    "destination-unreachable": "3",
    "network-unreachable": "3/0",
    "host-unreachable": "3/1",
    "protocol-unreachable": "3/2",
    "port-unreachable": "3/3",
    "fragmentation-needed": "3/4",
    "source-quench": "4",
    redirect: "5",
    "echo-request": "8",
    "router-advertisement": "9",
    "router-solicitation": "10",
    "time-exceeded": "11",
    "parameter-problem": "12",
    "timestamp-request": "13",
    "timestamp-reply": "14",
    "address-mask-request": "17",
    "address-mask-reply": "18",
  },
  "6": {
    "destination-unreachable": "1",
    "packet-too-big": "2",
    "time-exceeded": "3",
    "parameter-problem": "4",
    "echo-request": "128",
    "echo-reply": "129",
    "router-solicitation": "133",
    "router-advertisement": "134",
    "neighbor-solicitation": "135",
    "neighbour-solicitation": "135",
    "neighbor-advertisement": "136",
    "neighbour-advertisement": "136",
    redirect: "137",
  },
};

/** 255 is every type to iptables. */
function isIcmpType(wanted: string | undefined, { icmpType, source }: FirstPacket): boolean {
  if (wanted === undefined || wanted === "any") return true;
  const family = source.includes(":") ? "6" : "4";
  const number = (text: string): string => icmpNumbers[family][text] ?? text;
  const [rule, seen] = [number(wanted), number(icmpType ?? "")];
  return (family === "4" && rule === "255") || rule === seen || seen.startsWith(`${rule}/`);
}

/** udp and dccp read a single port as a decimal number; the others, and lists, octal behind a zero. */
function hasPort(
  wanted: string | undefined,
  seen: number | undefined,
  protocol: string,
  { ports, protocols }: Netbase,
): boolean {
  if (wanted === undefined) return true;
  if (seen === undefined) return false;
  const parts = wanted.split(",");
  const isDecimal = parts.length === 1 && [17, 33].includes(protocols.get(protocol) ?? Number(protocol));
  const number = (text: string): number =>
    ports.get(text) ?? (isDecimal ? Number(text) : (strtoul(text) ?? Number.NaN));
  return parts.some((part) => {
    const [first = "", last = first] = part.split(":");
    return number(first) <= seen && seen <= number(last);
  });
}

function isFrom(wanted: Match["source"], seen: string, sets: Ruleset["sets"]): boolean {
  if (wanted === undefined) return true;
  if (typeof wanted === "object")
    return isMember(sets.get(wanted.set) ?? [], seen) === (wanted.except === undefined);
  return wanted.split(",").some((part) => isWithin(part, seen));
}

/** The entry with the longest prefix decides (ipset(8), hash:net). */
function isMember(entries: readonly SetEntry[], address: string): boolean {
  const length = ({ address: network }: SetEntry): number => strtoul(network.split("/")[1] ?? "128") ?? 0;
  const [best] = entries
    .filter((entry) => isWithin(entry.address, address))
    .sort((a, b) => length(b) - length(a));
  return best?.nomatch === false;
}

function isWithin(text: string, address: string): boolean {
  const block = blockOf(text);
  return block !== undefined && holds(block, address);
}
