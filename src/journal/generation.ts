/** What a run leaves behind, from its plan and its result: the live resources before and after it. Pure. */
import type { ComponentPlan, ComponentResult } from "../engine/plan.ts";
import { type Resource, type ResourceId, subjectOf } from "../resource.ts";

/** What a run knows of one component's live state. */
export interface Seen {
  /** Undefined for what does not exist. */
  readonly resources: ReadonlyMap<ResourceId, Resource | undefined>;
  /** What is not among them does not exist; otherwise nothing is known of it. */
  readonly whole: boolean;
  /** Not declared any more. Some are read in another form then: nothing says that they are not as they were. */
  readonly orphans: ReadonlySet<ResourceId>;
}

/** What the plan has found; undefined where nothing could be read. */
export function foundBy(part: ComponentPlan | undefined): Seen | undefined {
  if (part === undefined || part.unread !== undefined || part.waitsFor !== undefined) return undefined;
  const before = new Map<ResourceId, Resource | undefined>();
  const changes = new Map(part.changes.map((change) => [subjectOf(change).id, change]));
  const unread = unreadIds(part);
  for (const desired of part.desired) {
    const change = changes.get(desired.id);
    if (unread.has(desired.id)) continue;
    const live = change === undefined ? desired : change.verb === "create" ? undefined : change.live;
    if (live?.unread === undefined) before.set(desired.id, live);
  }
  const gone = part.changes.flatMap((change) => (change.verb === "delete" ? [change.live] : []));
  for (const live of [...part.orphans, ...gone]) before.set(live.id, live);
  const orphans = new Set(part.orphans.map(({ id }) => id));
  return { resources: before, whole: part.partial !== true && unread.size === 0, orphans };
}

/** What is in place at the end; undefined where nothing is known of it. */
export function leftBy(part: ComponentPlan | undefined, result: ComponentResult): Seen | undefined {
  if (part === undefined) return undefined;
  const isDone = result.outcome === "changed" || result.outcome === "unchanged";
  const found = foundBy(part);
  // What could not be read for the plan was read, or created, in the component's turn.
  if (found === undefined && !isDone && result.changes.length === 0) return undefined;
  const after = new Map(found?.resources ?? []);
  const unread = unreadIds(part);
  if (isDone) for (const desired of part.desired) if (!unread.has(desired.id)) after.set(desired.id, desired);
  const declared = new Set(part.desired.map(({ id }) => id));
  for (const change of result.changes) {
    if (change.verb === "delete") after.set(change.live.id, undefined);
    else if (declared.has(change.desired.id)) after.set(change.desired.id, change.desired);
  }
  for (const { id } of result.unsettled) after.delete(id);
  const isWhole = found?.whole ?? (isDone && part.partial !== true);
  return {
    resources: after,
    whole: isWhole && result.unsettled.length === 0,
    orphans: found?.orphans ?? new Set(),
  };
}

function unreadIds({ unreadResources }: ComponentPlan): ReadonlySet<ResourceId> {
  return new Set(unreadResources.flatMap(({ ids }) => ids));
}
