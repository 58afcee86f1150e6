/** Orphans in places that no component reads any more, because a role moved or a guest left the site: the inventory knows them. */
import type { Component, ComponentName } from "../component.ts";
import { option } from "../option-names.ts";
import { type Change, type Resource, subjectOf } from "../resource.ts";
import type { ComponentPlan, ComponentResult, OwnedResource } from "./plan.ts";

/**
 * Owned resources on hosts where the component neither declares nor sees anything: elsewhere it would have seen them. One
 * that finds declared resources only would not.
 */
export function leftBehind(
  { findsDeclaredOnly }: Pick<Component, "findsDeclaredOnly">,
  owned: readonly OwnedResource[],
  desired: readonly Resource[],
  live: readonly Resource[],
): readonly OwnedResource[] {
  const placeOf = ({ id, host }: OwnedResource): string => (findsDeclaredOnly ? `${id} ${host}` : host);
  const looked = new Set([...desired, ...live].map(placeOf));
  return owned.filter((one) => !looked.has(placeOf(one)));
}

/** One line for each place. */
export function leftBehindNotes(left: readonly OwnedResource[], forgotten: boolean): readonly string[] {
  const hosts = [...new Set(left.map(({ host }) => host))];
  return hosts.map((host) => {
    const names = left.filter((one) => one.host === host).map(({ id }) => id);
    const what = `${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""}`;
    return forgotten
      ? `${what} on ${host}, which the site no longer declares: ${option.allow} prune forgets it`
      : `${host} may still have ${what}, which the site no longer declares: remove it by hand; ${option.allow} prune then forgets it`;
  });
}

/** What the components of a run own after it; the inventory keeps one of each. @param before what each owned */
export function ownedAfter(
  results: readonly ComponentResult[],
  parts: readonly ComponentPlan[],
  before: ReadonlyMap<ComponentName, readonly OwnedResource[]>,
): ReadonlyMap<ComponentName, readonly OwnedResource[]> {
  const after = new Map<ComponentName, readonly OwnedResource[]>();
  for (const result of results) {
    const part = parts.find(({ component }) => component === result.component);
    if (part === undefined) continue;
    const { outcome, changes } = result;
    const wasRead = part.unread === undefined && part.unreadResources.length === 0;
    const isComplete = wasRead && part.partial !== true && (outcome === "changed" || outcome === "unchanged");
    const declared = new Set(part.desired.map(({ id }) => id));
    // What was taken over from somebody else is changed and not owned.
    const isOwn = (change: Change): boolean => change.verb === "delete" || declared.has(change.desired.id);
    after.set(
      result.component,
      isComplete
        ? [...part.desired, ...part.orphans, ...part.leftBehind]
        : changed(before.get(result.component) ?? [], changes.filter(isOwn)),
    );
  }
  return after;
}

function changed(owned: readonly OwnedResource[], changes: readonly Change[]): readonly OwnedResource[] {
  const nameOf = ({ id, host }: OwnedResource): string => `${id} ${host}`;
  const deleted = new Set(
    changes.flatMap((change) => (change.verb === "delete" ? [nameOf(change.live)] : [])),
  );
  const kept = owned.filter((one) => !deleted.has(nameOf(one)));
  return [...kept, ...changes.filter(({ verb }) => verb !== "delete").map(subjectOf)];
}
