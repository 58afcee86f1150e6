/**
 * What a saved plan keeps of a plan, and what has moved since. Texts are kept as keyed digests only: they may hold secrets, and a
 * plain digest would let whoever has the file try passwords against it. Pure.
 */
import type { ComponentName } from "../component.ts";
import { defined } from "../defined.ts";
import { type Change, diffUnits, type HostName, type ResourceId, subjectOf } from "../resource.ts";
import type { ComponentPlan, Plan } from "./plan.ts";

/** A digest over texts that cannot be computed without the hypervisor's key. */
export type Digest = (parts: readonly string[]) => string;

export interface SavedPart {
  readonly component: ComponentName;
  readonly changes: readonly SavedChange[];
  readonly pendingActivation: readonly ResourceId[];
  /** What could not be read when the plan was made, and why: it is created or updated when it can be. */
  readonly unread: readonly SavedUnread[];
}

export interface SavedChange {
  readonly verb: Change["verb"];
  readonly id: ResourceId;
  readonly host: HostName;
  /** Digest of the live text; absent for a create. */
  readonly before?: string;
  /** Digest of the desired text; absent for a delete. */
  readonly after?: string;
}

export interface SavedUnread {
  readonly id: ResourceId;
  readonly kind: "not-ready" | "error";
  readonly after: string;
}

/** A difference between a saved plan and the present one. */
export interface Moved {
  /** A resource, or a component as a whole. */
  readonly id: ResourceId | ComponentName;
  /** A clause after the name: "changed on pve since". */
  readonly how: string;
}

export function savedParts({ components }: Plan, digest: Digest): readonly SavedPart[] {
  return components.map((part) => ({
    component: part.component,
    changes: part.changes.map((change) => savedChange(change, digest)),
    pendingActivation: part.pendingActivation,
    unread: unreadOf(part, digest),
  }));
}

function savedChange(change: Change, digest: Digest): SavedChange {
  const { id, host } = subjectOf(change);
  const before = change.verb === "create" ? undefined : digest([change.live.text]);
  const after = change.verb === "delete" ? undefined : digest([change.desired.text]);
  return defined({ verb: change.verb, id, host, before, after });
}

function unreadOf(
  { desired, unread, unreadResources }: ComponentPlan,
  digest: Digest,
): readonly SavedUnread[] {
  return desired.flatMap(({ id, text }): readonly SavedUnread[] => {
    const own = unread ?? unreadResources.find(({ ids }) => ids.includes(id));
    return own === undefined ? [] : [{ id, kind: own.kind, after: digest([text]) }];
  });
}

/** Everything that keeps the present plan from being the saved one; empty when both do the same. */
export function movedSince(
  saved: readonly SavedPart[],
  { components }: Plan,
  digest: Digest,
): readonly Moved[] {
  const now = new Map(components.map((part) => [part.component, part]));
  const names = new Set([...saved.map(({ component }) => component), ...now.keys()]);
  return [...names].flatMap((name) => {
    const [then, part] = [saved.find(({ component }) => component === name), now.get(name)];
    if (part === undefined) return [{ id: name, how: "takes no part in the site now" }];
    if (then === undefined) return [{ id: name, how: "took no part in the site then" }];
    return movedIn(then, part, digest);
  });
}

function movedIn(then: SavedPart, part: ComponentPlan, digest: Digest): readonly Moved[] {
  const nowUnread = new Map(unreadOf(part, digest).map((one) => [one.id, one]));
  const thenUnread = new Map(then.unread.map((one) => [one.id, one]));
  const reading = [...new Set([...thenUnread.keys(), ...nowUnread.keys()])].flatMap((id) =>
    movedUnread(id, thenUnread.get(id), nowUnread.get(id)),
  );
  const told = new Set(reading.map(({ id }) => id));
  const changes = new Map(part.changes.map((change) => [subjectOf(change).id, change]));
  const ids = [...new Set([...then.changes.map(({ id }) => id), ...changes.keys()])];
  const changed = ids
    .filter((id) => !told.has(id))
    .flatMap((id) => {
      const how = howMoved(
        then.changes.find((one) => one.id === id),
        changes.get(id),
        digest,
      );
      return how === undefined ? [] : [{ id, how }];
    });
  return [...reading, ...changed, ...movedActivations(then, part)];
}

function movedUnread(
  id: ResourceId,
  then: SavedUnread | undefined,
  now: SavedUnread | undefined,
): readonly Moved[] {
  if (now === undefined) return [{ id, how: "could not be read then, and can be now" }];
  if (then === undefined) return [{ id, how: "cannot be read now" }];
  return then.after === now.after ? [] : [{ id, how: "is declared differently now" }];
}

/** How a resource's change differs from the saved one; undefined when it is the same. */
function howMoved(
  then: SavedChange | undefined,
  now: Change | undefined,
  digest: Digest,
): string | undefined {
  if (now === undefined)
    return then?.verb === "delete" ? "is gone already" : "is as declared already, or no longer declared";
  const { host } = subjectOf(now);
  if (then === undefined) return `was in sync and differs now${unitWords(now)}`;
  const present = savedChange(now, digest);
  if (then.verb !== present.verb)
    return present.verb === "create" ? `is missing on ${host} now` : `is on ${host} now`;
  if (then.after !== present.after) return "is declared differently now";
  return then.before === present.before ? undefined : `changed on ${host} since`;
}

/** The units of a change by name: their values may be secret. */
function unitWords(change: Change): string {
  const names = diffUnits(change).map(({ unit }) => unit);
  if (names.length === 0) return "";
  return names.length > 3 ? `: ${names.slice(0, 3).join(", ")} and more` : `: ${names.join(", ")}`;
}

function movedActivations(
  then: SavedPart,
  { component, pendingActivation }: ComponentPlan,
): readonly Moved[] {
  const same =
    JSON.stringify([...then.pendingActivation].sort()) === JSON.stringify([...pendingActivation].sort());
  return same ? [] : [{ id: component, how: "has other changes that wait to be made live" }];
}
