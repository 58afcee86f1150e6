/** The lab's clock: the real one, or ahead of it by what lab.json says. */
import type { Clock } from "../src/component.ts";
import { realClock } from "../src/hosts/clock.ts";

export function labClock(offsetMs: number, signal: AbortSignal): Clock {
  const real = realClock(signal);
  return { now: () => real.now() + offsetMs, sleep: (ms) => real.sleep(ms) };
}
