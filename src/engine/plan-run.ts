/** Planning: what is read, what differs, what stands in the way. Reads only; every component side by side. */
import type { Component } from "../component.ts";
import { PhoenixError } from "../errors.ts";
import type { Resource } from "../resource.ts";
import { diff, digestOf, fingerprint } from "./diff.ts";
import { leftBehind, leftBehindNotes } from "./left-behind.ts";
import type { ComponentPlan, Plan } from "./plan.ts";
import { refuseHazards, shrinkHazards } from "./safety.ts";
import { select } from "./select.ts";
import { endsRun, ioOf, type RunOptions, type RunWorld, unreadBy } from "./world.ts";

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

/**
 * Refuses a plan that a guard objects to, before anything is touched.
 * @throws RefusedError
 */
export async function refuseUnsafe(
  components: readonly Component[],
  run: RunWorld,
  options: RunOptions,
  planned: Plan,
): Promise<void> {
  const hazards = await Promise.all(
    planned.components.map(async ({ component: name, changes }) => {
      const component = components.find((candidate) => candidate.name === name);
      if (component === undefined || changes.length === 0) return [];
      const own = (await component.hazards?.(changes, ioOf(run, component).io)) ?? [];
      return [...shrinkHazards(name, changes), ...own];
    }),
  );
  refuseHazards(hazards.flat(), options.allow);
}

export async function planComponent(
  component: Component,
  run: RunWorld,
  options: RunOptions,
): Promise<ComponentPlan> {
  run.emit({ type: "component-started", component: component.name, phase: "read" });
  const desired = component.compile(run.site);
  const [pendingActivation, owned] = await Promise.all([
    run.journal.pending(component.name),
    run.journal.owned(component.name),
  ]);
  const { io, reports } = ioOf(run, component);
  let live: readonly Resource[];
  try {
    live = await component.read(io);
  } catch (error) {
    if (!(error instanceof PhoenixError) || endsRun(error)) throw error;
    const nothing = { changes: [], orphans: [], leftBehind: [], pendingActivation, unreadResources: [] };
    const { notes } = reports;
    return { component: component.name, desired, ...nothing, notes, unread: unreadBy(error) };
  }
  const unreadIds = new Set(reports.unread.flatMap(({ ids }) => ids));
  const wasRead = ({ id }: Resource): boolean => !unreadIds.has(id);
  const { changes, orphans } = diff(desired.filter(wasRead), live.filter(wasRead));
  const prune = options.allow.has("prune");
  const deletes = prune
    ? [...orphans].reverse().map((resource) => ({ verb: "delete" as const, live: resource }))
    : [];
  // A place that could not be read has not been left.
  const left = reports.unread.length > 0 ? [] : leftBehind(component, owned, desired, live);
  return {
    component: component.name,
    desired,
    changes: [...changes, ...deletes],
    orphans: prune ? [] : orphans,
    leftBehind: prune ? [] : left,
    pendingActivation: pendingActivation.filter((id) => !unreadIds.has(id)),
    unreadResources: reports.unread,
    notes: [...reports.notes, ...leftBehindNotes(left, prune)],
  };
}
