/** The state of a run: a fold over its events. Pure; the live view and the plain lines are both drawn from it. */
import type { Check, ComponentName, Outcome } from "../component.ts";
import { defined } from "../defined.ts";
import type { Event } from "../event.ts";

export interface Progress {
  readonly command: string;
  readonly components: readonly ComponentProgress[];
  /** Everything was read for the plan: components that are not at work since then are queued. */
  readonly planned: boolean;
}

export interface ComponentProgress {
  readonly component: ComponentName;
  /** "queued": it has not started. */
  readonly phase: "queued" | "read" | "apply" | "verify" | "finished";
  /** When this phase or wait began, in milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly waitsFor?: { readonly what: string; readonly untilMs: number };
  readonly applied: number;
  /** How many changes are to be made; 0 when that is not known. */
  readonly changes: number;
  /** Components that must be done before it starts. */
  readonly after: readonly ComponentName[];
  readonly checksPassed: number;
  readonly checksFailed: number;
  readonly checksWaiting: number;
  /** The components that the waiting checks wait for. */
  readonly checksWaitFor: readonly ComponentName[];
  readonly outcome?: Outcome;
  readonly reason?: string;
  readonly durationMs?: number;
}

export const noProgress: Progress = { command: "", components: [], planned: false };

/** The progress after an event that happened at `nowMs`. */
export function advance(progress: Progress, event: Event, nowMs: number): Progress {
  if (event.type === "run-started") {
    const components = event.components.map((component) => {
      const after = event.after?.find((one) => one.component === component)?.waitsFor;
      return { ...queued(component, nowMs), after: after ?? [] };
    });
    return { command: event.command, components, planned: false };
  }
  const known = progress.components.some(({ component }) => component === event.component);
  // A prerequisite that was not selected is verified as well: it is added at the top.
  const all = known ? progress.components : [queued(event.component, nowMs), ...progress.components];
  const isWork = event.type === "component-started" && event.phase !== "read";
  const planEnds = isWork && !progress.planned;
  const components = all.map((one) => {
    if (one.component === event.component) return step(one, event, nowMs);
    const isQueued = planEnds && one.phase === "read";
    return isQueued ? { ...queued(one.component, nowMs), after: one.after } : one;
  });
  return { ...progress, components, planned: progress.planned || isWork };
}

const noChecks = { checksPassed: 0, checksFailed: 0, checksWaiting: 0, checksWaitFor: [] } as const;

function queued(component: ComponentName, sinceMs: number): ComponentProgress {
  return { component, phase: "queued", sinceMs, applied: 0, changes: 0, after: [], ...noChecks };
}

function step(
  before: ComponentProgress,
  event: Exclude<Event, { type: "run-started" }>,
  nowMs: number,
): ComponentProgress {
  switch (event.type) {
    case "component-started": {
      const { waitsFor: _, ...rest } = before;
      // Checks that run again after a rollback count once.
      const again = event.phase === "verify" ? noChecks : {};
      const { changes = before.changes } = event;
      return { ...rest, ...again, phase: event.phase, changes, sinceMs: nowMs };
    }
    case "waiting": {
      const same = before.waitsFor?.what === event.for;
      return {
        ...before,
        phase: before.phase === "queued" ? "read" : before.phase,
        waitsFor: { what: event.for, untilMs: event.untilMs },
        sinceMs: same ? before.sinceMs : nowMs,
      };
    }
    case "change-applied":
      return withoutWait({ ...before, applied: before.applied + 1 });
    case "check-finished":
      return withoutWait(withCheck(before, event.check.status, event.waitsFor));
    case "activated":
      return withoutWait(before);
    case "note":
      return before;
    case "component-finished": {
      const { outcome, reason, durationMs } = event;
      return withoutWait({ ...before, phase: "finished", outcome, durationMs, ...defined({ reason }) });
    }
  }
}

function withCheck(
  before: ComponentProgress,
  status: Check["status"],
  waitsFor: readonly ComponentName[] = [],
): ComponentProgress {
  switch (status) {
    case "pass":
      return { ...before, checksPassed: before.checksPassed + 1 };
    case "fail":
      return { ...before, checksFailed: before.checksFailed + 1 };
    case "waiting":
      return { ...before, checksWaiting: before.checksWaiting + 1, checksWaitFor: waitsFor };
  }
}

function withoutWait({ waitsFor: _, ...rest }: ComponentProgress): ComponentProgress {
  return rest;
}
