/** Planning: reads the live state, finds what differs and what forbids it. Reads only; all components side by side. */
import type { Component, Hazard, Impact } from "../component.ts";
import { mergedImpacts, noImpact } from "../impact.ts";
import { type Change, type Resource, subjectOf } from "../resource.ts";
import { diff, digestOf, fingerprint } from "./diff.ts";
import { leftBehind, leftBehindNotes } from "./left-behind.ts";
import { inOrder, select } from "./order.ts";
import type { ComponentPlan, Plan } from "./plan.ts";
import { shrinkHazards } from "./safety.ts";
import { Turn } from "./turn.ts";
import { expectedFailure, type RunOptions, type RunWorld, unreadBy } from "./world.ts";

/** What a sync would do now. Changes nothing. */
export async function plan(
  components: readonly Component[],
  run: RunWorld,
  options: RunOptions,
): Promise<Plan> {
  const { selected } = select(components, options);
  const read = await Promise.all(selected.map((component) => planComponent(component, run, options)));
  const known = withAwaited(read, selected, options);
  const plans = await Promise.all(known.map((part) => withImpact(part, selected, run)));
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
  options: RunOptions,
): readonly ComponentPlan[] {
  const known = new Map(parts.map((part) => [part.component, part]));
  for (const { name, after } of inOrder(components)) {
    const part = known.get(name);
    const waitsFor = after.find((before) => isNew(known.get(before)));
    if (part?.unread?.kind !== "not-ready" || waitsFor === undefined) continue;
    const { unread: _, ...rest } = part;
    const changes = [...takeovers(part.hazards, options), ...part.desired.map(creationOf)];
    known.set(name, { ...rest, changes, waitsFor });
  }
  return parts.map((part) => known.get(part.component) ?? part);
}

/** Adds what clients notice, as far as the component can tell. */
async function withImpact(
  part: ComponentPlan,
  components: readonly Component[],
  run: RunWorld,
): Promise<ComponentPlan> {
  if (part.changes.length === 0) return part;
  const component = components.find(({ name }) => name === part.component);
  const foreign = new Set(part.hazards.flatMap((hazard) => hazard.foreign?.changes ?? []));
  const own = part.changes.filter((change) => !foreign.has(change));
  const taken = part.changes.filter((change) => foreign.has(change)).map((change) => subjectOf(change).id);
  const notices = taken.map((id) => `${id.slice(id.indexOf("/") + 1)}, which is not ours, is taken over`);
  const judged = component === undefined ? noImpact : await impactOf(component, own, run);
  return { ...part, impact: mergedImpacts([judged, { ...noImpact, notices }]) };
}

/** What clients notice of a component's changes, as far as it can tell. */
export async function impactOf(
  component: Component,
  changes: readonly Change[],
  run: RunWorld,
): Promise<Impact> {
  const unknown = [`changes of ${component.name}`];
  if (component.impact === undefined) return { ...noImpact, unknown };
  try {
    return await component.impact(changes, new Turn(run, component).io);
  } catch (error) {
    expectedFailure(error);
    return { ...noImpact, unknown };
  }
}

function isNew(part: ComponentPlan | undefined): boolean {
  if (part === undefined || part.desired.length === 0) return false;
  const created = part.changes.filter(({ verb }) => verb === "create");
  return created.length === part.desired.length;
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
  const isSelected = ({ id }: Pick<Resource, "id">): boolean => component.only?.has(id) ?? true;
  const [pending, all] = await Promise.all([
    run.journal.pending(component.name),
    run.journal.owned(component.name),
  ]);
  const pendingActivation = pending.filter((id) => isSelected({ id }));
  const owned = all.filter(isSelected);
  const known = {
    component: component.name,
    desired,
    pendingActivation,
    unreadResources,
    notes,
    ...(component.only === undefined ? {} : { partial: true as const }),
  };
  const nothing = { changes: [], hazards: [], orphans: [], leftBehind: [], unreadResources: [] };
  let live: readonly Resource[];
  try {
    live = await component.read(turn.io);
  } catch (error) {
    const unread = unreadBy(expectedFailure(error));
    const hazards = unread.kind === "error" ? [] : await hazardsUnread(turn, desired);
    return { ...known, ...nothing, unread, hazards };
  }
  const unreadIds = new Set(unreadResources.flatMap(({ ids }) => ids));
  const wasRead = ({ id }: Pick<Resource, "id">): boolean => !unreadIds.has(id);
  const { changes, orphans } = diff(desired.filter(wasRead), live.filter(wasRead));
  // A place that could not be read has not been left.
  const left = unreadResources.length > 0 ? [] : leftBehind(component, owned, desired, live);
  const prune = options.allow.has("prune");
  const isPruned = (live: Resource): boolean => prune || component.prunes?.(live) === true;
  const deletes = orphans.filter(isPruned).reverse();
  const own = [...changes, ...deletes.map((live) => ({ verb: "delete" as const, live }))];
  let hazards: readonly Hazard[];
  try {
    hazards = await hazardsOf(turn, own);
  } catch (error) {
    return { ...known, ...nothing, unread: unreadBy(expectedFailure(error)) };
  }
  return {
    ...known,
    changes: [...takeovers(hazards, options), ...own],
    hazards,
    orphans: orphans.filter((live) => !isPruned(live)),
    leftBehind: prune ? [] : left,
    pendingActivation: pendingActivation.filter((id) => wasRead({ id })),
    notes: [...notes, ...leftBehindNotes(left, prune)],
  };
}

function creationOf(desired: Resource): Change {
  return { verb: "create", desired };
}

/** What takes over the foreign things that there is consent for. */
function takeovers(hazards: readonly Hazard[], { allow }: RunOptions): readonly Change[] {
  const adopted = hazards.filter(({ consent }) => consent !== undefined && allow.has(consent));
  return adopted.flatMap(({ foreign }) => foreign?.changes ?? []);
}

async function hazardsOf({ component, io }: Turn, changes: readonly Change[]): Promise<readonly Hazard[]> {
  if (changes.length === 0) return [];
  return [...shrinkHazards(component.name, changes), ...((await component.hazards?.(changes, io)) ?? [])];
}

/** Likewise where the live state cannot be read yet: what can be seen already. */
async function hazardsUnread(turn: Turn, desired: readonly Resource[]): Promise<readonly Hazard[]> {
  try {
    return await hazardsOf(turn, desired.map(creationOf));
  } catch (error) {
    expectedFailure(error);
    return [];
  }
}
