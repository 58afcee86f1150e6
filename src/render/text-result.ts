/** What a sync or verify did: a line per component, then each failure with its hints, then the summary. */
import type { Check, ComponentName } from "../component.ts";
import { mayBeExplained } from "../engine/explained.ts";
import type { ComponentResult, RunResult } from "../engine/plan.ts";
import type { ExitCode } from "../errors.ts";
import { option } from "../option-names.ts";
import type { Problem } from "../problem.ts";
import { subjectOf } from "../resource.ts";
import { answerLines, type NamedService } from "./answers.ts";
import { explained } from "./causes.ts";
import { closingWords } from "./closing.ts";
import { errorLines, hintLines } from "./errors.ts";
import { hanging, table, wrapAtDots } from "./layout.ts";
import { noteLines, signOfChanges } from "./notes.ts";
import { checksOf, summaryLine } from "./summary.ts";
import { nameOf, placeOf } from "./text-changes.ts";
import { painted, type Sign, type View } from "./view.ts";
import { count, duration, flat, list } from "./words.ts";

/** Failed checks that are listed before "… n more". */
const mostChecks = 10;

/** What the command line knows of a run besides its result. */
export interface Ending {
  /** Why it ended early: "Interrupted". */
  readonly cut?: string;
  /** Warnings of the site that the last run did not have. */
  readonly newWarnings?: readonly Problem[];
  /** The site's services. */
  readonly services?: readonly NamedService[];
}

export function resultLines(
  result: RunResult,
  exitCode: ExitCode,
  view: View,
  { cut, newWarnings = [], services = [] }: Ending = {},
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
  const { blocks: causes, components: left } = explained(result, view);
  const skipped = components.filter(({ outcome }) => outcome === "skipped").map(({ component }) => component);
  const apart = [...(result.apart ?? []), ...skipped];
  const { block: elsewhere, components: own } = failedElsewhere(left, apart, view);
  const blocks = [...causes, ...groupedFailures(own, view), ...elsewhere];
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
    ...(result.command === "sync" ? answerLines(result, services, view) : []),
    ...newWarnings.flatMap((warning) =>
      hanging("new since the last run: ", warningWords(warning), view.width),
    ),
    ...closing,
  ];
}

function warningWords({ at, code, message }: Problem): string {
  return `${placeOf(at)}: warning[${code}]: ${flat(message)}`;
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

/** Components that failed for one reason are one error. */
function groupedFailures(components: readonly ComponentResult[], view: View): readonly (readonly string[])[] {
  const groups = new Map<string, ComponentResult[]>();
  for (const component of components) {
    const { outcome, reason = "", checks } = component;
    const isPlain = outcome === "failed" && checks.length === 0;
    const key = isPlain ? reason : component.component;
    groups.set(key, [...(groups.get(key) ?? []), component]);
  }
  return [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const names = [first, ...others].map(({ component }) => component);
    return failureBlocks(first, list(names), view);
  });
}

function failureBlocks(component: ComponentResult, name: string, view: View): readonly (readonly string[])[] {
  const { outcome, reason, checks } = component;
  const failed = checks.filter(({ status }) => status === "fail");
  if (outcome === "failed" || outcome === "rolled-back") {
    const head = outcome === "rolled-back" ? `rolled back: ${name}` : name;
    const message = `${head}: ${reason ?? "no reason given"}`;
    // A failure that quotes its only failed check is complete.
    const isQuoted = failed.length === 1 && reason?.includes(failed[0]?.claim ?? "") === true;
    const listed = isQuoted ? [] : checkLines(failed, view);
    const isRepeated = !isQuoted && failed.some(({ hint }) => hint === component.hint);
    const hint = isRepeated ? undefined : component.hint;
    return [[...errorLines({ message, hint }, view), ...listed]];
  }
  if (failed.length === 0) return [];
  const message = `${name}: ${count(failed.length, "check")} failed`;
  return [[...errorLines({ message }, view), ...checkLines(failed, view)]];
}

/** Checks whose cause may lie in components that this run did not cover are one error. */
function failedElsewhere(
  components: readonly ComponentResult[],
  apart: readonly ComponentName[],
  view: View,
): { readonly block: readonly (readonly string[])[]; readonly components: readonly ComponentResult[] } {
  const failed = components.flatMap(({ checks }) => checks.filter(mayBeExplained));
  if (apart.length === 0 || failed.length === 0) return { block: [], components };
  const message = `${count(failed.length, "check")} failed for an external cause; this run did not cover ${list(apart)}`;
  const hint = `\`phoenix sync ${apart.join(" ")}\` sets up what may be missing`;
  const lines = [...errorLines({ message, hint }, view), ...checkLines(failed, view, false)];
  const left = components.map((one) => ({
    ...one,
    checks: one.checks.filter((check) => !mayBeExplained(check)),
  }));
  return { block: [lines], components: left };
}

/** Each check with what was seen, and its hint below it; one that several have in common stands below the last of them. */
function checkLines(failed: readonly Check[], view: View, hinted = true): readonly string[] {
  const shown = view.full ? failed : failed.slice(0, mostChecks);
  const lines = shown.flatMap((check, at) => {
    const observed = check.observed === undefined ? "" : `; got: ${check.observed}`;
    const isLast = hinted && shown[at + 1]?.hint !== check.hint;
    return [
      ...hanging("  check failed: ", flat(`${check.claim}${observed}`), view.width),
      ...(isLast ? hintLines(check.hint, view) : []),
    ];
  });
  const more = failed.length - shown.length;
  return [...lines, ...(more > 0 ? [`  … ${more} more (${option.full})`] : [])];
}
