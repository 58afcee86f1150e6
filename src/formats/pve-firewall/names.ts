/** The names that firewall files define, for the rules that use them. Pure. */
import { isWithin, meets, type Span, spanOf } from "./addresses.ts";
import type { FileReading, SetEntry } from "./reading.ts";
import type { FwRule } from "./rule.ts";

/** What rules of a file refer to by name. */
export interface Names {
  readonly aliases: ReadonlyMap<string, string>;
  readonly ipsets: ReadonlyMap<string, readonly SetEntry[]>;
  readonly groups: ReadonlyMap<string, readonly FwRule[]>;
  /** Those of cluster.fw, where the file is another one: "dc/NAME" means these, and NAME where the file has none itself. */
  readonly cluster?: Names;
}

export const noNames: Names = { aliases: new Map(), ipsets: new Map(), groups: new Map() };

/**
 * The names that a file defines, and behind them those of cluster.fw. Only a guest's file has names of its own beside those of
 * cluster.fw: without a reading the names are a host's.
 */
export function namesOf(reading: FileReading | undefined, cluster?: Names): Names {
  const aliases = new Map([...(reading?.aliases ?? [])].map(([name, { address }]) => [name, address]));
  const own = { aliases, ipsets: reading?.ipsets ?? noNames.ipsets };
  return cluster === undefined
    ? { ...own, groups: reading?.groups ?? noNames.groups }
    : { ...own, groups: cluster.groups, cluster };
}

/** What a rule of a group sees: it belongs to cluster.fw. */
export function groupNames(names: Names): Names {
  const { cluster } = names;
  return cluster === undefined ? names : { ...noNames, groups: names.groups, cluster };
}

/** The names that a scope ("dc/", "guest/", "sdn/" or "") lets a rule look at, in order. */
function inScope(names: Names, scope: string): readonly Names[] {
  const { cluster } = names;
  if (scope === "sdn/") return [];
  if (cluster === undefined) return [names];
  return scope === "dc/" ? [cluster] : scope === "guest/" ? [names] : [names, cluster];
}

/** What is behind an alias, as it is written; undefined for an unknown one. */
export function aliasAddress(name: string, scope: string, names: Names): string | undefined {
  return inScope(names, scope).flatMap(({ aliases }) => aliases.get(name.toLowerCase()) ?? [])[0];
}

/** The addresses of a rule's source or destination, an alias resolved; undefined for an unknown alias. */
export function addressIn(text: string, names: Names): string | undefined {
  const [, scope = "", name] = /^(dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(text) ?? [];
  return name === undefined ? text : aliasAddress(name, scope, names);
}

/** The entries of a set with their addresses; an alias that cannot be resolved has none. Undefined for an unknown set. */
export function setEntries(
  name: string,
  scope: string,
  names: Names,
): readonly { readonly address: string | undefined; readonly nomatch: boolean }[] | undefined {
  const owner = inScope(names, scope).find(({ ipsets }) => ipsets.has(name));
  const entries = owner?.ipsets.get(name);
  if (owner === undefined || entries === undefined) return undefined;
  return entries.map(({ address, nomatch }) => ({ address: entryAddress(address, owner), nomatch }));
}

function entryAddress(address: string, owner: Names): string | undefined {
  const [, scope = "", alias] = /^(dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(address) ?? [];
  if (alias === undefined) return address;
  // A set of cluster.fw has no guest.
  return scope === "guest/" && owner.cluster === undefined ? undefined : aliasAddress(alias, scope, owner);
}

/**
 * Whether all addresses of a span are in a set; undefined where that is unknown: no such set, or a span that is partly in it.
 * The entry with the longest prefix decides about an address (ipset(8), hash:net).
 */
export function isInSet(name: string, scope: string, span: Span, names: Names): boolean | undefined {
  const entries = setEntries(name, scope, names);
  return entries === undefined ? undefined : isAmong(entries, span);
}

/** As `isInSet`, for entries. Proxmox leaves out those without an address. */
export function isAmong(
  entries: readonly { readonly address: string | undefined; readonly nomatch: boolean }[],
  span: Span,
): boolean | undefined {
  let best: { readonly nomatch: boolean; readonly span: Span } | undefined;
  let isPartly = false;
  for (const { address, nomatch } of entries) {
    const entry = address === undefined ? undefined : spanOf(address);
    if (entry === undefined || !meets(entry, span)) continue;
    if (!isWithin(span, entry)) isPartly = true;
    // Of two entries for one network the later counts.
    else if (best === undefined || isWithin(entry, best.span)) best = { nomatch, span: entry };
  }
  return isPartly ? undefined : best?.nomatch === false;
}
