/** Syncing: the plan, the answer to it, every component in its turn, and the last checks. Each outcome is a value. */
import type { Component } from "../component.ts";
import { InterruptedError, RefusedError } from "../errors.ts";
import { causesOf } from "./causes.ts";
import type { Hold } from "./hold.ts";
import { ownedAfter } from "./left-behind.ts";
import { type Selection, select } from "./order.ts";
import { type ComponentResult, isConverged, type Plan, type RunResult } from "./plan.ts";
import { digestOfPart, plan } from "./plan-run.ts";
import { refuseUnsafe } from "./safety.ts";
import { Turn } from "./turn.ts";
import { hasChanged, isUntouched, Turns } from "./turns.ts";
import { verifyAgain } from "./verify.ts";
import { expectedFailure, type RunOptions, type RunWorld } from "./world.ts";

export interface SyncOptions extends RunOptions {
  /** Asked once with the whole plan before anything is touched; false ends the run with nothing done. */
  readonly approve?: (plan: Plan) => Promise<boolean>;
  /** Called with the plan before anything is touched; throws where it is not the one that was agreed on. From then on nothing else is done. */
  readonly agreed?: (plan: Plan) => void;
  /** Called with the plan before anything is touched. */
  readonly onStart?: (plan: Plan) => void;
  /** Which changes wait for another time. */
  readonly hold?: Hold;
}

/**
 * Brings the selected components to what the site declares.
 * @throws RefusedError when a guard or the operator says no and nothing was changed; LockedError; bugs. Everything else
 * that goes wrong is an outcome in the result, and so is an interruption.
 */
export async function sync(
  components: readonly Component[],
  run: RunWorld,
  options: SyncOptions,
): Promise<RunResult> {
  const started = run.world.clock.now();
  const selection = select(components, options);
  const names = selection.selected.map(({ name }) => name);
  const after = selection.selected.map(({ name, after: before }) => ({
    component: name,
    waitsFor: before.filter((each) => names.includes(each)),
  }));
  run.emit({ type: "run-started", command: "sync", components: names, after });
  const results = await approved(components, run, options).then(
    (planned) => take(selection, run, options, planned),
    (error: unknown) => {
      if (error instanceof InterruptedError) return untouched(selection, run);
      throw error;
    },
  );
  const causes = await causesOf(results, run);
  const apart = components.map(({ name }) => name).filter((name) => !names.includes(name));
  const durationMs = run.world.clock.now() - started;
  return { command: "sync", components: results, causes, apart, durationMs };
}

async function take(
  selection: Selection,
  run: RunWorld,
  options: SyncOptions,
  planned: Plan,
): Promise<readonly ComponentResult[]> {
  options.onStart?.(planned);
  const turns = new Turns(selection, run, { ...options, approved: isApproved(options) }, planned);
  const ended = await turns.take();
  const results = ended.map(({ result }) => result);
  await recordOwned(run, planned, results);
  const refusal = ended.find((each) => each.refusal !== undefined)?.refusal;
  // A guard that objects after others were changed is one failure among their results.
  if (refusal !== undefined && results.every(isUntouched)) throw refusal;
  const isWaiting = results.some(({ checks }) => checks.some(({ status }) => status === "waiting"));
  if (!isWaiting && !results.some(hasChanged)) return results;
  return Promise.all(ended.map(({ component, result }) => verifyAgain(component, result, run)));
}

/** Nothing may be done that the plan does not list. */
function isApproved({ approve, agreed }: SyncOptions): boolean {
  return approve !== undefined || agreed !== undefined;
}

/** How every component ends when the run was interrupted before anything was touched. */
function untouched({ selected }: Selection, run: RunWorld): readonly ComponentResult[] {
  return selected.map((component) =>
    new Turn(run, component).end({ outcome: "skipped", reason: "interrupted before its turn" }),
  );
}

/** @throws RefusedError when the operator says no, or when something moved while the question stood: nothing was changed */
async function approved(
  components: readonly Component[],
  run: RunWorld,
  options: SyncOptions,
): Promise<Plan> {
  const planned = await plan(components, run, options);
  options.agreed?.(planned);
  refuseUnsafe(planned.components, options.allow);
  if (options.approve === undefined) return planned;
  if (!(await options.approve(planned))) throw new RefusedError("not approved: nothing was changed");
  if (isConverged(planned)) return planned;
  const now = await plan(components, run, options);
  const shown = new Set(planned.components.map(digestOfPart));
  const moved = now.components.filter((part) => !shown.has(digestOfPart(part)));
  if (moved.length === 0) return now;
  const names = moved.map(({ component }) => component).join(", ");
  throw new RefusedError(`the live state of ${names} changed after the plan was shown; nothing was changed`, {
    hint: "run the command again to see the present plan",
  });
}

/** A failure to write the inventory does not undo the run: the next run writes it. */
async function recordOwned(run: RunWorld, planned: Plan, results: readonly ComponentResult[]): Promise<void> {
  try {
    const owned = results.map(
      async ({ component }) => [component, await run.journal.owned(component)] as const,
    );
    await run.journal.own(ownedAfter(results, planned.components, new Map(await Promise.all(owned))));
  } catch (error) {
    if (!(error instanceof InterruptedError)) expectedFailure(error);
  }
}
