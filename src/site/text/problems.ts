/** Collects what is wrong with a site while it is read, so that everything is told at once. */
import type { Problem } from "../../problem.ts";
import type { SourceRef } from "../../resource.ts";

export interface ProblemMore {
  readonly hint?: string | undefined;
  readonly related?: readonly SourceRef[];
}

export class Problems {
  readonly #all: Problem[] = [];
  #errors = 0;

  error(code: string, at: SourceRef, message: string, more: ProblemMore = {}): void {
    this.#add("error", code, at, message, more);
  }

  warning(code: string, at: SourceRef, message: string, more: ProblemMore = {}): void {
    this.#add("warning", code, at, message, more);
  }

  get all(): readonly Problem[] {
    return this.#all;
  }

  /** How many of them are errors. */
  get errors(): number {
    return this.#errors;
  }

  #add(severity: Problem["severity"], code: string, at: SourceRef, message: string, more: ProblemMore): void {
    if (severity === "error") this.#errors += 1;
    this.#all.push({
      severity,
      code,
      message,
      at,
      ...(more.related === undefined || more.related.length === 0 ? {} : { related: more.related }),
      ...(more.hint === undefined ? {} : { hint: more.hint }),
    });
  }
}
