/** One component's turn in a run: what it is handed, what it reports, and how it ends. */
import {
  type Activation,
  type Check,
  type Component,
  type ComponentName,
  type Io,
  isOwnFailure,
} from "../component.ts";
import { defined } from "../defined.ts";
import { adviceOn, InterruptedError, messageOf } from "../errors.ts";
import type { ResourceId } from "../resource.ts";
import { guarded } from "./boundaries.ts";
import type { ComponentResult, UnreadResources } from "./plan.ts";
import { type RunWorld, unreadBy } from "./world.ts";

type Ending = Pick<ComponentResult, "outcome"> & Partial<ComponentResult>;

export class Turn {
  readonly component: Component;
  readonly io: Io;
  readonly activations: Activation[] = [];
  readonly notes: string[] = [];
  readonly unread: UnreadResources[] = [];
  /** What turned out to be as desired when it was to be changed. */
  readonly unchanged = new Set<ResourceId>();
  readonly #run: RunWorld;
  readonly #startedMs: number;

  readonly #awaited: () => readonly ComponentName[];

  /** @param awaited components that have yet to do something: external causes of failed checks may lie there */
  constructor(run: RunWorld, component: Component, awaited: () => readonly ComponentName[] = () => []) {
    this.#run = run;
    this.component = component;
    this.#awaited = awaited;
    this.#startedMs = run.world.clock.now();
    this.io = this.#io();
  }

  #io(): Io {
    const { site, world, apis, journal, operator, signal, emit } = this.#run;
    const component = this.component.name;
    return {
      ...defined({ operator, reconnect: world.reconnect }),
      site,
      apis,
      signal,
      host: (name) => guarded(world.host(name), site),
      network: world.network,
      clock: world.clock,
      generatedSecret: (name) => journal.secret(name),
      activated: (activation) => {
        this.activations.push(activation);
        emit({ type: "activated", component, activation });
      },
      unread: (ids, error) => {
        this.unread.push({ ids, ...unreadBy(error) });
      },
      unchanged: (id) => {
        this.unchanged.add(id);
      },
      note: (text) => {
        if (this.notes.includes(text)) return;
        this.notes.push(text);
        emit({ type: "note", component, text });
      },
      waiting: (what, forMs) =>
        emit({ type: "waiting", component, for: what, untilMs: world.clock.now() + forMs }),
    };
  }

  /** It could not be looked at, now or when it was read for the plan. */
  isLeftAlone(id: ResourceId): boolean {
    return this.unread.some(({ ids }) => ids.includes(id));
  }

  /** @param changes how many changes are to be made */
  starts(phase: "read" | "apply" | "verify", changes?: number): void {
    const { name: component } = this.component;
    this.#run.emit(defined({ type: "component-started" as const, component, phase, changes }));
  }

  /**
   * Runs the component's checks and reports each. One that fails for an external cause waits for the components that have
   * yet to do something. @throws InterruptedError when the run was interrupted meanwhile: a check that was cut off says nothing
   */
  async verify(): Promise<readonly Check[]> {
    this.starts("verify");
    const found = await this.component.verify(this.io);
    if (this.#run.signal.aborted) throw new InterruptedError("interrupted");
    const awaited = this.#awaited();
    const mayWait = awaited.length > 0;
    // Independent resources are each proved: the check of one that is down says what clients miss.
    const isJudged = ({ resource }: Check): boolean =>
      this.component.independent === true || !this.isLeftAlone(resource);
    const checks = found
      .filter(isJudged)
      .map(
        (check): Check =>
          mayWait && check.status === "fail" && !isOwnFailure(check)
            ? { ...check, status: "waiting" }
            : check,
      );
    for (const check of checks)
      this.#run.emit({
        type: "check-finished",
        component: this.component.name,
        check,
        ...(check.status === "waiting" ? { waitsFor: awaited } : {}),
      });
    return checks;
  }

  /** Ends the turn. Notes and duration of `ending` are from before it: the turn's own are added. */
  end(ending: Ending): ComponentResult {
    const result: ComponentResult = {
      component: this.component.name,
      changes: [],
      restored: [],
      unsettled: [],
      resources: this.component.compile(this.#run.site).length,
      orphans: [],
      activations: this.activations,
      checks: [],
      ...ending,
      notes: [...new Set([...(ending.notes ?? []), ...this.notes])],
      durationMs: this.#run.world.clock.now() - this.#startedMs + (ending.durationMs ?? 0),
    };
    const { component, outcome, reason, durationMs } = result;
    this.#run.emit(defined({ type: "component-finished", component, outcome, reason, durationMs }));
    return result;
  }

  /** Ends the turn with an error that was expected. */
  fail(error: unknown): ComponentResult {
    return this.end({ outcome: "failed", ...defined({ reason: messageOf(error), hint: adviceOn(error) }) });
  }
}
