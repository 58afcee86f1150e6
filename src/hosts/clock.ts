/** The real clock. */
import { setMaxListeners } from "node:events";
import type { Clock } from "../component.ts";
import { InterruptedError } from "../errors.ts";

/** Sleeping ends with InterruptedError as soon as `signal` is aborted. */
export function realClock(signal: AbortSignal): Clock {
  setMaxListeners(0, signal);
  return {
    now: () => Date.now(),
    sleep: (ms) =>
      new Promise((resolve, reject) => {
        const interrupt = (): void => {
          clearTimeout(timer);
          reject(interrupted());
        };
        const timer = setTimeout(() => {
          signal.removeEventListener("abort", interrupt);
          resolve();
        }, ms);
        if (signal.aborted) interrupt();
        else signal.addEventListener("abort", interrupt, { once: true });
      }),
  };
}

export function interrupted(): InterruptedError {
  return new InterruptedError("interrupted");
}

/** A duration for people: "30 s", "1.5 s". */
export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
