/**
 * A list of firewall rules that is asked about many packets: rules about one address are looked up by it, so that ten
 * thousand of them cost no more than a few. The answers are those of `firstMatch`, rule by rule. Pure.
 */
import { addressRange } from "./ipv4.ts";
import { firstMatch, type Names, noNames, type Packet, type Verdict } from "./pve-firewall-decide.ts";
import type { FwRule } from "./pve-firewall-rule.ts";

/** A rule and its place in the list. */
interface Placed {
  readonly at: number;
  readonly rule: FwRule;
}

type ByAddress = ReadonlyMap<number, readonly Placed[]>;

export interface RuleIndex {
  readonly rules: readonly FwRule[];
  /** Rules about no address, several, or a name: every packet has to be held against them. */
  readonly others: readonly Placed[];
  readonly bySource: ByAddress;
  readonly byDest: ByAddress;
}

/** Below this many rules going through them costs less than looking up. */
const few = 8;

const none: ByAddress = new Map();

/** @param rules never changed afterwards */
export function indexRules(rules: readonly FwRule[]): RuleIndex {
  const others: Placed[] = [];
  if (rules.length <= few) return { rules, others, bySource: none, byDest: none };
  const bySource = new Map<number, Placed[]>();
  const byDest = new Map<number, Placed[]>();
  rules.forEach((rule, at) => {
    // Where a rule names both ends, the far one tells more rules of one machine apart.
    const source = singleAddress(rule.source);
    const dest = singleAddress(rule.dest);
    if (rule.type === "GROUP") others.push({ at, rule });
    else if (source !== undefined && (rule.type === "IN" || dest === undefined))
      add(bySource, source, { at, rule });
    else if (dest !== undefined) add(byDest, dest, { at, rule });
    else others.push({ at, rule });
  });
  return { rules, others, bySource, byDest };
}

/** The first rule of the list that matches; undefined when none does. */
export function firstMatchIn(index: RuleIndex, packet: Packet, names: Names = noNames): Verdict | undefined {
  if (index.rules.length <= few || !isPlain(packet.source) || !isPlain(packet.dest))
    return firstMatch(index.rules, packet, names);
  const about = [
    ...(index.bySource.get(singleAddress(packet.source) ?? -1) ?? []),
    ...(index.byDest.get(singleAddress(packet.dest) ?? -1) ?? []),
  ].sort((a, b) => a.at - b.at);
  const found = first(about, Number.POSITIVE_INFINITY, packet, names);
  return (first(index.others, found?.at ?? Number.POSITIVE_INFINITY, packet, names) ?? found)?.verdict;
}

function first(
  rules: readonly Placed[],
  before: number,
  packet: Packet,
  names: Names,
): { readonly at: number; readonly verdict: Verdict } | undefined {
  for (const { at, rule } of rules) {
    if (at > before) return undefined;
    const verdict = firstMatch([rule], packet, names);
    if (verdict !== undefined) return { at, verdict };
  }
  return undefined;
}

/** Whether what a packet says of an end can be held against an address; a rule must be asked itself about anything else. */
function isPlain(address: string | undefined): boolean {
  return address === undefined || addressRange(address) !== undefined;
}

/** The one address that a text means, as a number; undefined when it means several, any, or a name. */
function singleAddress(text: string | undefined): number | undefined {
  const range = text === undefined ? undefined : addressRange(text);
  return range !== undefined && range.first === range.last ? range.first : undefined;
}

function add(map: Map<number, Placed[]>, address: number, placed: Placed): void {
  const known = map.get(address);
  if (known === undefined) map.set(address, [placed]);
  else known.push(placed);
}
