/** Progress on an output that cannot be redrawn: a line for each event that matters, and heartbeats in between. */
import type { Event } from "../event.ts";
import { doing, outcomeWord, waitingWord } from "./live.ts";
import type { Progress } from "./progress.ts";
import type { View } from "./view.ts";
import { duration, flat, oneLine } from "./words.ts";

/** How long a component may go without a line before a heartbeat shows what it is doing, in milliseconds. */
export const heartbeatMs = 10_000;

/** The line of an event after which the run stands at `progress`; undefined for reads, and for checks that passed or wait. */
export function plainLine(event: Event, progress: Progress, view: View): string | undefined {
  switch (event.type) {
    case "waiting":
      return `${event.component}: waiting for ${flat(event.for)}`;
    case "change-applied":
      return `${event.component}: ${event.verb} ${oneLine(event.id)}`;
    case "activated": {
      const { kind, unit, host } = event.activation;
      return `${event.component}: ${kind} ${oneLine(unit)} on ${view.hostName(host)}`;
    }
    case "check-finished":
      return event.check.status === "fail"
        ? `${event.component}: check failed: ${flat(event.check.claim)}`
        : undefined;
    case "note":
      return `${event.component}: ${flat(event.text)}`;
    case "component-finished": {
      const one = progress.components.find(({ component }) => component === event.component);
      const waiting = one === undefined || one.checksWaiting === 0 ? "" : `, ${waitingWord(one)}`;
      return `${event.component}: ${outcomeWord(event)}${waiting} (${duration(event.durationMs)})`;
    }
    default:
      return undefined;
  }
}

/** One line for each component that is at work and had no line for a while. */
export function heartbeatLines(progress: Progress, nowMs: number): readonly string[] {
  return progress.components
    .filter(
      ({ phase, sinceMs }) => phase !== "queued" && phase !== "finished" && nowMs - sinceMs >= heartbeatMs,
    )
    .map((one) => {
      const time = one.waitsFor === undefined ? ` · ${duration(nowMs - one.sinceMs)}` : "";
      return `${one.component}: still ${doing(one, nowMs)}${time}`;
    });
}
