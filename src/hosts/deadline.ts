/** Time that somebody else may take to answer. */

/** Milliseconds. */
const stepMs = 100;

/**
 * Calls `late` when the time is up. Only time counts in which this process could have seen an answer: one that was too busy to look,
 * or whose machine slept, would call others silent that have answered. A step that ends late counts as one step.
 * @returns what ends the wait before its time
 */
export function deadline(ms: number, late: () => void): () => void {
  let left = ms;
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const step = Math.min(stepMs, left);
    timer = setTimeout(() => {
      left -= step;
      if (left > 0) wait();
      else late();
    }, step);
  };
  wait();
  return () => clearTimeout(timer);
}
