/** One component's way from its plan to a proved result, and back when something fails. Knows no component by name. */
import { type Check, type Guard, type Hazard, isOwnFailure } from "../component.ts";
import { CandidateError, InterruptedError, messageOf, PhoenixError } from "../errors.ts";
import { type Change, inverseOf, type ResourceId, subjectOf } from "../resource.ts";
import type { ComponentPlan, Unsettled } from "./plan.ts";
import { type Found, look, lookUntilSettled, runningVersions } from "./second-look.ts";
import type { Turn } from "./turn.ts";
import { expectedFailure, type RunWorld } from "./world.ts";

export interface Converged {
  /** Changes that are in place now. */
  readonly changes: readonly Change[];
  /** Changed and back as before, as a second look has found. */
  readonly restored: readonly ResourceId[];
  readonly unsettled: readonly Unsettled[];
  readonly checks: readonly Check[];
  readonly failures: readonly Failure[];
  /** The run was interrupted before all was done; `left` changes were not made. */
  readonly interrupted?: { readonly left: number };
}

export interface Failure {
  readonly error: unknown;
  /** What was rolled back for it. */
  readonly changes: readonly Change[];
  /** Why rolling back failed too. */
  readonly stuck?: string;
}

/** A check that failed because of what this component did. */
class UnprovedError extends PhoenixError {
  override readonly name = "UnprovedError";
  override readonly exitCode = 3;
}

/** Brings one component to its plan. Expected failures and interruptions are values; bugs throw. */
export async function converge(turn: Turn, part: ComponentPlan, run: RunWorld): Promise<Converged> {
  const attempt = new Attempt(turn, run, part.hazards);
  try {
    await attempt.make(part);
    return await attempt.outcome();
  } catch (error) {
    if (error instanceof InterruptedError) return attempt.cut(part);
    throw error;
  }
}

/** The changes of one component as they are made, and rolled back. */
class Attempt {
  readonly applied: Change[] = [];
  readonly failures: Failure[] = [];
  checks: readonly Check[] = [];
  /** Everything that was written has been made live, now or before it was rolled back. */
  activated = false;
  /** What has failed already: a failed check adds nothing. */
  readonly #failed = new Set<ResourceId>();
  /** Changes that were in progress, or being rolled back: what an interruption leaves is unknown. */
  readonly #underWay = new Set<Change>();
  /** Failed changes that had changed nothing when they failed. */
  readonly #untouched = new Set<ResourceId>();
  #left = 0;
  /** An undo is armed that restores the previous state by itself. */
  #isGuarded = false;
  readonly #turn: Turn;
  readonly #run: RunWorld;
  readonly #isIndependent: boolean;
  readonly #hazards: readonly Hazard[];

  constructor(turn: Turn, run: RunWorld, hazards: readonly Hazard[]) {
    this.#hazards = hazards;
    this.#turn = turn;
    this.#run = run;
    this.#isIndependent = turn.component.independent === true;
  }

  /** Makes and proves what is planned, and rolls back what fails. */
  async make(part: ComponentPlan): Promise<void> {
    const { component, io } = this.#turn;
    const ids = part.changes.map((change) => subjectOf(change).id);
    const touched = [...new Set([...part.pendingActivation, ...ids])];
    if (touched.length === 0) {
      this.checks = await this.#turn.verify();
      return;
    }
    await component.validate?.(part.changes, io);
    const earlier = await this.#run.journal.pending(component.name);
    await this.#run.journal.mark(component.name, touched);
    const guard = await component.guard?.(part.changes, io);
    this.#isGuarded = guard !== undefined;
    await this.#applyAll(part.changes);
    if (this.#isIndependent || this.failures.length === 0) await this.#prove(touched);
    if (this.#isClean()) await this.#confirm(guard);
    this.#isGuarded = false;
    // What could not be rolled back stays marked, and stays guarded by an undo that works without us.
    if (!this.#isClean()) return;
    // What could not be read or is not selected waits for another run; so does what an earlier run wrote and is not live yet.
    const others = earlier.filter((id) => !touched.includes(id));
    const unproved = touched.filter((id) => this.#turn.isLeftAlone(id));
    const pending = this.activated ? [] : part.pendingActivation;
    await this.#run.journal.clear(component.name, [...others, ...unproved, ...pending]);
  }

  /** Of independent changes an interrupted run makes no further one; others are one step, which is completed. */
  async #applyAll(changes: readonly Change[]): Promise<void> {
    for (const [at, change] of changes.entries()) {
      if (this.#isIndependent && this.#run.stop?.aborted === true) {
        this.#left = changes.length - at;
        return;
      }
      if (!(await this.#apply(change)) && !this.#isIndependent) return;
    }
  }

  /** What is in place, as a second look finds it where something failed. */
  async outcome(): Promise<Converged> {
    const { applied, checks, failures } = this;
    const failed = failures.flatMap(({ changes }) => changes);
    const sight = await lookUntilSettled(this.#turn, this.#run, failed);
    const seen = (change: Change): Found => sight.get(subjectOf(change).id) ?? "unknown";
    const unseen = failed.filter((change) => seen(change) === "unknown");
    const running = await runningVersions(this.#turn, unseen);
    const stuck = new Set(
      failures.flatMap((failure) => (failure.stuck === undefined ? [] : failure.changes)),
    );
    const unsettled = failed.flatMap((change): Unsettled[] => {
      const { id } = subjectOf(change);
      const found = seen(change);
      if (found === "as before" && stuck.has(change) && !this.#untouched.has(id))
        return [{ id, found: "unproven" }];
      if (found === "unknown") return [{ id, found: running.get(id) ?? found }];
      return found === "neither" ? [{ id, found }] : [];
    });
    const restored = failed
      .filter((change) => seen(change) === "as before" && !stuck.has(change))
      .map((change) => subjectOf(change).id)
      .filter((id) => !this.#untouched.has(id));
    return {
      changes: [...applied, ...failed.filter((change) => seen(change) === "in place")],
      restored,
      unsettled,
      checks,
      failures,
      ...(this.#left === 0 ? {} : { interrupted: { left: this.#left } }),
    };
  }

  /** What is known when the run was interrupted in the middle: nothing can be asked any more. */
  cut({ changes }: ComponentPlan): Converged {
    const { applied, checks, failures } = this;
    const begun = [...applied, ...this.#underWay, ...failures.flatMap((failure) => failure.changes)];
    const left = changes.filter((change) => !begun.includes(change)).length;
    const unsettled = (found: Unsettled["found"]) => (change: Change) => ({
      id: subjectOf(change).id,
      found,
    });
    const cutOff = [...this.#underWay].map(unsettled("unknown"));
    const reverting = this.#isGuarded ? applied.map(unsettled("reverting")) : [];
    return {
      changes: this.#isGuarded ? [] : applied,
      restored: [],
      unsettled: [...reverting, ...cutOff],
      checks,
      failures,
      interrupted: { left },
    };
  }

  /** Makes one change; when that fails, rolls back what must not stay. */
  async #apply(change: Change): Promise<boolean> {
    const { component, io } = this.#turn;
    const { id } = subjectOf(change);
    this.#underWay.add(change);
    try {
      await component.apply(change, io);
    } catch (thrown) {
      const error = expectedFailure(thrown);
      this.#failed.add(id);
      // A refused candidate has changed nothing; any other failed change may be half done and is rolled back as well.
      const own = error instanceof CandidateError ? [] : [change];
      const sight = await look(this.#turn, this.#run, own);
      if (sight.get(id) === "as before") this.#untouched.add(id);
      const before = this.#isIndependent ? this.#takenFor([id]) : this.applied;
      await this.#rollBack(error, [...before, ...own]);
      return false;
    }
    this.#underWay.delete(change);
    if (this.#turn.unchanged.has(id) || this.#turn.isLeftAlone(id)) return true;
    this.applied.push(change);
    this.#run.emit({ type: "change-applied", component: component.name, verb: change.verb, id });
    return true;
  }

  /** Activates and verifies; rolls back the changes that the failed checks are about. */
  async #prove(touched: readonly ResourceId[]): Promise<void> {
    try {
      await this.#activate(touched);
      this.activated = true;
      this.checks = await this.#turn.verify();
      this.#refuseFailed(touched);
    } catch (error) {
      await this.#rollBack(expectedFailure(error), this.#blamed(error));
    }
  }

  async #activate(touched: readonly ResourceId[]): Promise<void> {
    await this.#turn.component.activate?.(touched, this.#turn.io);
  }

  #refuseFailed(touched: readonly ResourceId[]): void {
    const isOurs = ({ resource }: Check): boolean =>
      !this.#isIndependent || (touched.includes(resource) && !this.#failed.has(resource));
    const [first, ...others] = this.checks.filter((check) => isOwnFailure(check) && isOurs(check));
    if (first === undefined || this.applied.length === 0) return;
    const { claim, observed, hint } = first;
    const seen = observed === undefined ? "" : `: ${observed}`;
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    throw new UnprovedError(`check failed: ${claim}${seen}${more}`, { hint });
  }

  /** The applied changes that a failed proof is about. */
  #blamed(error: unknown): readonly Change[] {
    if (!this.#isIndependent || !(error instanceof UnprovedError)) return [...this.applied];
    const failed = new Set(this.checks.filter(isOwnFailure).map(({ resource }) => resource));
    const blamed = this.applied.filter((change) => failed.has(subjectOf(change).id));
    return [...this.#takenFor([...failed]), ...blamed];
  }

  /** What was taken over from somebody else because these needed it. */
  #takenFor(ids: readonly ResourceId[]): readonly Change[] {
    const taken = this.#hazards.flatMap(({ foreign }) =>
      foreign?.for !== undefined && ids.includes(foreign.for) ? (foreign.changes ?? []) : [],
    );
    return taken.filter((change) => this.applied.includes(change));
  }

  /** Nothing is left that should have been rolled back. */
  #isClean(): boolean {
    return this.failures.every(({ stuck }) => stuck === undefined);
  }

  /** Disarms the undo. An undo that ran first has rolled every change back. */
  async #confirm(guard: Guard | undefined): Promise<void> {
    try {
      await guard?.confirm();
    } catch (thrown) {
      const error = expectedFailure(thrown);
      const changes = this.applied.splice(0);
      const isRestored = error instanceof CandidateError;
      this.failures.push(isRestored ? { error, changes } : { error, changes, stuck: "the undo has not run" });
    }
  }

  async #rollBack(error: PhoenixError, changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      const at = this.applied.indexOf(change);
      if (at >= 0) this.applied.splice(at, 1);
    }
    const { component, io } = this.#turn;
    for (const change of changes) this.#underWay.add(change);
    try {
      for (const change of [...changes].reverse()) await component.apply(inverseOf(change), io);
      if (changes.length > 0) await this.#activate(changes.map((change) => subjectOf(change).id));
      this.failures.push({ error, changes });
    } catch (second) {
      this.failures.push({ error, changes, stuck: messageOf(expectedFailure(second)) });
    }
    this.#underWay.clear();
  }
}
