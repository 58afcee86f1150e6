/** Ctrl-C in two steps: the first finishes the step under way, the second stops at once. */

export class Interruption {
  readonly #stop = new AbortController();
  readonly #now = new AbortController();
  readonly #listeners: (() => void)[] = [];
  #gentle = false;
  #reason: "signal" | "timeout" | undefined;

  /** Aborted: finish what is being changed and begin nothing else. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted: stop now. */
  get now(): AbortSignal {
    return this.#now.signal;
  }

  /** Why the run ends early, once it does. */
  get reason(): "signal" | "timeout" | undefined {
    return this.#reason;
  }

  /** Says that a step is under way that should be finished: until then the first interruption stops at once. */
  beGentle(onFirst: () => void): void {
    this.#gentle = true;
    this.#listeners.push(onFirst);
  }

  /** One signal from outside, or the end of the time that was given. */
  interrupt(reason: "signal" | "timeout"): void {
    this.#reason ??= reason;
    const first = !this.#stop.signal.aborted;
    this.#stop.abort();
    if (!first || !this.#gentle) this.#now.abort();
    else for (const listener of this.#listeners) listener();
  }
}
