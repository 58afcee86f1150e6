/** A run in progress as the page shows it, from what it left in the journal. Pure. */
import { defined } from "../defined.ts";
import { isObject } from "../formats/json/index.ts";
import type { LiveRun } from "../journal/live.ts";
import { doing, signOf } from "../render/live.ts";
import type { LiveDocument } from "../render/output-dashboard.ts";
import type { ComponentProgress } from "../render/progress.ts";

export function liveDocument(run: LiveRun, nowMs: number): LiveDocument {
  const { command, who, host, startedMs, told, toldMs } = run;
  const components = Array.isArray(told?.components) ? told.components.filter(isProgress) : [];
  return {
    ...{ command, who, host, started: new Date(startedMs).toISOString() },
    ...defined({ updated: toldMs === undefined ? undefined : new Date(toldMs).toISOString() }),
    components: components.map((one) => ({
      component: one.component,
      phase: one.phase,
      sign: signOf(one),
      doing: doing(one, nowMs),
      ...defined({ durationMs: one.durationMs }),
    })),
  };
}

const phases = ["queued", "read", "apply", "verify", "finished"];

/** Another version of Phoenix may have written it: what is drawn from it must be there. */
function isProgress(value: unknown): value is ComponentProgress {
  if (!isObject(value)) return false;
  const { component, phase, sinceMs, applied, checksPassed, checksFailed, checksWaiting, checksWaitFor } =
    value;
  return (
    typeof component === "string" &&
    phases.includes(String(phase)) &&
    [sinceMs, applied, checksPassed, checksFailed, checksWaiting].every((n) => typeof n === "number") &&
    Array.isArray(checksWaitFor)
  );
}
