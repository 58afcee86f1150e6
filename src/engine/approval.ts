/** What an approved plan allows: everything that it lists, and nothing else. Pure. */
import { type Change, diffUnits, type Resource, subjectOf } from "../resource.ts";
import { fingerprint } from "./diff.ts";
import type { ComponentPlan } from "./plan.ts";

/** The changes that the approved plan does not list. An earlier component may have made a part of a listed one already. */
export function unlisted(approved: ComponentPlan | undefined, changes: readonly Change[]): readonly Change[] {
  return changes.filter((change) => !isListed(change, approved));
}

function isListed(change: Change, approved: ComponentPlan | undefined): boolean {
  // What could not be read is listed as something to create, or to update where it exists.
  if (approved !== undefined && wasAwaited(subjectOf(change), approved))
    return change.verb !== "delete" && approved.desired.some(({ id }) => id === change.desired.id);
  const same = approved?.changes.find((one) => subjectOf(one).id === subjectOf(change).id);
  if (same === undefined || !leadsToSame(same, change)) return false;
  if (fingerprint(same) === fingerprint(change)) return true;
  const listed = new Set(diffUnits(same).map((unit) => JSON.stringify(unit)));
  const units = diffUnits(change);
  return units.length > 0 && units.every((unit) => listed.has(JSON.stringify(unit)));
}

/** It could not be read when the plan was made, because an earlier component was to bring what it needs. */
function wasAwaited({ id }: Resource, { unread, unreadResources }: ComponentPlan): boolean {
  const own = unreadResources.find(({ ids }) => ids.includes(id));
  return (unread ?? own)?.kind === "not-ready";
}

/** The changes as they were planned, where they lead to the same: what the run as a whole has done since it began. */
export function sincePlan(changes: readonly Change[], planned: ComponentPlan | undefined): readonly Change[] {
  return changes.map((change) => planned?.changes.find((one) => leadsToSame(one, change)) ?? change);
}

function leadsToSame(one: Change, other: Change): boolean {
  if (subjectOf(one).id !== subjectOf(other).id) return false;
  if (one.verb === "delete" || other.verb === "delete") return one.verb === other.verb;
  return one.desired.text === other.desired.text;
}
