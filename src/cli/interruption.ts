/** Ctrl-C in two steps: the first completes the current step, the second stops at once. */

export class Interruption {
  readonly #stop = new AbortController();
  readonly #now = new AbortController();
  #onFirst: (() => void) | undefined;

  /** Aborted: complete the change in progress and start nothing else. */
  readonly stop = this.#stop.signal;
  /** Aborted: stop now. */
  readonly now = this.#now.signal;
  /** Why the run ends early, once it does. */
  reason: "signal" | "timeout" | undefined;
  /** What the run was waiting for when its time was up; empty when that is not known. */
  waitedFor = "";
  /** Whether Ctrl-C is meant for the run. */
  hasKeyboard = true;

  /** From now on the first interruption lets the current step complete, and calls `onFirst`; until then it stops at once. */
  completeStepFirst(onFirst: () => void): void {
    this.#onFirst = onFirst;
  }

  /** Runs something that has the terminal for itself, like a pager: Ctrl-C is for that program, and does not end the run. */
  async withoutKeyboard<T>(use: () => Promise<T>): Promise<T> {
    this.hasKeyboard = false;
    return use().finally(() => {
      this.hasKeyboard = true;
    });
  }

  /** A signal from outside, or the end of the time that `--timeout` gives. */
  interrupt(reason: "signal" | "timeout", waitedFor = ""): void {
    this.reason ??= reason;
    this.waitedFor ||= waitedFor;
    const isFirst = !this.stop.aborted;
    this.#stop.abort();
    if (isFirst && this.#onFirst !== undefined) this.#onFirst();
    else this.#now.abort();
  }
}
