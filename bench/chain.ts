/** The longest chain in what a run asked: each link was asked when the one before it had been answered. */

export interface Step {
  readonly what: string;
  /** When it was asked, waiting for a free place included, and when it was answered. Milliseconds. */
  readonly askedMs: number;
  readonly endedMs: number;
  readonly again: () => Promise<unknown>;
}

/**
 * From the last answer back to the first question: before each link goes what was answered last before it was asked, for
 * that is what it can have waited for. Whoever waited for something else waited less.
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
