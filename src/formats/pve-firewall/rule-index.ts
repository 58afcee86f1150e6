/**
 * Long lists of firewall rules, asked about many packets or about each other: rules are looked up by the one address and
 * the one port that they are about, so that ten thousand cost no more than a few. The answers are those of `firstMatch`
 * and `covers`, rule by rule. Pure.
 */
import { addressRange } from "../ipv4/index.ts";
import { covers } from "./cover.ts";
import { firstMatch, type Verdict } from "./decide.ts";
import { hasPorts, readPorts } from "./fields.ts";
import type { Packet } from "./match.ts";
import { type Names, noNames } from "./names.ts";
import type { FwRule } from "./rule.ts";

/** Stands for several values, any value, or one that only the rule itself can judge. */
const wide = "*";

/** The addresses and the port of a rule or packet, where each is one value. */
interface Subject {
  readonly type: FwRule["type"];
  readonly source: string;
  readonly dest: string;
  readonly port: string;
}

/** Rules by their subject. */
class Buckets {
  readonly #rules = new Map<string, { readonly at: number; readonly rule: FwRule }[]>();

  /** @param at the rule's place in the list */
  add(at: number, rule: FwRule): void {
    const { type, source, dest, port } = subjectOf(rule);
    const key = `${type} ${source} ${dest} ${port}`;
    const known = this.#rules.get(key);
    if (known === undefined) this.#rules.set(key, [{ at, rule }]);
    else known.push({ at, rule });
  }

  /** The first rule of the list that fits, among those that could be about the subject. */
  first<Found>(subject: Subject, fits: (rule: FwRule) => Found | undefined): Found | undefined {
    let best: { readonly at: number; readonly found: Found } | undefined;
    for (const key of keysAbout(subject)) {
      for (const { at, rule } of this.#rules.get(key) ?? []) {
        if (best !== undefined && at > best.at) break;
        const found = fits(rule);
        if (found === undefined) continue;
        best = { at, found };
        break;
      }
    }
    return best?.found;
  }
}

/** The subjects of all rules that may match a subject: each part equal or wide. Groups hold rules of every subject. */
function keysAbout({ type, source, dest, port }: Subject): readonly string[] {
  const both = (value: string): readonly string[] => (value === wide ? [wide] : [value, wide]);
  return [
    `GROUP ${wide} ${wide} ${wide}`,
    ...both(source).flatMap((from) =>
      both(dest).flatMap((to) => both(port).map((on) => `${type} ${from} ${to} ${on}`)),
    ),
  ];
}

function subjectOf({ type, source, dest, macro, proto, dport }: FwRule): Subject {
  if (type === "GROUP") return { type, source: wide, dest: wide, port: wide };
  // A macro has ports of its own, of which there may be several; without a protocol a port means nothing.
  return {
    type,
    source: oneAddress(source),
    dest: oneAddress(dest),
    port: macro === undefined && hasPorts(proto) ? onePort(dport) : wide,
  };
}

/** The one address that a text means, as a number. */
function oneAddress(text: string | undefined): string {
  if (text === undefined) return wide;
  const ranges = text.split(",").map(addressRange);
  const [first] = ranges;
  return first !== undefined &&
    ranges.every((range) => range?.first === first.first && range.last === first.first)
    ? String(first.first)
    : wide;
}

/** The one port that a text means. */
function onePort(text: string | undefined): string {
  const read = text === undefined ? undefined : readPorts(text);
  if (read === undefined || "fault" in read) return wide;
  const port = read.meaning[0]?.first;
  const isOne = read.meaning.every((span) => span?.first === port && span?.last === port);
  // Port 0 is every port.
  return isOne && port !== undefined && port > 0 ? String(port) : wide;
}

export interface RuleIndex {
  readonly rules: readonly FwRule[];
  /** Absent for a short list, which is faster to go through. */
  readonly buckets: Buckets | undefined;
}

const few = 8;

/** @param rules never changed afterwards */
export function indexRules(rules: readonly FwRule[]): RuleIndex {
  if (rules.length <= few) return { rules, buckets: undefined };
  const buckets = new Buckets();
  for (const [at, rule] of rules.entries()) buckets.add(at, rule);
  return { rules, buckets };
}

/** The first rule of the list that matches; undefined when none does. */
export function firstMatchIn(
  { rules, buckets }: RuleIndex,
  packet: Packet,
  names: Names = noNames,
): Verdict | undefined {
  if (buckets === undefined || !isPlain(packet.source) || !isPlain(packet.dest))
    return firstMatch(rules, packet, names);
  const subject = {
    type: packet.direction,
    source: oneAddress(packet.source),
    dest: oneAddress(packet.dest),
    port: packet.port === undefined ? wide : String(packet.port),
  };
  return buckets.first(subject, (rule) => firstMatch([rule], packet, names));
}

/** Whether an end of a packet is an address or a range; a rule must judge anything else itself. */
function isPlain(address: string | undefined): boolean {
  return address === undefined || addressRange(address) !== undefined;
}

/** For each rule of a list the first before it that covers it, where there is one. */
export function coveredBy(rules: readonly FwRule[]): ReadonlyMap<FwRule, FwRule> {
  const buckets = new Buckets();
  const found = new Map<FwRule, FwRule>();
  rules.forEach((later, at) => {
    const earlier = buckets.first(subjectOf(later), (rule) => (covers(rule, later) ? rule : undefined));
    if (earlier !== undefined) found.set(later, earlier);
    buckets.add(at, later);
  });
  return found;
}
