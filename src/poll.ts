/** Waiting for something that happens elsewhere: looking again, and trying again. */
import type { Clock } from "./component.ts";

export interface Patience {
  readonly clock: Clock;
  /** How long to go on, in milliseconds; there is always a first look, and a last one when the time is up. */
  readonly forMs: number;
  /** Between the first two looks, in milliseconds. */
  readonly pauseMs: number;
  /** Pauses double up to this; they stay the same unless it is given. Milliseconds. */
  readonly longestPauseMs?: number;
}

/**
 * Looks until `isDone`, which unless given means until there is something to see.
 * @returns what was seen last, also when the time was up
 */
export async function poll<T>(
  { clock, forMs, pauseMs, longestPauseMs = pauseMs }: Patience,
  look: () => Promise<T>,
  isDone: (seen: T) => boolean = (seen) => seen !== undefined,
): Promise<T> {
  const deadline = clock.now() + forMs;
  for (let pause = pauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    const seen = await look();
    const left = deadline - clock.now();
    if (isDone(seen) || left <= 0) return seen;
    await clock.sleep(Math.min(pause, left));
  }
}

/** Tries once more after each pause while the error may pass. @throws the last error */
export async function retry<T>(
  clock: Clock,
  pausesMs: readonly number[],
  attempt: () => Promise<T>,
  mayPass: (error: unknown) => boolean,
): Promise<T> {
  for (const pause of pausesMs) {
    try {
      return await attempt();
    } catch (error) {
      if (!mayPass(error)) throw error;
      await clock.sleep(pause);
    }
  }
  return attempt();
}
