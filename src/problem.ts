/** What is wrong with a site, found before anything is touched. */
import { defined } from "./defined.ts";
import { type ProblemCode, problemCodes } from "./problem-codes/index.ts";
import type { Severity } from "./problem-codes/kind.ts";
import type { SourceRef } from "./resource.ts";

export interface Problem {
  readonly severity: Severity;
  /** "PHX0203": stable, described in `problemCodes`. */
  readonly code: ProblemCode;
  /** One line: what is wrong, with the names the user wrote. */
  readonly message: string;
  readonly at: SourceRef;
  /** Other places that are part of it. */
  readonly related?: readonly SourceRef[];
  /** What to do about it. */
  readonly hint?: string;
}

/** What a problem may say besides its message; `severity` where the code's table leaves it open ("error" when absent). */
export interface ProblemMore<Code extends ProblemCode> {
  readonly hint?: string | undefined;
  readonly related?: readonly SourceRef[];
  readonly severity?: ((typeof problemCodes)[Code]["severity"] extends "both" ? Severity : never) | undefined;
}

/** A problem, with the severity that the table of codes gives it. */
export function problemOf<Code extends ProblemCode>(
  code: Code,
  at: SourceRef,
  message: string,
  { hint, related = [], severity }: ProblemMore<Code> = {},
): Problem {
  const fixed = problemCodes[code].severity;
  return {
    severity: fixed === "both" ? (severity ?? "error") : fixed,
    code,
    message,
    at,
    ...defined({ related: related.length === 0 ? undefined : related, hint }),
  };
}

/** The order that problems are shown in: by file, line, column, then code. */
export function compareProblems(a: Problem, b: Problem): number {
  return (
    compare(a.at.file, b.at.file) ||
    a.at.line - b.at.line ||
    a.at.column - b.at.column ||
    compare(a.code, b.code)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
