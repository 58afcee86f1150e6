/** Syncing and verifying: every component in its turn, each outcome a value. */
import type { Component, ComponentName } from "../component.ts";
import { adviceOn, messageOf, PhoenixError, RefusedError } from "../errors.ts";
import type { Change } from "../resource.ts";
import { type Converged, converge, type Failure } from "./converge.ts";
import { fingerprint } from "./diff.ts";
import { ownedAfter } from "./left-behind.ts";
import { type ComponentPlan, type ComponentResult, isConverged, type Plan, type RunResult } from "./plan.ts";
import { plan, planComponent, refuseUnsafe } from "./plan-run.ts";
import { select } from "./select.ts";
import { endsRun, ioOf, type RunOptions, type RunWorld, verified } from "./world.ts";

export interface SyncOptions extends RunOptions {
  /** Asked once with the whole plan before anything is touched; false ends the run with nothing done. */
  readonly approve?: (plan: Plan) => Promise<boolean>;
}

/**
 * Brings the selected components to what the site declares.
 * @throws RefusedError when a guard or the operator says no and nothing was changed; LockedError and InterruptedError;
 * bugs. Everything else that goes wrong is an outcome in the result.
 */
export async function sync(
  components: readonly Component[],
  run: RunWorld,
  options: SyncOptions,
): Promise<RunResult> {
  const started = run.world.clock.now();
  const { selected, prerequisites } = select(components, options.only, options.skip);
  run.emit({ type: "run-started", command: "sync", components: selected.map(({ name }) => name) });
  const planned = await plan(components, run, options);
  await refuseUnsafe(components, run, options, planned);
  if (options.approve !== undefined && !(await options.approve(planned))) {
    throw new RefusedError("not approved: nothing was changed");
  }

  // Each component starts when those it builds on are done; those that need nothing of each other go side by side. Where
  // nothing is to be done nobody waits for what another one does: all prove at once what is there.
  const idle = isConverged(planned);
  const byName = new Map(components.map((component) => [component.name, component]));
  const results = new Map<ComponentName, Promise<ComponentResult>>();
  const refusals: RefusedError[] = [];
  let changed = false;
  for (const component of prerequisites) results.set(component.name, verifyComponent(component, run));
  const leanedOn = new Set(prerequisites.map(({ name }) => name));
  for (const component of inOrder(selected)) {
    const before = component.after
      .filter((name) => !idle || leanedOn.has(name))
      .flatMap((name) => results.get(name) ?? []);
    const part = planned.components.find((candidate) => candidate.component === component.name);
    const turn = async (): Promise<ComponentResult> => {
      const blocked = (await Promise.all(before)).filter((result) =>
        blocks(byName.get(result.component), result),
      );
      const result = await syncComponent(component, run, options, part, changed, blocked, refusals);
      changed ||= result.changes.length > 0 || result.activations.length > 0;
      return result;
    };
    results.set(component.name, turn());
  }
  const settled = await Promise.allSettled(selected.flatMap(({ name }) => results.get(name) ?? []));
  const ended = settled.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
  await recordOwned(run, planned, ended);
  const [refusal] = refusals;
  // A guard that objects while others have been changed already is one failure among their results.
  if (refusal !== undefined && ended.every(hasLeftAlone)) throw refusal;
  const proved = changed
    ? await Promise.all(ended.map((result) => askedAgain(byName.get(result.component), result, run)))
    : ended;
  return { command: "sync", components: proved, durationMs: run.world.clock.now() - started };
}

/** That it cannot be written down does not undo the run: the next one will. */
async function recordOwned(run: RunWorld, planned: Plan, results: readonly ComponentResult[]): Promise<void> {
  try {
    const names = results.map(({ component }) => component);
    const before = await Promise.all(
      names.map(async (name) => [name, await run.journal.owned(name)] as const),
    );
    await run.journal.own(ownedAfter(results, planned.components, new Map(before)));
  } catch (error) {
    if (!(error instanceof PhoenixError) || endsRun(error)) throw error;
  }
}

/**
 * Checks that failed for a cause outside their component are asked once more when everything else is in place: a route
 * is published before the stack behind it runs.
 */
async function askedAgain(
  component: Component | undefined,
  result: ComponentResult,
  run: RunWorld,
): Promise<ComponentResult> {
  const isExternal = result.checks.some(({ status, external }) => status === "fail" && external === true);
  if (component === undefined || !isExternal || run.stop?.aborted === true) return result;
  const started = run.world.clock.now();
  try {
    const { io, reports } = ioOf(run, component);
    const checks = await verified(run, component, io);
    const notes = [...new Set([...result.notes, ...reports.notes])];
    return finished(run, component, started - result.durationMs, { ...result, checks, notes });
  } catch (error) {
    if (!(error instanceof PhoenixError) || endsRun(error)) throw error;
    return result;
  }
}

/** Proves the selected components from outside and changes nothing. */
export async function verify(
  components: readonly Component[],
  run: RunWorld,
  options: RunOptions,
): Promise<RunResult> {
  const started = run.world.clock.now();
  const { selected } = select(components, options.only, options.skip);
  run.emit({ type: "run-started", command: "verify", components: selected.map(({ name }) => name) });
  const results = await Promise.all(selected.map((component) => verifyComponent(component, run)));
  return { command: "verify", components: results, durationMs: run.world.clock.now() - started };
}

/** The given components, each behind those of them that it builds on. */
export function inOrder(components: readonly Component[]): readonly Component[] {
  const ordered: Component[] = [];
  const visit = (component: Component): void => {
    if (ordered.includes(component)) return;
    for (const name of component.after) {
      const before = components.find((candidate) => candidate.name === name);
      if (before !== undefined) visit(before);
    }
    ordered.push(component);
  };
  components.forEach(visit);
  return ordered;
}

/**
 * A prerequisite that is not in place: what builds on it must wait for another run. Where resources are independent, one
 * that failed says nothing about the one that is needed; what needs it finds that out by itself.
 */
function blocks(component: Component | undefined, result: ComponentResult): boolean {
  if (result.outcome === "unchanged" || result.outcome === "changed") return hasOwnFailedCheck(result);
  return component?.independent !== true || result.outcome === "skipped";
}

function hasOwnFailedCheck({ checks }: Pick<ComponentResult, "checks">): boolean {
  return checks.some(({ status, external }) => status === "fail" && external !== true);
}

async function syncComponent(
  component: Component,
  run: RunWorld,
  options: SyncOptions,
  planned: ComponentPlan | undefined,
  changedMeanwhile: boolean,
  blocked: readonly ComponentResult[],
  refusals: RefusedError[],
): Promise<ComponentResult> {
  const started = run.world.clock.now();
  const { io, reports } = ioOf(run, component);
  const end = (
    partial: Pick<ComponentResult, "outcome"> & Partial<ComponentResult>,
    noticed: readonly string[] = [],
  ): ComponentResult => {
    const { activations } = reports;
    const notes = [...new Set([...noticed, ...reports.notes])];
    return finished(run, component, started, { notes, activations, ...partial });
  };

  const [first] = blocked;
  if (first !== undefined)
    return end({ outcome: "skipped", reason: `waits for ${first.component}, which is not in place` });
  if (run.stop?.aborted === true) return end({ outcome: "skipped", reason: "interrupted before its turn" });
  try {
    // What was read for the plan is read again unless nothing happened since, and nothing is to be done.
    const fresh =
      planned !== undefined && !changedMeanwhile && planned.unread === undefined && isIdle(planned);
    const part = fresh ? planned : await planComponent(component, run, options);
    if (part.unread !== undefined) return end({ outcome: "failed", ...reasonOf(part.unread) }, part.notes);
    await refuseUnplanned(component, run, options, planned, part);
    run.emit({ type: "component-started", component: component.name, phase: "apply" });
    const converged = await converge(component, part, run, io);
    const orphans = part.orphans.map(({ id }) => id);
    return end({ ...outcomeOf(converged, part), resources: part.desired.length, orphans }, part.notes);
  } catch (error) {
    if (error instanceof RefusedError) refusals.push(error);
    else if (!(error instanceof PhoenixError) || endsRun(error)) throw error;
    return end({ outcome: "failed", ...reasonOf({ reason: messageOf(error), hint: adviceOn(error) }) });
  }
}

/** Nothing was changed, not even for a while. */
function hasLeftAlone({ outcome, changes, activations }: ComponentResult): boolean {
  return changes.length === 0 && activations.length === 0 && outcome !== "rolled-back";
}

function isIdle(part: ComponentPlan): boolean {
  return (
    part.changes.length === 0 && part.pendingActivation.length === 0 && part.unreadResources.length === 0
  );
}

/** Guards look again at changes that the approved plan did not have. */
async function refuseUnplanned(
  component: Component,
  run: RunWorld,
  options: SyncOptions,
  planned: ComponentPlan | undefined,
  part: ComponentPlan,
): Promise<void> {
  const known = new Set((planned?.changes ?? []).map(fingerprint));
  const unplanned = part.changes.filter((change: Change) => !known.has(fingerprint(change)));
  if (unplanned.length === 0) return;
  if (options.approve !== undefined && planned?.unread === undefined) {
    throw new RefusedError(
      `${component.name} changed on its host after the plan was approved; it was left alone`,
      {
        hint: "run the command again to see the plan as it is now",
      },
    );
  }
  await refuseUnsafe([component], run, options, { components: [part], digest: "" });
}

function outcomeOf(
  { changes, checks, failures }: Converged,
  { unreadResources }: ComponentPlan,
): Pick<ComponentResult, "outcome"> & Partial<ComponentResult> {
  const [failure] = failures;
  const [unread] = unreadResources;
  if (failure === undefined && unread !== undefined)
    return { outcome: "failed", changes, checks, ...reasonOf(unread) };
  if (failure === undefined)
    return { outcome: changes.length > 0 ? "changed" : "unchanged", changes, checks };
  const back = failures.every(({ stuck, changes: taken }) => stuck === undefined && taken.length > 0);
  return {
    outcome: back && changes.length === 0 ? "rolled-back" : "failed",
    changes,
    checks,
    ...reasonOf({
      reason: [...new Set(failures.map(describe))].join(";\n"),
      hint: [...new Set(failures.flatMap(({ error }) => adviceOn(error) ?? []))].join("\n") || undefined,
    }),
  };
}

function describe({ error, changes, stuck }: Failure): string {
  if (stuck !== undefined) return `${messageOf(error)}; taking it back failed too: ${stuck}`;
  return changes.length === 0 ? messageOf(error) : `${messageOf(error)}; the previous state is back`;
}

async function verifyComponent(component: Component, run: RunWorld): Promise<ComponentResult> {
  const started = run.world.clock.now();
  const { io, reports } = ioOf(run, component);
  const seen = { notes: reports.notes, resources: component.compile(run.site).length };
  try {
    const checks = await verified(run, component, io);
    const end = hasOwnFailedCheck({ checks })
      ? ({ outcome: "failed", reason: "it is not as declared" } as const)
      : ({ outcome: "unchanged" } as const);
    return finished(run, component, started, { ...end, checks, ...seen });
  } catch (error) {
    if (!(error instanceof PhoenixError) || endsRun(error)) throw error;
    return finished(run, component, started, {
      outcome: "failed",
      ...reasonOf({ reason: messageOf(error), hint: adviceOn(error) }),
      ...seen,
    });
  }
}

function reasonOf(why: { reason: string; hint?: string | undefined }): { reason: string; hint?: string } {
  return why.hint === undefined ? { reason: why.reason } : { reason: why.reason, hint: why.hint };
}

function finished(
  run: RunWorld,
  component: Component,
  startedMs: number,
  partial: Pick<ComponentResult, "outcome"> & Partial<ComponentResult>,
): ComponentResult {
  const result: ComponentResult = {
    component: component.name,
    changes: [],
    resources: component.compile(run.site).length,
    orphans: [],
    activations: [],
    checks: [],
    notes: [],
    ...partial,
    durationMs: run.world.clock.now() - startedMs,
  };
  const { outcome, reason, durationMs } = result;
  run.emit({
    type: "component-finished",
    component: component.name,
    outcome,
    ...(reason === undefined ? {} : { reason }),
    durationMs,
  });
  return result;
}
