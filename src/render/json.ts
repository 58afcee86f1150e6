/** Plans, results and the rest as the documents of `output-schemas.ts`. Pure; they never contain sensitive values. */
import type { Hazard } from "../component.ts";
import { defined } from "../defined.ts";
import type { ComponentPlan, Plan, RunResult } from "../engine/plan.ts";
import { isConverged } from "../engine/plan.ts";
import type { ExitCode } from "../errors.ts";
import type { Event } from "../event.ts";
import { compareProblems } from "../problem.ts";
import { type Change, subjectOf, type UnitChange } from "../resource.ts";
import { fingerprintIn } from "../secret-spans.ts";
import { escapeUnseen } from "../unseen.ts";
import type {
  CheckDocument,
  ErrorDocument,
  EventDocument,
  OutputDocument,
  PlanDocument,
  ResultDocument,
} from "./output-schemas.ts";
import type { CheckFacts } from "./problems.ts";
import { tallyOf } from "./summary.ts";
import { documentsOf } from "./text-changes.ts";
import { differenceLines } from "./text-diff.ts";
import { type PlanFacts, planTally } from "./text-plan.ts";
import type { Ending } from "./text-result.ts";
import { shownUnits } from "./units.ts";
import { plainView } from "./view.ts";

export function checkDocument(
  site: string,
  { problems, notes, size, off, durationMs }: CheckFacts,
  exitCode: ExitCode,
): CheckDocument {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  return {
    format: "phoenix.check/1",
    site,
    problems: [...problems].sort(compareProblems),
    errors,
    warnings: problems.length - errors,
    notes: [...notes],
    ...(size ?? {}),
    off: [...off],
    durationMs,
    exitCode,
  };
}

export function planDocument(plan: Plan, facts: Omit<PlanFacts, "apply">, exitCode: ExitCode): PlanDocument {
  const { create, update, remove } = planTally(plan);
  return {
    format: "phoenix.plan/1",
    site: facts.site,
    world: facts.world,
    digest: plan.digest,
    converged: isConverged(plan),
    create,
    update,
    delete: remove,
    ...defined({ refusal: facts.refusal }),
    components: plan.components.map(componentPlan),
    off: [...facts.off],
    durationMs: facts.durationMs,
    exitCode,
  };
}

function componentPlan(part: ComponentPlan): PlanDocument["components"][number] {
  return {
    component: part.component,
    resources: part.desired.length,
    changes: part.changes.map(changeDocument),
    ...defined({ impact: part.impact }),
    hazards: part.hazards.map(hazardDocument),
    orphans: part.orphans.map(({ id }) => id),
    pendingActivation: part.pendingActivation,
    ...defined({ unread: part.unread, waitsFor: part.waitsFor }),
    unreadResources: part.unreadResources,
    notes: part.notes,
  };
}

function hazardDocument(hazard: Hazard): PlanDocument["components"][number]["hazards"][number] {
  const { consent, message, hint, from, foreign } = hazard;
  const { host, name, takeover } = foreign ?? {};
  return defined({
    ...{ consent, message, hint, from },
    foreign: host && name ? defined({ host, name, takeover }) : undefined,
  });
}

export function changeDocument(change: Change): PlanDocument["components"][number]["changes"][number] {
  const { id, host, sensitive } = subjectOf(change);
  const from = change.verb === "delete" ? undefined : change.desired.from;
  return {
    verb: change.verb,
    id,
    host,
    units: shownUnits(change).map((unit) => {
      const texts = sensitive === true ? undefined : documentsOf(unit, change);
      const diff = texts && differenceLines(...texts, { ...plainView, full: true }).join("\n");
      const more = defined({ diff, from: from?.[unit.unit] });
      return { ...(sensitive === true ? onlyMarks(unit) : unit), ...more };
    }),
    ...(sensitive === true ? { sensitive } : {}),
  };
}

/** Of values that are secret as a whole, only keyed fingerprints are shown. */
function onlyMarks(unit: UnitChange): PlanDocument["components"][number]["changes"][number]["units"][number] {
  const { before, after }: { readonly before?: string; readonly after?: string } = unit;
  const mark = (value: string | undefined): string | undefined =>
    value !== undefined && fingerprintIn(value) !== undefined ? value : undefined;
  return defined({ verb: unit.verb, unit: unit.unit, before: mark(before), after: mark(after) });
}

export function resultDocument(
  result: RunResult,
  origin: Pick<ResultDocument, "site" | "world">,
  exitCode: ExitCode,
  { newWarnings = [] }: Pick<Ending, "newWarnings"> = {},
): ResultDocument {
  return {
    format: "phoenix.result/2",
    command: result.command,
    ...origin,
    ...tallyOf(result),
    components: result.components.map((one) => ({ ...one, changes: one.changes.map(changeDocument) })),
    causes: result.causes ?? [],
    apart: result.apart ?? [],
    newWarnings,
    durationMs: result.durationMs,
    exitCode,
  };
}

/** An error as it is shown. */
export interface ShownError {
  readonly name: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly exitCode: ExitCode;
}

export function errorDocument({ name, message, hint, exitCode }: ShownError): ErrorDocument {
  return { format: "phoenix.error/1", kind: name, message, ...defined({ hint }), exitCode };
}

export function eventDocument(event: Event, nowMs: number): EventDocument {
  return { format: "phoenix.event/2", time: new Date(nowMs).toISOString(), ...event };
}

/** A document as text: indented, or on one line. What could turn the reading direction or hide is written as an escape. */
export function documentText(document: OutputDocument | EventDocument, form: "json" | "ndjson"): string {
  return `${escapeUnseen(JSON.stringify(document, null, form === "json" ? 2 : 0))}\n`;
}
