/** Planning: reads the live state, finds what differs and what forbids it. Reads only; all components side by side. */
import type { Component } from "../component.ts";
import type { Resource } from "../resource.ts";
import { diff, digestOf, fingerprint } from "./diff.ts";
import { leftBehind, leftBehindNotes } from "./left-behind.ts";
import { inOrder, select } from "./order.ts";
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
  const read = await Promise.all(selected.map((component) => planComponent(component, run, options)));
  const plans = withAwaited(read, selected);
  return { components: plans, digest: digestOf(plans.map(digestOfPart)) };
}

/** Two parts with one digest do the same thing. */
export function digestOfPart({ component, changes, pendingActivation }: ComponentPlan): string {
  return digestOf([component, ...changes.map(fingerprint), ...pendingActivation]);
}

/** What cannot be read before a component that is new as a whole is in place does not exist yet: all of it is to be created. */
function withAwaited(
  parts: readonly ComponentPlan[],
  components: readonly Component[],
): readonly ComponentPlan[] {
  const known = new Map(parts.map((part) => [part.component, part]));
  for (const { name, after } of inOrder(components)) {
    const part = known.get(name);
    const waitsFor = after.find((before) => isNew(known.get(before)));
    if (part?.unread?.kind !== "not-ready" || waitsFor === undefined) continue;
    const { unread: _, ...rest } = part;
    const changes = part.desired.map((desired) => ({ verb: "create" as const, desired }));
    known.set(name, { ...rest, changes, waitsFor });
  }
  return parts.map((part) => known.get(part.component) ?? part);
}

function isNew(part: ComponentPlan | undefined): boolean {
  if (part === undefined || part.desired.length === 0) return false;
  const created = part.changes.filter(({ verb }) => verb === "create");
  return created.length === part.desired.length;
}

/** @throws RefusedError for a plan with a hazard that has no consent, before anything is touched */
export async function refuseUnsafe(
  components: readonly Component[],
  run: RunWorld,
  options: RunOptions,
  parts: readonly ComponentPlan[],
): Promise<void> {
  const hazards = await Promise.all(
    parts.map(async ({ component: name, changes, waitsFor }) => {
      const component = components.find((candidate) => candidate.name === name);
      // What cannot be read yet has nothing to look at; its turn looks at it.
      if (component === undefined || changes.length === 0 || waitsFor !== undefined) return [];
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
