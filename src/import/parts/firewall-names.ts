/** Aliases and IP sets in firewall rules: resolved to addresses where that says exactly the same. Pure. */
import { defined } from "../../defined.ts";
import type { FwRule } from "../../formats/pve-firewall/rule.ts";
import type { FoundFirewallFile } from "../found.ts";

export type ResolvedRule = { readonly rule: FwRule; readonly note?: string } | { readonly reason: string };

/** The rule with addresses for names; or why it has to stay where it is. */
export function resolvedRule(
  rule: FwRule,
  file: FoundFirewallFile,
  cluster: FoundFirewallFile | undefined,
): ResolvedRule {
  if (rule.type !== "IN" && rule.type !== "OUT") return { reason: `${rule.type} rules cannot be declared` };
  const notes: string[] = [];
  const ends: { source?: string; dest?: string } = {};
  for (const end of ["source", "dest"] as const) {
    const written = rule[end];
    if (written === undefined) continue;
    const addresses = addressesOf(written, file, cluster);
    if (addresses === undefined) return { reason: `${written} is not one list of addresses` };
    if (addresses !== written) notes.push(`${written} is ${addresses}`);
    ends[end] = addresses;
  }
  const note = notes.length === 0 ? undefined : notes.join(", ");
  return { rule: { ...rule, ...ends }, ...defined({ note }) };
}

/** "10.0.0.5,10.0.0.6" for "+admins"; undefined for a name that is unknown, or a set with exceptions or of two families. */
function addressesOf(
  written: string,
  file: FoundFirewallFile,
  cluster: FoundFirewallFile | undefined,
): string | undefined {
  const [, isSet, scope = "", name = ""] = /^(\+)?(dc\/|guest\/)?([A-Za-z][\w-]+)$/.exec(written) ?? [];
  if (name === "") return written;
  const files = [scope === "dc/" ? undefined : file, scope === "guest/" ? undefined : cluster];
  const known = files.filter((each) => each !== undefined).map(({ reading }) => reading);
  const key = name.toLowerCase();
  const aliasOf = (alias: string): string | undefined =>
    known.map(({ aliases }) => aliases.get(alias)).find((each) => each !== undefined)?.address;
  if (isSet === undefined) return aliasOf(key);
  const entries = known.map(({ ipsets }) => ipsets.get(key)).find((each) => each !== undefined);
  if (entries === undefined || entries.length === 0 || entries.some(({ nomatch }) => nomatch))
    return undefined;
  const addresses = entries.map(({ address }) =>
    /^(?:dc\/|guest\/)?[A-Za-z][\w-]+$/.test(address)
      ? aliasOf(address.replace(/^.*\//, "").toLowerCase())
      : address,
  );
  if (addresses.some((address) => address === undefined)) return undefined;
  const isIpv6 = new Set(addresses.map((address) => address?.includes(":")));
  return isIpv6.size === 1 ? addresses.join(",") : undefined;
}
