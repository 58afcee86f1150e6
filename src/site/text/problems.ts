/** Collects what is wrong with a site while it is read, so that everything is reported at once. */
import { type Problem, type ProblemMore, problemOf } from "../../problem.ts";
import type { ProblemCode } from "../../problem-codes/index.ts";
import type { SourceRef } from "../../resource.ts";

export class Problems {
  readonly #all: Problem[] = [];
  #errors = 0;

  /**
   * Adds a problem at a place, or at a cell's; its code decides whether it is an error, and allows `severity` in `more` where it may be either.
   * Returns undefined, so that a reader can end with it.
   */
  report<Code extends ProblemCode>(
    code: Code,
    at: SourceRef | { readonly ref: SourceRef },
    message: string,
    more: ProblemMore<Code> = {},
  ): undefined {
    const problem = problemOf(code, "ref" in at ? at.ref : at, message, more);
    if (problem.severity === "error") this.#errors += 1;
    this.#all.push(problem);
  }

  /** Reports that a value is not a valid `noun`, and returns undefined for it. */
  invalid(
    code: ProblemCode,
    { ref, text }: { readonly ref: SourceRef; readonly text: string | undefined },
    noun: string,
    hint?: string,
  ): undefined {
    return this.report(code, ref, `${JSON.stringify(text)} is not a valid ${noun}`, { hint });
  }

  get all(): readonly Problem[] {
    return this.#all;
  }

  /** How many of them are errors. */
  get errors(): number {
    return this.#errors;
  }
}
