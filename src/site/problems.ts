/** Collects what is wrong with a site while it is read, so that everything is told at once. */
import type { Problem } from "../problem.ts";
import type { SourceRef } from "../resource.ts";

export interface ProblemMore {
  readonly hint?: string | undefined;
  readonly related?: readonly SourceRef[];
}

export class Problems {
  readonly #all: Problem[] = [];

  error(code: string, at: SourceRef, message: string, more: ProblemMore = {}): void {
    this.#add("error", code, at, message, more);
  }

  warning(code: string, at: SourceRef, message: string, more: ProblemMore = {}): void {
    this.#add("warning", code, at, message, more);
  }

  get all(): readonly Problem[] {
    return this.#all;
  }

  get hasErrors(): boolean {
    return this.#all.some(({ severity }) => severity === "error");
  }

  #add(severity: Problem["severity"], code: string, at: SourceRef, message: string, more: ProblemMore): void {
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
