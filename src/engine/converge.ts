/**
 * One component's way from its plan to a proved result: mark, guard, validate, apply, activate, verify, confirm; and when
 * something fails, the way back. Knows no component by name.
 */
import type { Check, Component, Guard, Io } from "../component.ts";
import { CandidateError, messageOf, PhoenixError } from "../errors.ts";
import { type Change, inverseOf, type ResourceId, subjectOf } from "../resource.ts";
import type { ComponentPlan } from "./plan.ts";
import { endsRun, type RunWorld, verified } from "./world.ts";

export interface Converged {
  /** Changes that are in place now. */
  readonly changes: readonly Change[];
  readonly checks: readonly Check[];
  /** What failed; its changes are not in place any more unless `stuck`. */
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly error: unknown;
  readonly changes: readonly Change[];
  /** Why the way back failed too. */
  readonly stuck?: string;
}

/** A check that failed because of what this component did. */
class UnprovedError extends PhoenixError {
  readonly exitCode = 3;
}

/** Brings one component to its plan. Expected failures are values; bugs and interruptions throw. */
export async function converge(
  component: Component,
  part: ComponentPlan,
  run: RunWorld,
  io: Io,
): Promise<Converged> {
  const ids = part.changes.map((change) => subjectOf(change).id);
  const touched = [...new Set([...part.pendingActivation, ...ids])];
  if (touched.length === 0) return { changes: [], checks: await verified(run, component, io), failures: [] };

  await component.validate?.(part.changes, io);
  await run.journal.mark(component.name, touched);
  const guard = await component.guard?.(part.changes, io);
  const attempt = new Attempt(component, run, io);
  for (const change of part.changes) {
    const went = await attempt.apply(change);
    if (!went && component.independent !== true) break;
  }
  if (component.independent === true || attempt.failures.length === 0) await attempt.prove(touched);
  return finish(component, part, run, attempt, guard);
}

async function finish(
  component: Component,
  part: ComponentPlan,
  run: RunWorld,
  attempt: Attempt,
  guard: Guard | undefined,
): Promise<Converged> {
  if (attempt.isClean()) await attempt.confirm(guard);
  // Whatever could not be taken back stays marked, and stays guarded by an undo that works without us.
  if (attempt.isClean()) {
    // What could not be looked at waits for another run, and so does what an earlier run wrote when it is not live yet.
    const unread = part.unreadResources.flatMap(({ ids }) => ids);
    const idle = attempt.activated ? [] : part.pendingActivation;
    await run.journal.clear(component.name, [...unread, ...idle]);
  }
  return { changes: attempt.applied, checks: attempt.checks, failures: attempt.failures };
}

/** The changes of one component as they are made, and taken back. */
class Attempt {
  readonly applied: Change[] = [];
  readonly failures: Failure[] = [];
  checks: readonly Check[] = [];
  /** Everything that was written has been made live, now or before it was taken back. */
  activated = false;
  /** What has failed already: that it is not as declared is known. */
  readonly #failed = new Set<ResourceId>();
  readonly #component: Component;
  readonly #run: RunWorld;
  readonly #io: Io;

  constructor(component: Component, run: RunWorld, io: Io) {
    this.#component = component;
    this.#run = run;
    this.#io = io;
  }

  /** Makes one change; when that fails, takes back what must not stay. */
  async apply(change: Change): Promise<boolean> {
    const { id } = subjectOf(change);
    try {
      await this.#component.apply(change, this.#io);
    } catch (error) {
      if (!(error instanceof PhoenixError) || endsRun(error)) throw error;
      this.#failed.add(id);
      // What was refused beforehand has changed nothing; any other failed change may be half done and is taken back as well.
      const own = error instanceof CandidateError ? [] : [change];
      await this.#takeBack(error, this.#component.independent === true ? own : [...this.applied, ...own]);
      return false;
    }
    this.applied.push(change);
    this.#run.emit({ type: "change-applied", component: this.#component.name, verb: change.verb, id });
    return true;
  }

  /** Activates and verifies; takes back the changes that the failed checks are about. */
  async prove(touched: readonly ResourceId[]): Promise<void> {
    try {
      await this.#component.activate?.(touched, this.#io);
      this.activated = true;
      this.checks = await verified(this.#run, this.#component, this.#io);
      this.#refuseFailed(this.checks, touched);
    } catch (error) {
      if (!(error instanceof PhoenixError) || endsRun(error)) throw error;
      await this.#takeBack(error, this.#blamed(error));
    }
  }

  #refuseFailed(checks: readonly Check[], touched: readonly ResourceId[]): void {
    const failed = checks.filter(({ status, external }) => status === "fail" && external !== true);
    const ours =
      this.#component.independent === true
        ? failed.filter(({ resource }) => touched.includes(resource) && !this.#failed.has(resource))
        : failed;
    const [first] = ours;
    if (first === undefined || this.applied.length === 0) return;
    const more = ours.length === 1 ? "" : ` (and ${ours.length - 1} more)`;
    throw new UnprovedError(
      `check failed: ${first.claim}${first.observed === undefined ? "" : `: ${first.observed}`}${more}`,
      {
        hint: first.hint,
      },
    );
  }

  /** Which of the applied changes a failed proof is held against. */
  #blamed(error: PhoenixError): readonly Change[] {
    if (this.#component.independent !== true || !(error instanceof UnprovedError)) return [...this.applied];
    const failed = new Set(
      this.checks
        .filter(({ status, external }) => status === "fail" && external !== true)
        .map(({ resource }) => resource),
    );
    return this.applied.filter((change) => failed.has(subjectOf(change).id));
  }

  /** Nothing is left that should have been taken back. */
  isClean(): boolean {
    return this.failures.every(({ stuck }) => stuck === undefined);
  }

  /** Disarms the undo. What it was not told in time, it has taken back by itself. */
  async confirm(guard: Guard | undefined): Promise<void> {
    try {
      await guard?.confirm();
    } catch (error) {
      if (!(error instanceof PhoenixError) || endsRun(error)) throw error;
      const changes = this.applied.splice(0);
      const back = error instanceof CandidateError;
      this.failures.push(back ? { error, changes } : { error, changes, stuck: "the undo has not run" });
    }
  }

  async #takeBack(error: unknown, changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      const at = this.applied.indexOf(change);
      if (at >= 0) this.applied.splice(at, 1);
    }
    try {
      for (const change of [...changes].reverse()) await this.#component.apply(inverseOf(change), this.#io);
      if (changes.length > 0)
        await this.#component.activate?.(
          changes.map((change) => subjectOf(change).id),
          this.#io,
        );
      this.failures.push({ error, changes });
    } catch (second) {
      if (!(second instanceof PhoenixError) || endsRun(second)) throw second;
      this.failures.push({ error, changes, stuck: messageOf(second) });
    }
  }
}
