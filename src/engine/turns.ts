/** The turns of a sync: each component after those it builds on, each ending a value. */
import { type Component, type ComponentName, isOwnFailure } from "../component.ts";
import { InterruptedError, RefusedError } from "../errors.ts";
import { sincePlan, unlisted } from "./approval.ts";
import { converge } from "./converge.ts";
import { fingerprint } from "./diff.ts";
import { endingOf, why } from "./ending.ts";
import { type Held, type Hold, heldOf, withoutHeld } from "./hold.ts";
import { inOrder, type Selection } from "./order.ts";
import {
  type ComponentPlan,
  type ComponentResult,
  isConverged,
  isIdle,
  isWaiting,
  type Plan,
} from "./plan.ts";
import { planComponent } from "./plan-run.ts";
import { refuseUnsafe } from "./safety.ts";
import { Turn } from "./turn.ts";
import { verifyComponent } from "./verify.ts";
import { expectedFailure, type RunOptions, type RunWorld } from "./world.ts";

/** How a component's turn ended. */
export interface Ended {
  readonly component: Component;
  readonly result: ComponentResult;
  /** The guard that objected to what was not in the plan. */
  readonly refusal?: RefusedError;
}

export interface TurnsOptions extends RunOptions {
  /** The plan was approved: nothing is done that it does not list. */
  readonly approved: boolean;
  /** What waits for another time. */
  readonly hold?: Hold;
}

/** Each component starts when those it builds on are done, and all start at once when nothing is to be done. */
export class Turns {
  readonly #selection: Selection;
  readonly #run: RunWorld;
  readonly #options: TurnsOptions;
  readonly #planned: Plan;
  readonly #ended = new Map<ComponentName, Promise<Ended>>();
  /** Selected components that have something to do and have not done it. */
  readonly #toDo: Set<ComponentName>;
  /** Something was changed since the plan was made. */
  #changed = false;

  constructor(selection: Selection, run: RunWorld, options: TurnsOptions, planned: Plan) {
    this.#selection = selection;
    this.#run = run;
    this.#options = options;
    this.#planned = planned;
    const busy = planned.components.filter((part) => !isIdle(part));
    this.#toDo = new Set(busy.map(({ component }) => component));
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
    const earlier = await Promise.all(before);
    const awaited = (): readonly ComponentName[] => [...this.#toDo].filter((name) => name !== component.name);
    const turn = new Turn(this.#run, component, awaited);
    const ended = await this.#end(turn, earlier);
    this.#toDo.delete(component.name);
    this.#changed ||= hasChanged(ended.result);
    return ended;
  }

  async #end(turn: Turn, earlier: readonly Ended[]): Promise<Ended> {
    const { component } = turn;
    const skip = (reason: string): Ended => ({ component, result: turn.end({ outcome: "skipped", reason }) });
    if (this.#run.stop?.aborted === true) return skip("interrupted before its turn");
    const blocker = earlier.find(blocks);
    if (blocker !== undefined) return skip(dependsOn(blocker));
    try {
      return { component, result: await this.#sync(turn, earlier) };
    } catch (error) {
      if (error instanceof InterruptedError)
        return {
          component,
          result: turn.end({ outcome: "interrupted", reason: "interrupted while it was read" }),
        };
      if (error instanceof RefusedError) return { component, result: turn.fail(error), refusal: error };
      return { component, result: turn.fail(expectedFailure(error)) };
    }
  }

  async #sync(turn: Turn, earlier: readonly Ended[]): Promise<ComponentResult> {
    const { component } = turn;
    const planned = this.#planned.components.find((part) => part.component === component.name);
    // The plan's reading still counts when nothing happened since, and nothing is to be done.
    const isFresh = planned !== undefined && !this.#changed && isIdle(planned);
    const part = isFresh ? planned : await planComponent(component, this.#run, this.#options);
    const { desired, notes, unread } = part;
    if (unread !== undefined) {
      const cause =
        unread.kind === "not-ready" ? earlier.find(({ result }) => !isInPlace(result)) : undefined;
      if (cause !== undefined) return turn.end({ outcome: "skipped", reason: dependsOn(cause), notes });
      return turn.end({ outcome: "failed", ...why(unread), notes });
    }
    this.#refuseUnplanned(component, planned, part);
    const orphans = part.orphans.map(({ id }) => id);
    const facts = { resources: desired.length, orphans, notes };
    const held = await this.#held(component, part, earlier);
    // Its checks would fail for what waits; an independent resource that does not wait is proved on its own.
    if (held !== undefined && component.independent !== true) return turn.end({ ...facts, ...waiting(held) });
    turn.unread.push(...part.unreadResources);
    turn.starts("apply", part.changes.length);
    const now = held === undefined ? part : withoutHeld(part, held);
    const ending = endingOf(await converge(turn, now, this.#run), turn);
    const changes = sincePlan(ending.changes, planned);
    if (held === undefined) return turn.end({ ...ending, ...facts, changes });
    const checks = ending.checks.filter(({ resource }) => !held.ids.has(resource));
    const isUnchanged = ending.outcome === "unchanged";
    return turn.end({
      ...ending,
      ...facts,
      ...(isUnchanged ? waiting(held) : waitingBeside(held)),
      changes,
      checks,
    });
  }

  async #held(
    component: Component,
    part: ComponentPlan,
    earlier: readonly Ended[],
  ): Promise<Held | undefined> {
    const { hold } = this.#options;
    if (hold === undefined || part.changes.length === 0) return undefined;
    const behind = earlier.find((each) => isWaiting(each.result))?.component.name;
    return heldOf(component, part, this.#run, hold, behind);
  }

  /** Guards look again at changes that the approved plan did not have. */
  #refuseUnplanned(component: Component, planned: ComponentPlan | undefined, part: ComponentPlan): void {
    const known = new Set((planned?.changes ?? []).map(fingerprint));
    if (part.changes.every((change) => known.has(fingerprint(change)))) return;
    if (this.#options.approved && unlisted(planned, part.changes).length > 0)
      throw new RefusedError(
        `the live state of ${component.name} changed after the plan was approved; nothing was changed there`,
        { hint: "run the command again to see the present plan" },
      );
    refuseUnsafe([part], this.#options.allow);
  }
}

function waiting(held: Held): Pick<ComponentResult, "outcome" | "reason" | "held"> {
  return { outcome: "deferred", reason: held.reason, ...waitingBeside(held) };
}

function waitingBeside({ ids }: Held): Pick<ComponentResult, "held"> {
  return { held: [...ids] };
}

/** What builds on it must wait for another run. Where resources are independent, whoever needs a failed one finds out. */
function blocks({ component, result }: Ended): boolean {
  if (isWaiting(result)) return false;
  if (isDone(result)) return result.checks.some(isOwnFailure);
  if (isInPlace(result)) return component.independent !== true && result.checks.some(isOwnFailure);
  return component.independent !== true || result.outcome === "skipped";
}

function dependsOn({ component }: Ended): string {
  return `depends on ${component.name}, which is not in place`;
}

function isDone({ outcome }: ComponentResult): boolean {
  return outcome === "unchanged" || outcome === "changed";
}

/** All but what a machine that is down keeps from being looked at. */
function isInPlace(result: ComponentResult): boolean {
  return isDone(result) || result.leftAlone !== undefined;
}

export function hasChanged({ changes, activations }: ComponentResult): boolean {
  return changes.length > 0 || activations.length > 0;
}

/** Nothing was changed, not even for a while. */
export function isUntouched(result: ComponentResult): boolean {
  return !hasChanged(result) && result.restored.length === 0 && result.unsettled.length === 0;
}
