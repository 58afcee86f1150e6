/** An unattended run: where the site comes from, what hours it has, what it found and did. */
import { defined } from "../defined.ts";
import { isConverged, type Plan, type RunResult } from "../engine/plan.ts";
import type { ExitCode } from "../errors.ts";
import { errorLines } from "./errors.ts";
import { planDocument, resultDocument } from "./json.ts";
import { hanging } from "./layout.ts";
import type { SourceDocument, UnattendedDocument } from "./output-schemas.ts";
import { isUneventful } from "./summary.ts";
import { type PlanFacts, planLines } from "./text-plan.ts";
import { resultLines } from "./text-result.ts";
import type { View } from "./view.ts";
import { flat, list } from "./words.ts";

export interface UnattendedRun {
  readonly plan: Plan;
  readonly result: RunResult;
  readonly source?: SourceDocument["source"];
  /** The declared hours as they were when the run began. */
  readonly hours?: {
    readonly windows: readonly string[];
    readonly zone: string;
    readonly isOpen: boolean;
    /** Milliseconds since the epoch. */
    readonly nextMs?: number;
    /** The same for people: "sun 01:00 Europe/Berlin". */
    readonly opening: string;
  };
}

export interface UnattendedFacts {
  readonly command: UnattendedDocument["command"];
  readonly exitCode: ExitCode;
  readonly plan: PlanFacts;
}

export function unattendedDocument(
  { plan, result, source, hours }: UnattendedRun,
  { command, exitCode, plan: facts }: UnattendedFacts,
): UnattendedDocument {
  const next = hours?.nextMs === undefined ? undefined : new Date(hours.nextMs).toISOString();
  return {
    format: "phoenix.unattended/1",
    command,
    ...defined({
      source,
      hours: hours && {
        windows: hours.windows,
        zone: hours.zone,
        open: hours.isOpen,
        ...defined({ next }),
      },
      plan: command === "verify" ? planDocument(plan, facts, exitCode) : undefined,
    }),
    result: resultDocument(result, { site: facts.site, world: facts.world }, exitCode),
    exitCode,
  };
}

/** @param quiet says nothing of a run that found everything well and changed nothing */
export function unattendedLines(
  { plan, result, source, hours }: UnattendedRun,
  { command, exitCode, plan: facts }: UnattendedFacts,
  quiet: boolean,
  view: View,
): readonly string[] {
  const from = source === undefined ? [] : sourceLines(source, view, quiet);
  if (quiet && isUneventful(result, exitCode)) return from;
  const declared = hours === undefined ? [] : hoursLines(hours, view);
  const pending = command === "verify" && !isConverged(plan) ? [...planLines(plan, facts, view), ""] : [];
  return [...from, ...declared, ...pending, ...resultLines(result, exitCode, view)];
}

/** One line where the site is at its newest commit, an error where it could not go there. */
export function sourceLines(
  { outcome, message, hint, upstream }: SourceDocument["source"],
  view: View,
  quiet: boolean,
): readonly string[] {
  const from = upstream === undefined ? "" : ` (${upstream})`;
  if (outcome === "updated") return hanging("site   ", `updated: ${flat(message)}${from}`, view.width);
  if (outcome === "current" || outcome === "ahead")
    return quiet ? [] : hanging("site   ", `${outcome}: ${flat(message)}${from}`, view.width);
  return errorLines({ message: `the site was not updated${from}: ${message}`, hint }, view);
}

/** "hours  closed until sun 01:00 Europe/Berlin (mon-fri 02:00-05:00)". */
function hoursLines(
  { windows, zone, isOpen, opening }: NonNullable<UnattendedRun["hours"]>,
  view: View,
): readonly string[] {
  const declared = `${list(windows.map(flat))}, ${zone}`;
  const text = isOpen ? `open (${declared})` : `closed until ${opening} (${declared})`;
  return hanging("hours  ", text, view.width);
}
