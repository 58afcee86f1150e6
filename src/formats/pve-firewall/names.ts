/** The names that firewall files define: aliases, IP sets and groups. Pure. */
import { type AddressRange, addressRange, contains, overlaps } from "../ipv4/index.ts";
import { type FirewallFile, groupsOf } from "./index.ts";
import type { FwRule } from "./rule.ts";

/** What rules of a file refer to by name. */
export interface Names {
  readonly aliases: ReadonlyMap<string, string>;
  readonly ipsets: ReadonlyMap<string, readonly { readonly address: string; readonly nomatch: boolean }[]>;
  readonly groups: ReadonlyMap<string, readonly FwRule[]>;
  /** Those of cluster.fw, where the file is another one: "dc/NAME" means these, and NAME where the file has none itself. */
  readonly cluster?: Names;
}

export const noNames: Names = { aliases: new Map(), ipsets: new Map(), groups: new Map() };

/** The names that a file defines, and behind them those of cluster.fw. */
export function namesOf(file: FirewallFile, cluster?: Names): Names {
  const { sections } = file;
  const aliases = sections.flatMap(({ lines }) =>
    lines.flatMap((line) => (line.kind === "alias" ? [[line.name.toLowerCase(), line.range] as const] : [])),
  );
  const ipsets = sections.flatMap(({ kind, name, lines }) =>
    kind === "ipset" && name !== undefined
      ? [[name, lines.flatMap((line) => (line.kind === "entry" ? [line] : []))] as const]
      : [],
  );
  const own = { aliases: new Map(aliases), ipsets: new Map(ipsets) };
  return cluster === undefined
    ? { ...own, groups: groupsOf(file) }
    : { ...own, groups: cluster.groups, cluster };
}

/** The names that a scope ("dc/", "guest/" or "") lets a rule look at, in order. */
function inScope(names: Names, scope: string): readonly Names[] {
  const { cluster } = names;
  if (cluster === undefined) return [names];
  return scope === "dc/" ? [cluster] : scope === "guest/" ? [names] : [names, cluster];
}

/** The addresses behind an alias; undefined for an unknown one. */
export function aliasRange(name: string, scope: string, names: Names): AddressRange | undefined {
  const texts = inScope(names, scope).flatMap(({ aliases }) => aliases.get(name) ?? []);
  return texts[0] === undefined ? undefined : addressRange(texts[0]);
}

/**
 * Whether all addresses of a range are in a set; undefined where that is unknown: no such set, an entry that cannot be
 * resolved, a range that is partly in it. The entry with the longest prefix decides about an address (ipset(8), hash:net).
 */
export function isInSet(name: string, scope: string, range: AddressRange, names: Names): boolean | undefined {
  const owner = inScope(names, scope).find(({ ipsets }) => ipsets.has(name));
  const entries = (owner?.ipsets.get(name) ?? []).filter(({ address }) => !address.includes(":"));
  if (owner === undefined) return undefined;
  const found = entries.map(({ address, nomatch }) => ({ nomatch, range: entryRange(address, owner) }));
  const about = found.filter((entry) => entry.range === undefined || overlaps(entry.range, range));
  if (about.length === 0) return false;
  const size = (one: AddressRange): number => one.last - one.first;
  let best: { readonly nomatch: boolean; readonly range: AddressRange } | undefined;
  for (const { nomatch, range: entry } of about) {
    if (entry === undefined || !contains(entry, range)) return undefined;
    if (best === undefined || size(entry) < size(best.range)) best = { nomatch, range: entry };
  }
  return best?.nomatch === false;
}

function entryRange(address: string, owner: Names): AddressRange | undefined {
  const [, scope = "", alias] = /^(dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(address) ?? [];
  return alias === undefined ? addressRange(address) : aliasRange(alias.toLowerCase(), scope, owner);
}
