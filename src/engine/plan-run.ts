/** Planning: reads the live state, finds what differs and what forbids it. Reads only; all components side by side. */
import type { Component } from "../component.ts";
import type { Resource } from "../resource.ts";
import { diff, digestOf, fingerprint } from "./diff.ts";
import { leftBehind, leftBehindNotes } from "./left-behind.ts";
import { select } from "./order.ts";
import type { ComponentPlan, Plan } from "./plan.ts";
import { refuseHazards, shrinkHazards } from "./safety.ts";
import { Turn } from "./turn.ts";
import { expectedFailure, type RunOptions, type RunWorld, unreadBy } from "./world.ts";

/** What a sync would do now. Changes nothing. */
export async function plan(
  components: readonly Component[],
  run: RunWorld,
  options: RunOptions,
): Promise<Plan> {
  const { selected } = select(components, options.only, options.skip);
  const plans = await Promise.all(selected.map((component) => planComponent(component, run, options)));
  const parts = plans.flatMap((part) => [...part.changes.map(fingerprint), ...part.pendingActivation]);
  return { components: plans, digest: digestOf(parts) };
}

/** @throws RefusedError for a plan with a hazard that has no consent, before anything is touched */
export async function refuseUnsafe(
  components: readonly Component[],
  run: RunWorld,
  options: RunOptions,
  parts: readonly ComponentPlan[],
): Promise<void> {
  const hazards = await Promise.all(
    parts.map(async ({ component: name, changes }) => {
      const component = components.find((candidate) => candidate.name === name);
      if (component === undefined || changes.length === 0) return [];
      const own = (await component.hazards?.(changes, new Turn(run, component).io)) ?? [];
      return [...shrinkHazards(name, changes), ...own];
    }),
  );
  refuseHazards(hazards.flat(), options.allow);
}

/** What a sync would do to one component now. Changes nothing. */
export async function planComponent(
  component: Component,
  run: RunWorld,
  options: RunOptions,
): Promise<ComponentPlan> {
  const turn = new Turn(run, component);
  const { notes, unread: unreadResources } = turn;
  turn.starts("read");
  const desired = component.compile(run.site);
  const [pendingActivation, owned] = await Promise.all([
    run.journal.pending(component.name),
    run.journal.owned(component.name),
  ]);
  const known = { component: component.name, desired, pendingActivation, unreadResources, notes };
  let live: readonly Resource[];
  try {
    live = await component.read(turn.io);
  } catch (error) {
    const unread = unreadBy(expectedFailure(error));
    return { ...known, changes: [], orphans: [], leftBehind: [], unreadResources: [], unread };
  }
  const unreadIds = new Set(unreadResources.flatMap(({ ids }) => ids));
  const wasRead = ({ id }: Pick<Resource, "id">): boolean => !unreadIds.has(id);
  const { changes, orphans } = diff(desired.filter(wasRead), live.filter(wasRead));
  // A place that could not be read has not been left.
  const left = unreadResources.length > 0 ? [] : leftBehind(component, owned, desired, live);
  const prune = options.allow.has("prune");
  const deletes = [...orphans].reverse().map((live) => ({ verb: "delete" as const, live }));
  return {
    ...known,
    changes: prune ? [...changes, ...deletes] : changes,
    orphans: prune ? [] : orphans,
    leftBehind: prune ? [] : left,
    pendingActivation: pendingActivation.filter((id) => wasRead({ id })),
    notes: [...notes, ...leftBehindNotes(left, prune)],
  };
}
