/** The record of a run, from what the command line knows when it ends. Pure, but for the objects that it adds to a keeper. */
import type { ComponentName } from "../component.ts";
import { defined } from "../defined.ts";
import type { ComponentPlan, ComponentResult, Plan, RunResult } from "../engine/plan.ts";
import type { FingerprintOf } from "../fingerprint.ts";
import type { KeptSite } from "../kept-site.ts";
import type { Redact } from "../redaction.ts";
import { type Change, type Resource, subjectOf } from "../resource.ts";
import { foundBy, leftBy } from "./generation.ts";
import type { Keeper } from "./kept.ts";
import type { ObjectName } from "./objects.ts";
import type {
  KeptState,
  RecordedChange,
  RecordedChecks,
  RecordedComponent,
  RunRecord,
} from "./run-record.ts";
import type { Seal } from "./seal.ts";
import { keepSite } from "./stored.ts";

/** A run as the command line knows it when it ends. */
export interface FinishedRun {
  readonly command: string;
  readonly who: string;
  /** The machine phoenix ran on. */
  readonly host: string;
  /** SHA-256 over the site's files. */
  readonly siteDigest: string;
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  readonly exitCode: number;
  /** The site's warnings, a text each. */
  readonly warnings?: readonly string[];
  readonly result: RunResult;
  /** The plan: its changes are recorded too when they failed or were rolled back. */
  readonly plan?: Plan;
  /** The site it was made from, with keyed fingerprints in place of its secrets. */
  readonly site?: (fingerprintOf: FingerprintOf) => KeptSite;
  /** Of a run that was made from other kept sites: the one that declares a resource. */
  readonly siteOf?: (resource: Resource) => ObjectName | undefined;
  /** Generations to keep, this one included; 50 unless given. */
  readonly keep?: number;
}

interface Known {
  /** The run before, and the states that it has left. */
  readonly last: RunRecord | undefined;
  readonly states: ReadonlyMap<ComponentName, KeptState>;
  readonly keeper: Keeper;
  readonly redact: Redact;
  readonly fingerprintOf: FingerprintOf;
  readonly seal: Seal;
}

export function recordFor(finished: FinishedRun, known: Known): Omit<RunRecord, "generation"> {
  const { result, plan, site, siteOf, keep: _, ...run } = finished;
  const { keeper, redact, fingerprintOf, last, seal } = known;
  const own = site && keepSite(site(fingerprintOf), keeper, seal);
  const partOf = ({ component }: ComponentResult): ComponentPlan | undefined =>
    plan?.components.find((part) => part.component === component);
  const state: Record<ComponentName, ObjectName> = { ...last?.state };
  const components = result.components.map((component): RecordedComponent => {
    const part = partOf(component);
    const left = leftBy(part, component);
    const before = known.states.get(component.component);
    const declared = new Set(part?.desired.map(({ id, text }) => JSON.stringify([id, text])));
    const declaredBy = (resource: Resource): ObjectName | undefined =>
      declared.has(JSON.stringify([resource.id, resource.text])) ? (siteOf?.(resource) ?? own) : undefined;
    if (left !== undefined) state[component.component] = keeper.state(left, before, declaredBy);
    return recordedComponent(component, part, known);
  });
  const warnings = run.warnings?.map(redact);
  return {
    ...run,
    ...defined({ warnings, site: own }),
    durationMs: result.durationMs,
    components,
    state,
  };
}

function recordedComponent(
  result: ComponentResult,
  part: ComponentPlan | undefined,
  { keeper, redact, states }: Known,
): RecordedComponent {
  const { component, outcome, reason, hint, durationMs, activations, checks } = result;
  const found = foundBy(part);
  const before = states.get(component);
  return {
    component,
    outcome,
    ...defined({ reason: reason && redact(reason), hint: hint && redact(hint), durationMs }),
    changes: changesOf(result, part).map((change) => recordedChange(change, keeper)),
    ...(activations.length === 0 ? {} : { activations }),
    checks: recordedChecks(checks, redact),
    ...defined({ found: found && keeper.state(found, before) }),
  };
}

function recordedChecks(checks: ComponentResult["checks"], redact: Redact): RecordedChecks {
  const failed = checks.filter(({ status }) => status !== "pass");
  return {
    passed: checks.length - failed.length,
    failed: failed.map(({ resource, claim, observed }) => ({
      resource,
      claim: redact(claim),
      ...defined({ observed: observed && redact(observed) }),
    })),
  };
}

/** What was done, and then what was planned and is not in place. */
function changesOf(
  { changes }: ComponentResult,
  part: ComponentPlan | undefined,
): readonly { change: Change; inPlace: boolean }[] {
  const done = new Set(changes.map((change) => subjectOf(change).id));
  const planned = part?.changes ?? [];
  return [
    ...changes.map((change) => ({ change, inPlace: true })),
    ...planned
      .filter((change) => !done.has(subjectOf(change).id))
      .map((change) => ({ change, inPlace: false })),
  ];
}

function recordedChange(
  { change, inPlace }: { change: Change; inPlace: boolean },
  keeper: Keeper,
): RecordedChange {
  const { id, host } = subjectOf(change);
  const before = change.verb === "create" ? undefined : keeper.content(change.live);
  const after = change.verb === "delete" ? undefined : keeper.content(change.desired);
  const secret = [before, after].some((content) => content !== undefined && content.text === undefined);
  return {
    verb: change.verb,
    id,
    host,
    inPlace,
    ...defined({ before: before && keeper.addContent(before), after: after && keeper.addContent(after) }),
    ...(secret ? { sensitive: true } : {}),
  };
}
