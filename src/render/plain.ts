/** Progress where nothing can be redrawn: a line for each thing that happened, and a heartbeat while nothing does. */
import type { Event } from "../event.ts";
import { doing, outcomeWord } from "./live.ts";
import type { Progress } from "./progress.ts";
import type { View } from "./view.ts";
import { duration, flat, oneLine } from "./words.ts";

/** How long a component may be silent before it is said what it is doing, in milliseconds. */
export const heartbeatMs = 10_000;

/** The line that an event is worth, if any: reads and single checks are not. */
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
        : `${event.component}: not so: ${flat(event.check.claim)}`;
    case "note":
      return `${event.component}: ${flat(event.text)}`;
    case "component-finished": {
      const { outcome, reason } = event;
      const word = outcomeWord({ outcome, ...(reason === undefined ? {} : { reason }) });
      return `${event.component}: ${word} (${duration(event.durationMs)})`;
    }
    default:
      return undefined;
  }
}

/** One line for each component that is at work and has been silent for a while. */
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
