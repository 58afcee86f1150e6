/** Syncing: every component in its turn, each outcome a value. */
import { type Component, type ComponentName, isOwnFailure } from "../component.ts";
import { defined } from "../defined.ts";
import { adviceOn, messageOf, RefusedError } from "../errors.ts";
import { sincePlan, unlisted } from "./approval.ts";
import { type Converged, converge, type Failure } from "./converge.ts";
import { fingerprint } from "./diff.ts";
import { ownedAfter } from "./left-behind.ts";
import { inOrder, type Selection, select } from "./order.ts";
import {
  type ComponentPlan,
  type ComponentResult,
  isConverged,
  isIdle,
  type Plan,
  type RunResult,
  type Unread,
} from "./plan.ts";
import { digestOfPart, plan, planComponent } from "./plan-run.ts";
import { refusalOf } from "./safety.ts";
import { Turn } from "./turn.ts";
import { verifyAgain, verifyComponent } from "./verify.ts";
import { expectedFailure, type RunOptions, type RunWorld } from "./world.ts";

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
  const selection = select(components, options.only, options.skip);
  const names = selection.selected.map(({ name }) => name);
  run.emit({ type: "run-started", command: "sync", components: names });
  const first = await plan(components, run, options);
  refuseUnsafe(first.components, options);
  const planned = await approved(components, run, options, first);

  const ended = await new Turns(selection, run, options, planned).take();
  const results = ended.map(({ result }) => result);
  await recordOwned(run, planned, results);
  const refusal = ended.find((each) => each.refusal !== undefined)?.refusal;
  // A guard that objects after others were changed is one failure among their results.
  if (refusal !== undefined && results.every(isUntouched)) throw refusal;
  const proved = results.some(hasChanged)
    ? await Promise.all(ended.map(({ component, result }) => verifyAgain(component, result, run)))
    : results;
  return { command: "sync", components: proved, durationMs: run.world.clock.now() - started };
}

/** @throws RefusedError when the operator says no, or when something moved while the question stood: nothing was changed */
async function approved(
  components: readonly Component[],
  run: RunWorld,
  options: SyncOptions,
  planned: Plan,
): Promise<Plan> {
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

/** @throws RefusedError for a plan with a hazard that has no consent, before anything is touched */
function refuseUnsafe(parts: readonly ComponentPlan[], { allow }: RunOptions): void {
  const refusal = refusalOf(parts, allow);
  if (refusal !== undefined) throw refusal;
}

/** A failure to write the inventory does not undo the run: the next run writes it. */
async function recordOwned(run: RunWorld, planned: Plan, results: readonly ComponentResult[]): Promise<void> {
  try {
    const owned = results.map(
      async ({ component }) => [component, await run.journal.owned(component)] as const,
    );
    await run.journal.own(ownedAfter(results, planned.components, new Map(await Promise.all(owned))));
  } catch (error) {
    expectedFailure(error);
  }
}

/** How a component's turn ended. */
interface Ended {
  readonly component: Component;
  readonly result: ComponentResult;
  /** The guard that objected to what was not in the plan. */
  readonly refusal?: RefusedError;
}

/** The turns of a sync: each component starts when those it builds on are done, and all at once when nothing is to be done. */
class Turns {
  readonly #selection: Selection;
  readonly #run: RunWorld;
  readonly #options: SyncOptions;
  readonly #planned: Plan;
  readonly #ended = new Map<ComponentName, Promise<Ended>>();
  /** Something was changed since the plan was made. */
  #changed = false;

  constructor(selection: Selection, run: RunWorld, options: SyncOptions, planned: Plan) {
    this.#selection = selection;
    this.#run = run;
    this.#options = options;
    this.#planned = planned;
  }

  /** @returns how the selected components ended, in their order */
  async take(): Promise<readonly Ended[]> {
    const { selected, prerequisites } = this.#selection;
    for (const component of prerequisites) this.#ended.set(component.name, this.#verify(component));
    const required = new Set(prerequisites.map(({ name }) => name));
    const all = isConverged(this.#planned);
    for (const component of inOrder(selected)) {
      const names = component.after.filter((name) => !all || required.has(name));
      const before = names.flatMap((name) => this.#ended.get(name) ?? []);
      this.#ended.set(component.name, this.#turn(component, before));
    }
    const settled = await Promise.allSettled(selected.flatMap(({ name }) => this.#ended.get(name) ?? []));
    return settled.map((one) => {
      if (one.status === "rejected") throw one.reason;
      return one.value;
    });
  }

  async #verify(component: Component): Promise<Ended> {
    return { component, result: await verifyComponent(component, this.#run) };
  }

  async #turn(component: Component, before: readonly Promise<Ended>[]): Promise<Ended> {
    const blocker = (await Promise.all(before)).find(blocks);
    const turn = new Turn(this.#run, component);
    const skip = (reason: string): Ended => ({ component, result: turn.end({ outcome: "skipped", reason }) });
    if (blocker !== undefined) return skip(`depends on ${blocker.component.name}, which is not in place`);
    if (this.#run.stop?.aborted === true) return skip("interrupted before its turn");
    const ended = await this.#sync(turn).then(
      (result): Ended => ({ component, result }),
      (error: unknown): Ended =>
        error instanceof RefusedError
          ? { component, result: turn.fail(error), refusal: error }
          : { component, result: turn.fail(expectedFailure(error)) },
    );
    this.#changed ||= hasChanged(ended.result);
    return ended;
  }

  async #sync(turn: Turn): Promise<ComponentResult> {
    const { component } = turn;
    const planned = this.#planned.components.find((part) => part.component === component.name);
    // The plan's reading still counts when nothing happened since, and nothing is to be done.
    const isFresh = planned !== undefined && !this.#changed && isIdle(planned);
    const part = isFresh ? planned : await planComponent(component, this.#run, this.#options);
    const { desired, notes, unread } = part;
    if (unread !== undefined) return turn.end({ outcome: "failed", ...why(unread), notes });
    await this.#refuseUnplanned(component, planned, part);
    turn.starts("apply");
    const converged = await converge(turn, part, this.#run);
    const orphans = part.orphans.map(({ id }) => id);
    const ending = outcomeOf(converged, part);
    const changes = sincePlan(ending.changes, planned);
    return turn.end({ ...ending, changes, resources: desired.length, orphans, notes });
  }

  /** Guards look again at changes that the approved plan did not have. */
  async #refuseUnplanned(
    component: Component,
    planned: ComponentPlan | undefined,
    part: ComponentPlan,
  ): Promise<void> {
    const known = new Set((planned?.changes ?? []).map(fingerprint));
    if (part.changes.every((change) => known.has(fingerprint(change)))) return;
    if (this.#options.approve !== undefined && unlisted(planned, part.changes).length > 0)
      throw new RefusedError(
        `the live state of ${component.name} changed after the plan was approved; nothing was changed there`,
        { hint: "run the command again to see the present plan" },
      );
    refuseUnsafe([part], this.#options);
  }
}

/** What builds on it must wait for another run. Where resources are independent, whoever needs a failed one finds out. */
function blocks({ component, result: { outcome, checks } }: Ended): boolean {
  if (outcome === "unchanged" || outcome === "changed") return checks.some(isOwnFailure);
  return component.independent !== true || outcome === "skipped";
}

function hasChanged({ changes, activations }: ComponentResult): boolean {
  return changes.length > 0 || activations.length > 0;
}

/** Nothing was changed, not even for a while. */
function isUntouched(result: ComponentResult): boolean {
  return !hasChanged(result) && result.outcome !== "rolled-back";
}

function outcomeOf(
  { changes, checks, failures }: Converged,
  { unreadResources: [unread] }: ComponentPlan,
): Pick<ComponentResult, "outcome" | "changes" | "checks"> & Partial<ComponentResult> {
  if (failures.length > 0) {
    const outcome = changes.length === 0 && failures.every(wasRestored) ? "rolled-back" : "failed";
    const hint = [...new Set(failures.flatMap(({ error }) => adviceOn(error) ?? []))].join("\n") || undefined;
    const reason = [...new Set(failures.map(describe))].join(";\n");
    return { outcome, changes, checks, ...defined({ reason, hint }) };
  }
  if (unread !== undefined) return { outcome: "failed", changes, checks, ...why(unread) };
  return { outcome: changes.length > 0 ? "changed" : "unchanged", changes, checks };
}

function wasRestored({ changes, stuck }: Failure): boolean {
  return changes.length > 0 && stuck === undefined;
}

function describe(failure: Failure): string {
  const { error, stuck } = failure;
  if (stuck !== undefined) return `${messageOf(error)}; restoring the previous state failed too: ${stuck}`;
  return wasRestored(failure) ? `${messageOf(error)}; the previous state was restored` : messageOf(error);
}

function why({ reason, hint }: Unread): Pick<ComponentResult, "reason" | "hint"> {
  return defined({ reason, hint });
}
