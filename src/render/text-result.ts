/** What a sync or verify did: a line per component, then each failure with its hints, then the summary. */
import type { Check } from "../component.ts";
import type { ComponentResult, RunResult } from "../engine/plan.ts";
import type { ExitCode } from "../errors.ts";
import { option } from "../option-names.ts";
import { subjectOf } from "../resource.ts";
import { closingWords } from "./closing.ts";
import { errorLines, hintLines } from "./errors.ts";
import { hanging, table, wrapAtDots } from "./layout.ts";
import { noteLines, signOfChanges } from "./notes.ts";
import { checksOf, summaryLine } from "./summary.ts";
import { nameOf } from "./text-changes.ts";
import { painted, type Sign, type View } from "./view.ts";
import { count, duration, flat } from "./words.ts";

/** Failed checks that are listed before "… n more". */
const mostChecks = 10;

/** @param cut why the run ended early: "Interrupted" */
export function resultLines(
  result: RunResult,
  exitCode: ExitCode,
  view: View,
  cut?: string,
): readonly string[] {
  const { components } = result;
  const rows = components.map((component) => [
    `${signOf(component)} ${component.component}`,
    whatHappened(component, result.command, view),
    checksOf(component),
    component.outcome === "skipped" ? "" : duration(component.durationMs),
  ]);
  const columns = [
    { paint: (text: string) => painted(text.slice(0, 1) as Sign, view.paint) + text.slice(1) },
    { flexible: true as const },
    {},
    { align: "right" as const, paint: view.paint.dim },
  ];
  const blocks = components.flatMap((component) => failureBlocks(component, view));
  const orphans = components.flatMap((component) => component.orphans);
  const notes = noteLines(components, orphans, view);
  const closing = hanging("", closingWords(result, exitCode, cut), view.width).filter((line) => line !== "");
  // A run that was interrupted before it did anything has nothing else to tell.
  if (cut !== undefined && components.every(({ outcome }) => outcome === "skipped")) return closing;
  return [
    ...table(rows, columns, view.width),
    ...(notes.length === 0 ? [] : ["", ...notes]),
    ...blocks.flatMap((block) => ["", ...block]),
    "",
    ...wrapAtDots(summaryLine(result), view.width),
    ...closing,
  ];
}

function signOf({ outcome, changes, checks }: ComponentResult): Sign {
  if (outcome === "failed" || outcome === "rolled-back") return "!";
  if (checks.some(({ status }) => status === "fail")) return "!";
  if (outcome !== "changed" && outcome !== "unchanged") return ">";
  if (checks.some(({ status }) => status === "waiting")) return ">";
  return signOfChanges(changes) ?? (outcome === "changed" ? "~" : "=");
}

function whatHappened(component: ComponentResult, command: RunResult["command"], view: View): string {
  const { outcome, reason, changes } = component;
  switch (outcome) {
    case "unchanged":
      return command === "verify" ? count(component.resources, "resource") : "in sync";
    case "changed":
      return changes.length === 0 ? "activated" : changedWords(component, view);
    case "deferred":
    case "skipped":
    case "interrupted":
      return reason === undefined ? outcome : `${outcome}: ${flat(reason)}`;
    case "failed":
      if (command === "verify") return "differs from the site";
      return changes.length === 0 ? "failed" : `failed; ${changedWords(component, view)}`;
    case "rolled-back":
      return "rolled back";
  }
}

/** Names of up to two changes, numbers of more: "chat on vm/1002 (drphoenix) created", "3 created, 1 updated". */
function changedWords({ changes }: ComponentResult, view: View): string {
  const past = { create: "created", update: "updated", delete: "deleted" } as const;
  if (changes.length <= 2)
    return changes.map((change) => `${nameOf(subjectOf(change), view)} ${past[change.verb]}`).join(", ");
  return (["create", "update", "delete"] as const)
    .map((verb) => ({ verb, n: changes.filter((change) => change.verb === verb).length }))
    .filter(({ n }) => n > 0)
    .map(({ verb, n }) => `${n} ${past[verb]}`)
    .join(", ");
}

function failureBlocks(component: ComponentResult, view: View): readonly (readonly string[])[] {
  const { outcome, reason, checks } = component;
  const failed = checks.filter(({ status }) => status === "fail");
  if (outcome === "failed" || outcome === "rolled-back") {
    const head = outcome === "rolled-back" ? `rolled back: ${component.component}` : component.component;
    const message = `${head}: ${reason ?? "no reason given"}`;
    // A failure that quotes its only failed check is complete.
    const isQuoted = failed.length === 1 && reason?.includes(failed[0]?.claim ?? "") === true;
    const listed = isQuoted ? [] : checkLines(failed, view);
    const isRepeated = !isQuoted && failed.some(({ hint }) => hint === component.hint);
    const hint = isRepeated ? [] : hintLines(component.hint, view);
    return [[...errorLines({ message }, view), ...listed, ...hint]];
  }
  if (failed.length === 0) return [];
  const message = `${component.component}: ${count(failed.length, "check")} failed`;
  return [[...errorLines({ message }, view), ...checkLines(failed, view)]];
}

function checkLines(failed: readonly Check[], view: View): readonly string[] {
  const shown = view.full ? failed : failed.slice(0, mostChecks);
  const hints = [...new Set(shown.flatMap(({ hint }) => (hint === undefined ? [] : [hint])))];
  const lines = shown.flatMap((check) => {
    const observed = check.observed === undefined ? "" : `; got: ${check.observed}`;
    return hanging("  check failed: ", flat(`${check.claim}${observed}`), view.width);
  });
  return [
    ...lines,
    ...(failed.length > shown.length ? [`  … ${failed.length - shown.length} more (${option.full})`] : []),
    ...hints.flatMap((hint) => hintLines(hint, view)),
  ];
}
