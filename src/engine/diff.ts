/** The one comparison: what should be against what is. Pure. */
import { type Change, type Resource, subjectOf } from "../resource.ts";

export interface Difference {
  /** Creates and updates, in the order of `desired`. */
  readonly changes: readonly Change[];
  /** Ours, and no longer declared. */
  readonly orphans: readonly Resource[];
}

export function diff(desired: readonly Resource[], live: readonly Resource[]): Difference {
  const liveById = new Map(live.map((resource) => [resource.id, resource]));
  const desiredIds = new Set(desired.map((resource) => resource.id));
  const changes = desired.flatMap((resource): Change[] => {
    const found = liveById.get(resource.id);
    if (found === undefined) return [{ verb: "create", desired: resource }];
    return found.text === resource.text ? [] : [{ verb: "update", desired: resource, live: found }];
  });
  return { changes, orphans: live.filter((resource) => !desiredIds.has(resource.id)) };
}

/** Identifies a change by what it would do: two changes with one fingerprint lead from one state to the other. */
export function fingerprint(change: Change): string {
  const before = change.verb === "create" ? "" : change.live.text;
  const after = change.verb === "delete" ? "" : change.desired.text;
  return digestOf([change.verb, subjectOf(change).id, before, after]);
}

/** SHA-256 over a list of texts, in hexadecimal. */
export function digestOf(parts: readonly string[]): string {
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
}
