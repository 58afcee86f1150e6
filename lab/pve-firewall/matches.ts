/** What pve-firewall 6.0.4 makes of a rule's protocol, ports and macro. Part of the oracle: see read.ts. */
import type { Family, Match } from "./chains.ts";
import { type MacroMatch, macroMatches } from "./macros.ts";
import { hasPorts, isIcmpType, type Rule } from "./verify.ts";

/** A rule without its ends as netfilter takes it: a macro may be several matches. A text says why it does not compile. */
export function matchesOf({ macro, options }: Rule, family: Family): readonly Match[] | string {
  const parts: readonly Partial<MacroMatch>[] =
    macro === undefined || macro === "0" ? [{}] : (macroMatches(macro, family) ?? []);
  const matches: Match[] = [];
  for (const part of parts) {
    const found = matchOf({ ...options, ...part }, family);
    if (typeof found === "string") return found;
    if (found !== undefined) matches.push(found);
  }
  return matches;
}

/** "0" is no value to Perl. @returns undefined for a match that nothing meets */
function matchOf(options: Rule["options"], family: Family): Match | string | undefined {
  const { p, dport, sport, "icmp-type": type } = options;
  if (p === undefined || p === "0") return {};
  const isIcmp = /^(?:icmp|icmpv6|ipv6-icmp)$/.test(p);
  if (type !== undefined && !isIcmp)
    return "'icmp-type' can only be set if 'icmp', 'icmpv6' or 'ipv6-icmp' is specified";
  if (!isIcmp && dport !== undefined && !hasPorts(p)) return `protocol ${p} does not have ports`;
  if (!isIcmp)
    return {
      protocol: p,
      ...(dport === undefined || dport === "0" ? {} : { dport }),
      ...(sport === undefined || sport === "0" ? {} : { sport }),
    };
  // Types of ICMP once stood in the place of a port.
  if (dport !== undefined && p === "ipv6-icmp") return `protocol ${p} does not have ports`;
  if (dport !== undefined && /^\d+$/.test(dport) && Number(dport) > 255)
    return `invalid icmp-type '${dport}'`;
  if (dport !== undefined && !/^\d+$/.test(dport) && !isIcmpType(family, dport))
    return `unknown icmp-type '${dport}'`;
  if (type !== undefined && dport !== undefined && type !== dport) return undefined;
  const icmpType = type ?? dport;
  return { protocol: p, ...(icmpType === undefined ? {} : { icmpType }) };
}
