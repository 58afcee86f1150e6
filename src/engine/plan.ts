/** What a run would do, and what it did: plain values that are printed, saved, hashed and compared. */
import type { Activation, Check, ComponentName, Hazard, Impact, Outcome } from "../component.ts";
import type { Change, HostName, Resource, ResourceId } from "../resource.ts";

export interface Plan {
  /** In the order they are applied. */
  readonly components: readonly ComponentPlan[];
  /** SHA-256 over every change: two plans with one digest do the same thing. */
  readonly digest: string;
}

export interface ComponentPlan {
  readonly component: ComponentName;
  readonly desired: readonly Resource[];
  readonly changes: readonly Change[];
  /** What clients notice of them; absent when there are none. */
  readonly impact?: Impact;
  /** What the changes endanger, and what they meet that is foreign; a sync asks for each one's consent. */
  readonly hazards: readonly Hazard[];
  /** Deletes that wait for consent (`--allow prune`): ours, but no longer declared. */
  readonly orphans: readonly Resource[];
  /** Ours in places where the component no longer looks; with `--allow prune` they are forgotten and none are left here. */
  readonly leftBehind: readonly OwnedResource[];
  /** Resources that an earlier run wrote and never activated. */
  readonly pendingActivation: readonly ResourceId[];
  /** Why the live state could not be read at all. */
  readonly unread?: Unread;
  /** This component is new as a whole and must be in place first: nothing of this one can exist before, so it is all created. */
  readonly waitsFor?: ComponentName;
  /** The run named single resources: the others were not looked at. */
  readonly partial?: true;
  /** Single resources that could not be read: left alone. */
  readonly unreadResources: readonly UnreadResources[];
  /** What was noticed while reading, a line each. */
  readonly notes: readonly string[];
}

/** What a component created, and where. */
export interface OwnedResource {
  readonly id: ResourceId;
  readonly host: HostName;
}

/** Why something could not be read: "not-ready" defers, "error" fails. */
export interface Unread {
  readonly kind: "not-ready" | "error";
  readonly reason: string;
  readonly hint?: string;
}

export interface UnreadResources extends Unread {
  readonly ids: readonly ResourceId[];
}

export interface RunResult {
  readonly command: "sync" | "verify";
  readonly components: readonly ComponentResult[];
  /** Machines that do not answer, which several failures may have in common. */
  readonly causes?: readonly Cause[];
  /** Components that this run did not cover: what failed for an external cause may need them. */
  readonly apart?: readonly ComponentName[];
  readonly durationMs: number;
}

/** A machine that does not answer. */
export interface Cause {
  readonly host: HostName;
  readonly address?: string;
  readonly reason: string;
  readonly hint?: string;
}

/** A resource that the run touched, and what a second look found of it. */
export interface Unsettled {
  readonly id: ResourceId;
  /**
   * "neither": not as before nor as declared. "unproven": as before, but making that live failed. "reverting": an armed undo
   * restores the previous state. "runs previous", "runs new": that version runs, and nothing else could be seen. "unknown":
   * nothing could be seen.
   */
  readonly found: "neither" | "unproven" | "reverting" | "runs previous" | "runs new" | "unknown";
}

export interface ComponentResult {
  readonly component: ComponentName;
  readonly outcome: Outcome;
  /** Why it was skipped, deferred, failed or rolled back. */
  readonly reason?: string;
  readonly hint?: string;
  /** Changes that are in place now. */
  readonly changes: readonly Change[];
  /** Changed, and back as before: a second look has found them so. */
  readonly restored: readonly ResourceId[];
  /** Touched, and neither surely in place nor surely as before. */
  readonly unsettled: readonly Unsettled[];
  /** Number of declared resources. */
  readonly resources: number;
  readonly orphans: readonly ResourceId[];
  /** Could not be looked at, since their machine is down: as they were, and the only thing that is wrong here. */
  readonly leftAlone?: readonly ResourceId[];
  /** What waits for another time, as the run's hours demand; it is as before. */
  readonly held?: readonly ResourceId[];
  readonly activations: readonly Activation[];
  readonly checks: readonly Check[];
  readonly notes: readonly string[];
  readonly durationMs: number;
}

/** Whether the plan would change nothing and everything could be read. */
export function isConverged({ components }: Plan): boolean {
  return components.every(isIdle);
}

/** Likewise for one component. */
export function isIdle({ changes, pendingActivation, unread, unreadResources }: ComponentPlan): boolean {
  const toDo = [...changes, ...pendingActivation, ...unreadResources];
  return toDo.length === 0 && unread === undefined;
}

/** It was held back as a whole: it is as it was before, and nothing is wrong with it. */
export function isWaiting({ outcome, held = [] }: ComponentResult): boolean {
  return outcome === "deferred" && held.length > 0;
}
