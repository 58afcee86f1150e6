/** One cause is one error: what fell because of it is counted, not repeated. Pure. */
import type { Check } from "../component.ts";
import { mayBeExplained, reasonsOf, speaksOf, textOf } from "../engine/explained.ts";
import type { Cause, ComponentResult, RunResult } from "../engine/plan.ts";
import { errorLines, hintLines } from "./errors.ts";
import { hanging } from "./layout.ts";
import type { View } from "./view.ts";
import { count, list } from "./words.ts";

export interface Explained {
  /** A block of lines for each cause. */
  readonly blocks: readonly (readonly string[])[];
  /** What is left to tell of each component. */
  readonly components: readonly ComponentResult[];
}

/** Tells what several failures have in common once, and leaves the rest of each component. */
export function explained({ components, causes = [] }: RunResult, view: View): Explained {
  const blocks = causes.flatMap((cause) => causeLines(cause, components, view));
  const isExplained = (text: string): boolean => causes.some((cause) => speaksOf(text, cause));
  return { blocks, components: components.map((component) => withoutExplained(component, isExplained)) };
}

function causeLines(
  cause: Cause,
  components: readonly ComponentResult[],
  view: View,
): readonly (readonly string[])[] {
  const fallen = components.flatMap((component) => {
    const failures = reasonsOf(component).filter((text) => speaksOf(text, cause)).length;
    const checks = component.checks.filter(
      (check) => mayBeExplained(check) && speaksOf(textOf(check), cause),
    );
    return [
      ...(failures === 0 ? [] : [`${component.component} failed`]),
      ...(checks.length === 0 ? [] : [`${count(checks.length, "check")} of ${component.component} failed`]),
    ];
  });
  if (fallen.length === 0) return [];
  const reason = cause.reason.replace(cause.host, view.hostName(cause.host));
  return [
    [
      ...errorLines({ message: reason }, view),
      ...hintLines(cause.hint, view),
      ...hanging("  because of it: ", list(fallen), view.width),
    ],
  ];
}

function withoutExplained(
  component: ComponentResult,
  isExplained: (text: string) => boolean,
): ComponentResult {
  const isLeft = (check: Check): boolean => !(mayBeExplained(check) && isExplained(textOf(check)));
  const checks = component.checks.filter(isLeft);
  const reasons = reasonsOf(component);
  const left = reasons.filter((reason) => !isExplained(reason));
  if (left.length === reasons.length) return { ...component, checks };
  const { reason: _, hint: __, ...rest } = component;
  // The hints of several failures are not told apart: those that are left are in the failures' own words.
  if (left.length === 0) return { ...rest, outcome: "skipped", checks };
  return { ...rest, reason: left.join(";\n"), checks };
}
