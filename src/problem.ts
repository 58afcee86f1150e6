/** What is wrong with a site, found before anything is touched. */
import type { SourceRef } from "./resource.ts";

export interface Problem {
  readonly severity: "error" | "warning";
  /** "PHX0203": stable, documented in docs/rules.md. */
  readonly code: string;
  /** One line: what is wrong, with the names the user wrote. */
  readonly message: string;
  readonly at: SourceRef;
  /** Other places that take part in it. */
  readonly related?: readonly SourceRef[];
  /** What to do about it. */
  readonly hint?: string;
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
