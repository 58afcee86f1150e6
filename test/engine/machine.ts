/** A component over a map: the engine's behaviour can be seen without any real system. */
import type { Apis } from "../../src/apis/apis.ts";
import type { Check, Component, ComponentName, Guard, Hazard } from "../../src/component.ts";
import type { OwnedResource } from "../../src/engine/plan.ts";
import type { RunWorld } from "../../src/engine/run.ts";
import { CandidateError, CommandError, type PhoenixError, TransportError } from "../../src/errors.ts";
import type { Event } from "../../src/event.ts";
import type { World } from "../../src/hosts/world.ts";
import type { Site } from "../../src/model.ts";
import { type Change, type Resource, type ResourceId, subjectOf } from "../../src/resource.ts";
import { Secret } from "../../src/secret.ts";

export interface Behaviour {
  after?: readonly ComponentName[];
  independent?: true;
  /** Ids whose apply fails as long as they are in here. */
  failing?: Set<ResourceId>;
  /** Ids whose candidate is refused before anything is touched. */
  refused?: Set<ResourceId>;
  /** Claims that fail, by resource. */
  wrong?: Set<ResourceId>;
  external?: true;
  /** Every claim fails until this is true. */
  wrongUntil?: () => boolean;
  hazards?: readonly Hazard[];
  /** What confirming throws; a CandidateError when the undo has run. */
  unconfirmed?: PhoenixError;
  unread?: Error;
  /** Resources that cannot be looked at. */
  unreadIds?: Set<ResourceId>;
  /** Proving finds them down as well. */
  unreadInVerify?: true;
  /** Resources whose machine went down after the plan. */
  downInApply?: Set<ResourceId>;
  activationFails?: number;
  /** Called instead of making a change, which `make` does. */
  onApply?: (make: () => void, change: Change) => void;
  /** Called at the start of everything that the engine asks of the component. */
  onCall?: () => void;
}

const down = new TransportError("vm/1002", "vm/1002 is not running");

export class Machine {
  readonly log: string[] = [];
  readonly live = new Map<ResourceId, string>();
  desired: Record<ResourceId, string>;
  readonly behaviour: Behaviour;
  readonly component: Component;
  guardArmed = false;

  constructor(name: ComponentName, desired: Record<ResourceId, string>, behaviour: Behaviour = {}) {
    this.desired = desired;
    this.behaviour = behaviour;
    this.component = this.#build(name);
  }

  #build(name: ComponentName): Component {
    const { behaviour } = this;
    return {
      name,
      after: behaviour.after ?? [],
      ...(behaviour.independent === undefined ? {} : { independent: behaviour.independent }),
      compile: () => Object.entries(this.desired).map(([id, text]) => resource(id as ResourceId, text)),
      read: async (io) => {
        behaviour.onCall?.();
        this.log.push("read");
        if (behaviour.unread !== undefined) throw behaviour.unread;
        if ((behaviour.unreadIds?.size ?? 0) > 0) io.unread([...(behaviour.unreadIds ?? [])], down);
        return [...this.live].map(([id, text]) => resource(id, text));
      },
      hazards: async () => behaviour.hazards ?? [],
      guard: async (): Promise<Guard> => {
        this.guardArmed = true;
        return {
          confirm: async () => {
            if (behaviour.unconfirmed !== undefined) {
              if (behaviour.unconfirmed instanceof CandidateError) this.live.clear();
              throw behaviour.unconfirmed;
            }
            this.guardArmed = false;
          },
        };
      },
      apply: async (change, io) => {
        const { id } = subjectOf(change);
        behaviour.onCall?.();
        if (behaviour.downInApply?.has(id)) return io.unread([id], down);
        this.log.push(`${change.verb} ${id}`);
        if (
          change.verb !== "delete" &&
          behaviour.failing?.has(id) &&
          change.desired.text === this.desired[id]
        ) {
          throw new CommandError("pve", 1, `cannot write ${id}`);
        }
        if (behaviour.refused?.has(id))
          throw new CandidateError(`${id} was left alone`, { hint: `mend ${id}` });
        const make = (): void => {
          if (change.verb === "delete") this.live.delete(id);
          else this.live.set(id, change.desired.text);
        };
        if (behaviour.onApply === undefined) make();
        else behaviour.onApply(make, change);
      },
      activate: async (touched) => {
        behaviour.onCall?.();
        this.log.push(`activate ${touched.join(" ")}`);
        if ((behaviour.activationFails ?? 0) > 0) {
          behaviour.activationFails = (behaviour.activationFails ?? 0) - 1;
          throw new CommandError("pve", 1, "reload failed");
        }
      },
      verify: async (io): Promise<readonly Check[]> => {
        behaviour.onCall?.();
        if (behaviour.unreadInVerify) io.unread([...(behaviour.unreadIds ?? [])], down);
        this.log.push("verify");
        return Object.keys(this.desired).map((id): Check => {
          const fails =
            behaviour.wrongUntil?.() === false ||
            (behaviour.wrong?.has(id as ResourceId) === true &&
              this.live.get(id as ResourceId) === this.desired[id as ResourceId]);
          const check: Check = {
            resource: id as ResourceId,
            claim: `${id} is right`,
            status: fails ? "fail" : "pass",
          };
          return behaviour.external === true ? { ...check, external: true } : check;
        });
      },
    };
  }
}

export function resource(id: ResourceId, text: string): Resource {
  const units = Object.fromEntries(text.split(" ").map((word, at) => [word, String(at)]));
  return { id, host: "pve", text, units: text === "" ? {} : units };
}

export interface TestRun extends RunWorld {
  readonly events: Event[];
  readonly marks: Map<ComponentName, readonly ResourceId[]>;
  readonly owned: Map<ComponentName, readonly OwnedResource[]>;
}

export function testRun(stop?: AbortSignal, signal = new AbortController().signal): TestRun {
  const events: Event[] = [];
  const marks = new Map<ComponentName, readonly ResourceId[]>();
  const owned = new Map<ComponentName, readonly OwnedResource[]>();
  let now = 0;
  const world = {
    description: "test",
    host: () => {
      throw new Error("the fake component uses no host");
    },
    network: {} as World["network"],
    clock: {
      now: () => now++,
      sleep: async (ms: number) => {
        now += ms;
      },
    },
    cluster: async () => undefined,
    close: async () => {},
  } satisfies World;
  return {
    site: {} as Site,
    world,
    apis: {} as Apis,
    journal: {
      pending: async (component) => marks.get(component) ?? [],
      mark: async (component, ids) => {
        marks.set(component, [...new Set([...(marks.get(component) ?? []), ...ids])]);
      },
      clear: async (component, kept) => {
        const left = (marks.get(component) ?? []).filter((id) => kept.includes(id));
        if (left.length === 0) marks.delete(component);
        else marks.set(component, left);
      },
      owned: async (component) => owned.get(component) ?? [],
      own: async (more) => {
        for (const [component, list] of more) owned.set(component, list);
      },
      secret: async () => new Secret("generated"),
    },
    emit: (event) => {
      events.push(event);
    },
    signal,
    ...(stop === undefined ? {} : { stop }),
    events,
    marks,
    owned,
  };
}
