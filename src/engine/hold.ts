/** What of a plan waits for another time: a run that nobody watches disrupts in the hours that the site declares. */
import type { Component, ComponentName, Impact } from "../component.ts";
import { type Change, type ResourceId, subjectOf } from "../resource.ts";
import type { ComponentPlan } from "./plan.ts";
import { impactOf } from "./plan-run.ts";
import type { RunWorld } from "./world.ts";

export interface Hold {
  /** Why it waits: "waits for the repair hours, sun 01:00 (in 5 h)". */
  readonly reason: string;
  /** Whether changes that belong together wait, given what clients notice of them. */
  readonly waits: (changes: readonly Change[], impact: Impact) => boolean;
  /** Whether a change is too urgent to wait for anything, also for components that wait. */
  readonly isUrgent: (change: Change) => boolean;
}

/** What a component leaves undone in this run, and why. */
export interface Held {
  readonly ids: ReadonlySet<ResourceId>;
  readonly reason: string;
}

/**
 * What of a component's plan is held back. Of independent resources each is judged alone; otherwise the changes are one step.
 * @param behind a component that it builds on and that is held back itself
 */
export async function heldOf(
  component: Component,
  { changes, hazards }: Pick<ComponentPlan, "changes" | "hazards">,
  run: RunWorld,
  hold: Hold,
  behind: ComponentName | undefined,
): Promise<Held | undefined> {
  const judged = changes.filter((change) => !hold.isUrgent(change));
  if (behind !== undefined) return heldFor(judged, `waits for ${behind}`);
  const foreign = new Set(hazards.flatMap((hazard) => hazard.foreign?.changes ?? []));
  const steps = component.independent === true ? judged.map((change) => [change]) : [judged];
  const waiting = await Promise.all(
    steps.map(async (step) => {
      if (step.length === 0) return [];
      // What is taken over from somebody else is noticed by whoever made it.
      const isNoticed = step.some((change) => foreign.has(change));
      return isNoticed || hold.waits(step, await impactOf(component, step, run)) ? step : [];
    }),
  );
  return heldFor(waiting.flat(), hold.reason);
}

function heldFor(changes: readonly Change[], reason: string): Held | undefined {
  if (changes.length === 0) return undefined;
  return { ids: new Set(changes.map((change) => subjectOf(change).id)), reason };
}

/** The plan without what is held back. */
export function withoutHeld(part: ComponentPlan, { ids }: Held): ComponentPlan {
  return { ...part, changes: part.changes.filter((change) => !ids.has(subjectOf(change).id)) };
}
