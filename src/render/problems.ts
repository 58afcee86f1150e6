/** Problems of a site as a compiler shows them: place, code, excerpt with a caret, other places, hint. */
import type { Problem } from "../problem.ts";
import { excerptLines, type Sources } from "./excerpt.ts";
import { hanging } from "./layout.ts";
import { offLines } from "./off.ts";
import type { CheckDocument } from "./output-schemas.ts";
import { placeOf } from "./text-changes.ts";
import type { View } from "./view.ts";
import { clean, count, duration, flat } from "./words.ts";

function problemLines(problem: Problem, sources: Sources, view: View): readonly string[] {
  const { paint } = view;
  const severity =
    problem.severity === "error" ? paint.red(problem.severity) : paint.yellow(problem.severity);
  const related = problem.related ?? [];
  const excerpt = excerptLines(problem.at, sources, view);
  return [
    `${placeOf(problem.at)}: ${severity}[${problem.code}]: ${flat(problem.message)}`,
    ...(excerpt.length === 0 ? [] : ["", ...excerpt]),
    ...related.map((at) => `${excerpt.length === 0 ? "  " : "       | "}also ${placeOf(at)}`),
    ...(problem.hint === undefined ? [] : hanging("  hint: ", clean(problem.hint), view.width)),
  ];
}

/** All problems, separated by empty lines. */
export function problemsLines(problems: readonly Problem[], sources: Sources, view: View): readonly string[] {
  return problems.flatMap((problem, at) => [
    ...(at === 0 ? [] : [""]),
    ...problemLines(problem, sources, view),
  ]);
}

/** The output of `phoenix check`: every problem, then a summary. */
export function checkLines(
  { problems, notes, size, off, durationMs }: CheckFacts,
  sources: Sources,
  view: View,
): readonly string[] {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const parts = [`${count(errors, "error")}, ${count(problems.length - errors, "warning")}`];
  if (size !== undefined)
    parts.push(
      `${count(size.guests, "guest")}, ${count(size.services, "service")}, ${count(size.stacks, "stack")}`,
    );
  return [
    ...problemsLines(problems, sources, view),
    ...(problems.length > 0 ? [""] : []),
    ...notes.flatMap((note) => hanging("note: ", flat(note), view.width)),
    ...offLines(off, view),
    [...parts, duration(durationMs)].join(" · "),
  ];
}

/** What a check found. */
export interface CheckFacts {
  readonly problems: readonly Problem[];
  /** A line each, about what reaches beyond the site. */
  readonly notes: readonly string[];
  /** Absent when the site has errors. */
  readonly size: SiteSize | undefined;
  /** Components that take no part; empty when the site has errors. */
  readonly off: CheckDocument["off"];
  readonly durationMs: number;
}

interface SiteSize {
  readonly guests: number;
  readonly services: number;
  readonly stacks: number;
}
