/** The live view on a terminal: one line per component, redrawn in place. */
import type { ComponentName, Outcome } from "../component.ts";
import { clip, padEnd, padStart } from "./layout.ts";
import type { ComponentProgress, Progress } from "./progress.ts";
import { checksWord } from "./summary.ts";
import { painted, type Sign, type View } from "./view.ts";
import { count, duration, flat, list } from "./words.ts";

const timeWidth = 8;

export function liveLines(progress: Progress, nowMs: number, view: View): readonly string[] {
  const nameWidth = Math.max(0, ...progress.components.map(({ component }) => component.length));
  const unfinished = progress.components
    .filter(({ phase }) => phase !== "finished")
    .map(({ component }) => component);
  return progress.components.map((one) => {
    const sign = signOf(one);
    const head = `${painted(sign, view.paint)} ${padEnd(one.component, nameWidth)}  `;
    // One column stays free: a line that fills the last one makes some terminals wrap.
    const room = Math.min(view.width, 100) - nameWidth - 4 - timeWidth - 1;
    const text = padEnd(clip(doing(one, nowMs, room, unfinished), room), room);
    return `${head}${text}${view.paint.dim(padStart(timeOf(one, nowMs), timeWidth))}`;
  });
}

const outcomeSigns = {
  unchanged: "=",
  changed: "~",
  deferred: ">",
  skipped: ">",
  interrupted: ">",
  failed: "!",
  "rolled-back": "!",
} as const satisfies Record<Outcome, Sign>;

/** How a component stands, at a glance. */
export function signOf(one: ComponentProgress): Sign {
  if (one.phase !== "finished" || one.outcome === undefined) return one.applied > 0 ? "~" : " ";
  if (one.checksFailed > 0) return "!";
  return one.checksWaiting > 0 && outcomeSigns[one.outcome] !== "!" ? ">" : outcomeSigns[one.outcome];
}

/**
 * What a component is doing, or how it ended. When a wait does not fit into `room`, its reason is cut, never its time.
 * @param unfinished the components that are not done yet
 */
export function doing(
  one: ComponentProgress,
  nowMs: number,
  room = Number.POSITIVE_INFINITY,
  unfinished: readonly ComponentName[] = [],
): string {
  const checks = checksDone(one);
  const changes = one.applied > 0 ? count(one.applied, "change") : "";
  if (one.phase === "finished")
    return [outcomeWord(one), changes, waitingWord(one), checks].filter((part) => part !== "").join(", ");
  if (one.waitsFor !== undefined) {
    const limit = one.waitsFor.untilMs - one.sinceMs;
    const time = ` · ${whole(nowMs - one.sinceMs)} of ${whole(limit)}`;
    const made = one.phase === "apply" && one.changes > 1 ? `${one.applied} of ${one.changes} made, ` : "";
    return clip(`${made}waiting for ${flat(one.waitsFor.what)}`, room - time.length) + time;
  }
  switch (one.phase) {
    case "queued": {
      const before = one.after.filter((name) => unfinished.includes(name));
      return before.length === 0 ? "waiting for its turn" : `waits for ${list(before)}`;
    }
    case "read":
      return "reading";
    case "apply":
      return progressWord(one);
    case "verify":
      return checks === "" ? "verifying" : `verifying, ${checks}`;
  }
}

/** "applying, 3 of 8 changes made". */
function progressWord({ applied, changes }: ComponentProgress): string {
  if (changes > 1) return `applying, ${applied} of ${changes} changes made`;
  return applied === 0 ? "applying" : `applying, ${count(applied, "change")} made`;
}

function checksDone({ checksPassed, checksFailed }: ComponentProgress): string {
  return checksPassed + checksFailed === 0
    ? ""
    : checksWord({ checksPassed, checksFailed, checksWaiting: 0 });
}

/** "8 checks wait for stacks"; empty when none waits. */
export function waitingWord({ checksWaiting: n, checksWaitFor }: ComponentProgress): string {
  return n === 0 ? "" : `${count(n, "check")} ${n === 1 ? "waits" : "wait"} for ${list(checksWaitFor)}`;
}

/** "in sync", "changed", "failed: why". */
export function outcomeWord({ outcome, reason }: Pick<ComponentProgress, "outcome" | "reason">): string {
  const word =
    outcome === "unchanged" ? "in sync" : outcome === "rolled-back" ? "rolled back" : (outcome ?? "");
  return reason === undefined ? word : `${word}: ${flat(reason)}`;
}

function timeOf(one: ComponentProgress, nowMs: number): string {
  if (one.phase === "finished") return one.durationMs === undefined ? "" : duration(one.durationMs);
  return one.phase === "queued" || one.waitsFor !== undefined || nowMs - one.sinceMs < 1000
    ? ""
    : whole(nowMs - one.sinceMs);
}

function whole(ms: number): string {
  return `${Math.max(0, Math.round(ms / 1000))} s`;
}
