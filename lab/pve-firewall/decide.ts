/** What netfilter does with the first packet of a connection, chain by chain. Part of the oracle: see read.ts. */
import { isIPv4 } from "node:net";
import type { ChainRule, Match, Ruleset } from "./compile.ts";
import type { Netbase } from "./netbase.ts";
import type { SetEntry } from "./read.ts";

export interface FirstPacket {
  readonly source: string;
  readonly dest: string;
  /** A name or number of /etc/protocols. */
  readonly protocol: string;
  readonly dport?: number;
  readonly sport?: number;
  readonly icmpType?: string;
}

export type Decision = "ACCEPT" | "DROP" | "REJECT";

/** Where a packet is looked at: the host's own chains, or the bridge of a guest's interface. */
export type Place =
  | { readonly chain: "PVEFW-HOST-IN" | "PVEFW-HOST-OUT"; readonly iface: string }
  | { readonly chain: "PVEFW-FORWARD"; readonly from: string; readonly to: string };

/** Nothing is filtered where there is no chain, and what a chain does not decide gets through. */
export function decide(ruleset: Ruleset, place: Place, packet: FirstPacket): Decision {
  const walk = (name: string): Decision | undefined => {
    for (const rule of ruleset.chains.get(name) ?? []) {
      if (!isMatch(rule, place, packet, ruleset)) continue;
      const { target } = rule;
      if (target === "ACCEPT" || target === "DROP" || target === "REJECT") return target;
      const found = walk(target);
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
    (icmpType === undefined || icmpType === "any" || icmpType === packet.icmpType) &&
    isFrom(source, packet.source, sets) &&
    isFrom(dest, packet.dest, sets) &&
    hasPort(dport, packet.dport, netbase) &&
    hasPort(sport, packet.sport, netbase)
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
  const number = (text: string): number => protocols.get(text) ?? Number(text);
  return number(wanted) === 0 || number(wanted) === number(seen);
}

function hasPort(wanted: string | undefined, seen: number | undefined, { ports }: Netbase): boolean {
  if (wanted === undefined) return true;
  if (seen === undefined) return false;
  return wanted.split(",").some((part) => {
    const [first = "", last = first] = part.split(":");
    const number = (text: string): number => ports.get(text) ?? Number(text);
    return number(first) <= seen && seen <= number(last);
  });
}

function isFrom(wanted: Match["source"], seen: string, sets: Ruleset["sets"]): boolean {
  if (wanted === undefined) return true;
  if (typeof wanted === "object") return isMember(sets.get(wanted.set) ?? [], seen);
  return wanted.split(",").some((part) => holds(part, seen));
}

/** The entry with the longest prefix decides (ipset(8), hash:net). */
function isMember(entries: readonly SetEntry[], address: string): boolean {
  const length = ({ address: network }: SetEntry): number => Number(network.split("/")[1] ?? 32);
  const [best] = entries
    .filter((entry) => holds(entry.address, address))
    .sort((a, b) => length(b) - length(a));
  return best?.nomatch === false;
}

/** @param range an address, a network or a range; short addresses end in zeros */
function holds(range: string, address: string): boolean {
  if (!isIPv4(address)) return false;
  const [from = "", to] = range.split("-");
  if (to !== undefined) return numberOf(from) <= numberOf(address) && numberOf(address) <= numberOf(to);
  const [network = "", prefix = "32"] = range.split("/");
  const bits = prefix.includes(".") ? 32 - Math.log2(2 ** 32 - numberOf(prefix)) : Number(prefix);
  const size = 2 ** (32 - bits);
  return Math.floor(numberOf(address) / size) === Math.floor(numberOf(network) / size);
}

function numberOf(address: string): number {
  const quads = [...address.split(".").map(Number), 0, 0, 0].slice(0, 4);
  return quads.reduce((sum, quad) => sum * 256 + quad, 0);
}
