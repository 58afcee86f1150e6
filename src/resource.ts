/** Resources: the things Phoenix owns. Desired and live share one shape, so one diff serves every component. */

import type { Secret } from "./secret.ts";

/**
 * Where a resource lives: the hypervisor itself, another node of its cluster, an LXC container or a virtual machine. "pve" is the node
 * that has the site's declared address, whatever it is called, and whichever node a command enters by.
 */
export type HostName = "pve" | NodeName | GuestName;
export type NodeName = `node/${string}`;
export type GuestName = `lxc/${number}` | `vm/${number}`;

export function isGuestName(host: HostName): host is GuestName {
  return host.startsWith("lxc/") || host.startsWith("vm/");
}

/** "dns/records": the component's name, a slash, a name that stays the same from run to run. What users name. */
export type ResourceId = `${string}/${string}`;

/** A place in the site's files. Lines and columns count from 1; `file` is relative to the site's root. */
export interface SourceRef {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The column after the last character, when the value ends on the same line. */
  readonly endColumn?: number;
}

/** One thing we own: a file on a host, or an object behind an API. */
export interface Resource {
  readonly id: ResourceId;
  readonly host: HostName;
  /**
   * The exact content. Equal text is what "in sync" means. For an object behind an API it is the canonical JSON of the
   * fields that Phoenix manages.
   */
  readonly text: string;
  /** What the text says in the domain's terms ("chat.example.net" -> "10.0.0.153"); only explains a change. */
  readonly units: Readonly<Record<string, string>>;
  /** Whole texts that units stand for by a fingerprint: a change of such a unit is shown as their difference. */
  readonly documents?: Readonly<Record<string, string>>;
  /** Secrets that units stand for: they are shown as keyed fingerprints. The unit itself changes whenever its secret does. */
  readonly secrets?: Readonly<Record<string, Secret>>;
  /** What Phoenix itself adds to what a person wrote, by the document's unit: "7 labels of grafana". */
  readonly additions?: Readonly<Record<string, string>>;
  /** What it is, in a few words for lists: "2 services". */
  readonly summary?: string;
  /** Where the configuration declares each unit. */
  readonly from?: Readonly<Record<string, SourceRef>>;
  /** The text and units hold a secret: renderers show the units' keys, never values or text. "text": the units hold none. */
  readonly sensitive?: true | "text";
  /** Its live state could not be read, and `text` says why: a sync tries, and reports what is wrong. */
  readonly unread?: true;
}

/** One step from live to desired. */
export type Change =
  | { readonly verb: "create"; readonly desired: Resource }
  | { readonly verb: "update"; readonly desired: Resource; readonly live: Resource }
  | { readonly verb: "delete"; readonly live: Resource };

/** The resource a change is about: as it should be, or for a delete as it is. */
export function subjectOf(change: Change): Resource {
  return change.verb === "delete" ? change.live : change.desired;
}

/** What a resource will be after these changes; undefined when none writes it. */
export function candidateOf(changes: readonly Change[], id: ResourceId): Resource | undefined {
  return changes
    .flatMap((change) => (change.verb === "delete" ? [] : [change.desired]))
    .find((resource) => resource.id === id);
}

/** The change that takes this one back. */
export function inverseOf(change: Change): Change {
  switch (change.verb) {
    case "create":
      return { verb: "delete", live: change.desired };
    case "update":
      return { verb: "update", desired: change.live, live: change.desired };
    case "delete":
      return { verb: "create", desired: change.live };
  }
}

/** The same change of other resources: each of its sides is mapped. */
export function mappedChange(change: Change, map: (resource: Resource) => Resource): Change {
  switch (change.verb) {
    case "create":
      return { verb: "create", desired: map(change.desired) };
    case "update":
      return { verb: "update", desired: map(change.desired), live: map(change.live) };
    case "delete":
      return { verb: "delete", live: map(change.live) };
  }
}

/** JSON with sorted keys: equal values give equal text, whatever order they were built in. */
export function canonicalJson(value: unknown): string {
  return `${JSON.stringify(sortKeys(value), null, 2)}\n`;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, member]) => [key, sortKeys(member)]));
}

/** What differs between two states of a resource, in the domain's terms. */
export type UnitChange =
  | { readonly verb: "create"; readonly unit: string; readonly after: string }
  | { readonly verb: "update"; readonly unit: string; readonly before: string; readonly after: string }
  | { readonly verb: "delete"; readonly unit: string; readonly before: string };

export function diffUnits(change: Change): readonly UnitChange[] {
  const before = change.verb === "create" ? {} : change.live.units;
  const after = change.verb === "delete" ? {} : change.desired.units;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((unit): UnitChange[] => {
    const was = before[unit];
    const is = after[unit];
    if (was === is) return [];
    if (was === undefined) return is === undefined ? [] : [{ verb: "create", unit, after: is }];
    return is === undefined
      ? [{ verb: "delete", unit, before: was }]
      : [{ verb: "update", unit, before: was, after: is }];
  });
}
