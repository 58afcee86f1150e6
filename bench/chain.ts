/** The longest chain of requests in a run: each was sent after the one before it was answered. */

export interface Step {
  readonly what: string;
  /** When it was requested, before waiting for a free slot, and when it was answered. Milliseconds. */
  readonly askedMs: number;
  readonly endedMs: number;
  readonly again: () => Promise<unknown>;
}

/**
 * From the last answer back to the first request: before each link comes the request that was answered last before the link was
 * sent, because that is what it can have waited for. If it waited for another one, it waited for less time.
 */
export function chainOf(steps: readonly Step[]): readonly Step[] {
  const byEnd = [...steps].sort((a, b) => b.endedMs - a.endedMs);
  const chain: Step[] = [];
  for (const step of byEnd) {
    const [next] = chain;
    if (next === undefined || step.endedMs <= next.askedMs) chain.unshift(step);
  }
  return chain;
}
