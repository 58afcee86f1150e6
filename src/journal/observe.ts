/** From what a run found to what is remembered of it: states, since when, and when each check last passed. Pure. */
import type { Check, ComponentName } from "../component.ts";
import { defined } from "../defined.ts";
import type { ComponentPlan, ComponentResult, Plan, RunResult } from "../engine/plan.ts";
import { type Change, diffUnits, type GuestName, type SourceRef, subjectOf } from "../resource.ts";
import type {
  Observation,
  ObservedCheck,
  ObservedComponent,
  ObservedGuest,
  ObservedRun,
} from "./observations.ts";

/** What a run found. What it did not look at keeps its state. */
export interface Look {
  readonly run: Omit<ObservedRun, "convergedMs">;
  /** What was pending; of a sync what it planned. */
  readonly plan?: Plan;
  /** What a sync did, or a verification found. Absent when the run ended before. */
  readonly result?: RunResult;
  /** Components that take no part in the site. */
  readonly off: readonly ComponentName[];
  /** Absent when nobody looked. */
  readonly certificates?: Observation["certificates"];
  /** Absent when nobody asked them. */
  readonly guests?: Readonly<Record<string, Pick<ObservedGuest, "state" | "reason">>>;
  /** Where the site is pulled from git: why that did not work, or nothing. */
  readonly source?: { readonly reason?: string; readonly hint?: string };
  /** Whether a change is only time passing, as the renewal of a certificate is: no drift. */
  readonly isRoutine?: (change: Change) => boolean;
  /** The consents that the run had. */
  readonly allowed?: ReadonlySet<string>;
  /** Replaces secrets in texts from outside. */
  readonly redact: (text: string) => string;
}

/** @param previous what the run before has left */
export function observe(previous: Observation | undefined, look: Look): Observation {
  const { run, off, certificates = previous?.certificates ?? {} } = look;
  const endedMs = run.endedMs;
  const states = [...statesOf(look), ...off.map((name) => [name, unseen("off")] as const)];
  const components = states.map(([name, found]) => {
    const before = previous?.components[name];
    return [name, lasting(found, before, endedMs)] as const;
  });
  const all = { ...previous?.components, ...Object.fromEntries(components) };
  // A run of one component says nothing of the others.
  const isWell = Object.values(all).every(({ state }) => state === "in sync" || state === "off");
  const convergedMs = run.exitCode === 0 && isWell ? endedMs : previous?.run.convergedMs;
  const source = look.source && sourceOf(previous, look.source, look);
  return {
    run: { ...run, ...defined({ convergedMs }) },
    components: all,
    checks: checksOf(previous?.checks ?? [], look),
    certificates,
    guests: guestsOf(previous?.guests ?? {}, look),
    ...defined({ source: source ?? previous?.source, notices: previous?.notices }),
  };
}

function guestsOf(previous: Observation["guests"], { guests, run, redact }: Look): Observation["guests"] {
  if (guests === undefined) return previous;
  return Object.fromEntries(
    Object.entries(guests).map(([host, { state, reason }]) => {
      const found = { state, ...defined({ reason: reason && redact(reason) }) };
      return [host, lasting(found, previous[host as GuestName], run.endedMs)];
    }),
  );
}

function sourceOf(
  previous: Observation | undefined,
  { reason, hint }: NonNullable<Look["source"]>,
  { run, redact }: Look,
): Observation["source"] {
  const state = reason === undefined ? "up to date" : "not updated";
  const texts = defined({ reason: reason && redact(reason), hint: hint && redact(hint) });
  return lasting({ state, ...texts } as const, previous?.source, run.endedMs);
}

type Found = Omit<ObservedComponent, "sinceMs" | "seenMs">;

function unseen(state: Found["state"]): Found {
  return { state, drift: 0, affected: [], durationMs: 0 };
}

/** The same state lasts; another one begins now. */
function lasting<T extends { readonly state: string }>(
  found: T,
  before: { readonly state: string; readonly sinceMs: number } | undefined,
  nowMs: number,
): T & { readonly sinceMs: number; readonly seenMs: number } {
  const sinceMs = before?.state === found.state ? before.sinceMs : nowMs;
  return { ...found, sinceMs, seenMs: nowMs };
}

/** The components that the run looked at as a whole, or found something wrong with. */
function statesOf(look: Look): readonly (readonly [ComponentName, Found])[] {
  const parts = look.plan?.components ?? [];
  const results = look.result?.components ?? [];
  const names = [...new Set([...parts, ...results].map(({ component }) => component))];
  return names.flatMap((name) => {
    const part = parts.find(({ component }) => component === name);
    const result = results.find(({ component }) => component === name);
    const found = stateOf(part, result, look);
    // Single resources that are well say nothing of the others.
    if (found === undefined || (part?.partial && found.state === "in sync")) return [];
    const { reason, hint, ...state } = found;
    const texts = { reason: reason && look.redact(reason), hint: hint && look.redact(hint) };
    return [[name, { ...state, ...defined(texts) }] as const];
  });
}

function stateOf(
  part: ComponentPlan | undefined,
  result: ComponentResult | undefined,
  look: Look,
): Found | undefined {
  const durationMs = result?.durationMs ?? 0;
  const planned = part && plannedState(part, look);
  const found = look.result?.command === "sync" && result ? syncedState(result, planned) : planned;
  if (found !== undefined && found.state !== "in sync") return { ...found, durationMs };
  const failure = result?.checks.find(({ status }) => status !== "pass");
  if (failure !== undefined) return { ...unproven(failure, part), durationMs };
  if (result?.outcome === "failed")
    return { ...unseen("unread"), ...defined({ reason: result.reason, hint: result.hint }), durationMs };
  return found && { ...found, durationMs };
}

function plannedState(part: ComponentPlan, { isRoutine = () => false, allowed }: Look): Found {
  const unread = part.unread ?? part.unreadResources[0];
  if (unread !== undefined) {
    const state = unread.kind === "error" ? "unread" : "not ready";
    const affected = part.unreadResources.flatMap(({ ids }) => ids);
    return { ...unseen(state), affected, reason: unread.reason, ...defined({ hint: unread.hint }) };
  }
  if (part.waitsFor !== undefined) return { ...unseen("not ready"), reason: `waits for ${part.waitsFor}` };
  const changes = part.changes.filter((change) => !isRoutine(change));
  const drift = changes.length + part.pendingActivation.length;
  if (drift === 0) return unseen("in sync");
  const affected = [...changes.map((change) => subjectOf(change).id), ...part.pendingActivation];
  const refused = part.hazards.find(({ consent }) => consent === undefined || !allowed?.has(consent));
  if (refused !== undefined) {
    const { message, hint = `\`phoenix plan ${part.component}\` shows what must be allowed`, from } = refused;
    return { ...unseen("refused"), drift, affected, reason: message, hint, ...defined({ from }) };
  }
  const [first] = changes;
  const from = first && placeOf(first);
  const hint = `\`phoenix plan ${part.component}\` shows it, \`phoenix sync ${part.component}\` repairs it`;
  return {
    ...unseen("drifted"),
    drift,
    affected,
    reason: driftReason(part, changes),
    hint,
    ...defined({ from }),
  };
}

function driftReason({ pendingActivation }: ComponentPlan, changes: readonly Change[]): string {
  const [first] = changes;
  if (first === undefined) return `${pendingActivation.join(", ")}: written, not active yet`;
  const units = diffUnits(first).filter(
    ({ before, after }: { before?: string; after?: string }) => before !== after,
  );
  const resource = subjectOf(first);
  const [unit] = resource.sensitive === true ? [] : units;
  const what =
    unit === undefined ? "" : ` (${unit.unit}${units.length > 1 ? ` and ${units.length - 1} more` : ""})`;
  const rest = changes.length === 1 ? "" : `; ${changes.length - 1} more`;
  return `${resource.id} to ${first.verb}${what}${rest}`;
}

/** Where the first difference is declared. */
function placeOf(change: Change): SourceRef | undefined {
  const { from = {} } = subjectOf(change);
  const declared = diffUnits(change).flatMap(({ unit }) => from[unit] ?? []);
  return declared[0] ?? Object.values(from)[0];
}

/** What is left of the plan once a sync has ended. */
function syncedState(result: ComponentResult, planned: Found | undefined): Found | undefined {
  const { outcome, changes } = result;
  const drift = Math.max(0, (planned?.drift ?? 0) - changes.length);
  const { affected = [], from } = planned ?? {};
  const why = { affected, ...defined({ reason: result.reason, hint: result.hint, from }) };
  switch (outcome) {
    case "changed":
    case "unchanged":
      return unseen("in sync");
    case "failed":
      return { ...unseen("failed"), ...why, drift };
    case "rolled-back":
      return { ...unseen("rolled back"), ...why, drift };
    case "deferred":
      // What waits for its hours is drift, whoever defers it.
      return { ...unseen(planned?.state === "drifted" ? "drifted" : "not ready"), ...why, drift };
    default:
      // Its turn did not come, or was cut short: the plan is all that is known.
      return planned;
  }
}

function unproven({ claim, observed, hint, resource }: Check, part: ComponentPlan | undefined): Found {
  const declared = part?.desired.find(({ id }) => id === resource)?.from ?? {};
  const named = Object.entries(declared).find(([unit]) => unit !== "" && claim.includes(unit));
  const from = named?.[1];
  const reason = observed === undefined ? claim : `check failed: ${claim}: ${observed}`;
  return { ...unseen("unproven"), reason, ...defined({ hint, from }) };
}

/** The checks of this run in place of the earlier ones of the same components or, in a run of single resources, resources. */
function checksOf(previous: readonly ObservedCheck[], look: Look): readonly ObservedCheck[] {
  const { run, result, plan, off, redact } = look;
  const nowMs = run.endedMs;
  const before = new Map(previous.map((check) => [keyOf(check), check]));
  const checked = (result?.components ?? []).filter(({ checks }) => checks.length > 0);
  const now = checked.flatMap(({ component, checks }) =>
    checks.map((check) => observedCheck(component, check, before, nowMs, redact)),
  );
  const partial = new Set(plan?.components.filter((part) => part.partial).map(({ component }) => component));
  const whole = new Set(checked.map(({ component }) => component).filter((name) => !partial.has(name)));
  const resources = new Set(now.map(({ resource }) => resource));
  const kept = previous.filter(
    ({ component, resource }) =>
      !whole.has(component) && !resources.has(resource) && !off.includes(component),
  );
  return [...kept, ...now];
}

function observedCheck(
  component: ComponentName,
  { resource, claim, status, observed, hint }: Check,
  before: ReadonlyMap<string, ObservedCheck>,
  nowMs: number,
  redact: (text: string) => string,
): ObservedCheck {
  const found = { component, resource, claim: redact(claim) };
  const isPassed = status === "pass";
  const earlier = before.get(keyOf(found));
  const same = earlier?.status === (isPassed ? "pass" : "fail");
  const texts = { observed: observed && redact(observed), hint: hint && redact(hint) };
  return {
    ...found,
    status: isPassed ? "pass" : "fail",
    sinceMs: same ? earlier.sinceMs : nowMs,
    seenMs: nowMs,
    ...defined({ passedMs: isPassed ? nowMs : earlier?.passedMs, ...(isPassed ? {} : texts) }),
  };
}

function keyOf({ resource, claim }: Pick<ObservedCheck, "resource" | "claim">): string {
  return `${resource} ${claim}`;
}

/** Names in a claim, as they stand in it: "chat.example.net". */
const hostNames = /(?<![\w.-])(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*(?![\w-])/g;

/** When each name was last proved: since then every check whose claim has the name has passed. Absent for one that never was. */
export function provedMs(checks: readonly ObservedCheck[]): ReadonlyMap<string, number> {
  const oldest = new Map<string, number>();
  for (const { claim, passedMs = Number.NEGATIVE_INFINITY } of checks)
    for (const [name] of claim.toLowerCase().matchAll(hostNames))
      oldest.set(name, Math.min(oldest.get(name) ?? Number.POSITIVE_INFINITY, passedMs));
  return new Map([...oldest].filter(([, ms]) => Number.isFinite(ms)));
}
