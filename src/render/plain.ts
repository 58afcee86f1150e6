/** Progress on an output that cannot be redrawn: a line for each event that matters, and heartbeats in between. */
import type { Event } from "../event.ts";
import { doing, outcomeWord } from "./live.ts";
import type { Progress } from "./progress.ts";
import type { View } from "./view.ts";
import { duration, flat, oneLine } from "./words.ts";

/** How long a component may go without a line before a heartbeat shows what it is doing, in milliseconds. */
export const heartbeatMs = 10_000;

/** The line of an event; undefined for reads and passed checks. */
export function plainLine(event: Event, view: View): string | undefined {
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
      return event.check.status === "pass"
        ? undefined
        : `${event.component}: check failed: ${flat(event.check.claim)}`;
    case "note":
      return `${event.component}: ${flat(event.text)}`;
    case "component-finished": {
      return `${event.component}: ${outcomeWord(event)} (${duration(event.durationMs)})`;
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
