/** Warnings of a site that are new since the last run: a typing error that costs a setting shows there. Pure. */
import type { Problem } from "../problem.ts";

/** A warning as the history keeps it; without its line, which moves when something else is edited. */
export function warningText({ code, at, message }: Problem): string {
  return `${code} ${at.file}: ${message}`;
}

/** @param before the last run's warnings; undefined when they are unknown, and then none is new */
export function newWarnings(
  warnings: readonly Problem[],
  before: readonly string[] | undefined,
): readonly Problem[] {
  if (before === undefined) return [];
  const known = new Set(before);
  return warnings.filter((warning) => !known.has(warningText(warning)));
}
