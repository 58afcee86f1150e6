/** Why a rule that pve-firewall takes cannot be compiled. Pure. */
import { hasPorts } from "./fields.ts";
import { icmpNumber, isIcmp } from "./icmp-types.ts";
import { addressIn, type Names, setEntries } from "./names.ts";
import { type FwRule, isGiven } from "./rule.ts";

/**
 * What compiling a rule without faults fails with, in Proxmox's words: names of another scope, and types of ICMP in the place of
 * a port. Pure.
 */
export function compileFault(rule: FwRule, family: 4 | 6, names: Names): string | undefined {
  const { source, dest, proto, dport, icmpType, macro } = rule;
  for (const text of [source, dest]) {
    if (!isGiven(text)) continue;
    const [, scope = "", set] = /^\+(dc\/|guest\/|sdn\/)?(.*)$/.exec(text) ?? [];
    if (set !== undefined && setEntries(set, scope, names) === undefined) return `no such ipset '${set}'`;
    if (set === undefined && addressIn(text, names) === undefined) return `no such alias '${text}'`;
  }
  if (macro !== undefined || !isGiven(proto)) return undefined;
  const isKnown = isIcmp(proto);
  if (icmpType !== undefined && !isKnown) return "'icmp-type' needs the protocol icmp, icmpv6 or ipv6-icmp";
  if (dport === undefined || hasPorts(proto)) return undefined;
  if (!isKnown) return `protocol ${proto} does not have ports`;
  if (proto === "ipv6-icmp") return `protocol ${proto} does not have ports`;
  if (/^\d+$/.test(dport)) return Number(dport) > 255 ? `invalid icmp-type '${dport}'` : undefined;
  return icmpNumber(family, dport) === undefined ? `unknown icmp-type '${dport}'` : undefined;
}
