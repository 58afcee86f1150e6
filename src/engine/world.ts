/** What the engine works with: the declared site, the machines, the memory between runs, and where events go. */
import type { Apis } from "../apis/apis.ts";
import type { Activation, Check, Component, ComponentName, Io } from "../component.ts";
import { adviceOn, InterruptedError, NotReadyError, type PhoenixError, RefusedError } from "../errors.ts";
import type { Emit } from "../event.ts";
import type { World } from "../hosts/world.ts";
import type { Site } from "../model.ts";
import type { ResourceId } from "../resource.ts";
import type { Secret } from "../secret.ts";
import type { OwnedResource, Unread, UnreadResources } from "./plan.ts";

export interface RunWorld {
  readonly site: Site;
  readonly world: World;
  readonly apis: Apis;
  readonly journal: RunJournal;
  readonly emit: Emit;
  /** Aborted: stop now. */
  readonly signal: AbortSignal;
  /** Aborted: finish the component that is being changed, start no other. */
  readonly stop?: AbortSignal;
  /** The address that this session of the operator comes from, when it comes over the network. */
  readonly operator?: string;
}

/** The part of the journal that a run needs while it runs. */
export interface RunJournal {
  /** Resources that a run wrote and never proved live. */
  pending(component: ComponentName): Promise<readonly ResourceId[]>;
  mark(component: ComponentName, ids: readonly ResourceId[]): Promise<void>;
  /** Removes a component's marks, but for those of `kept`. */
  clear(component: ComponentName, kept: readonly ResourceId[]): Promise<void>;
  /** What the component made so far, and where. */
  owned(component: ComponentName): Promise<readonly OwnedResource[]>;
  /** Replaces what these components own. */
  own(owned: ReadonlyMap<ComponentName, readonly OwnedResource[]>): Promise<void>;
  secret(name: string): Promise<Secret>;
}

export interface RunOptions {
  readonly only?: readonly ComponentName[];
  readonly skip?: readonly ComponentName[];
  /** Consents: "prune", "lockout", "dns-shrink". */
  readonly allow: ReadonlySet<string>;
}

/** What a component reported while it worked. */
export interface Reports {
  readonly activations: Activation[];
  readonly notes: string[];
  readonly unread: UnreadResources[];
}

/** The `Io` of one component, and the reports that it collects. */
export function ioOf(run: RunWorld, component: Component): { io: Io; reports: Reports } {
  const reports: Reports = { activations: [], notes: [], unread: [] };
  const { name } = component;
  const io: Io = {
    site: run.site,
    host: (host) => run.world.host(host),
    network: run.world.network,
    apis: run.apis,
    generatedSecret: (secret) => run.journal.secret(secret),
    clock: run.world.clock,
    ...(run.operator === undefined ? {} : { operator: run.operator }),
    activated: (activation) => {
      reports.activations.push(activation);
      run.emit({ type: "activated", component: name, activation });
    },
    unread: (ids, error) => {
      reports.unread.push({ ids, ...unreadBy(error) });
    },
    note: (text) => {
      if (reports.notes.includes(text)) return;
      reports.notes.push(text);
      run.emit({ type: "note", component: name, text });
    },
    waiting: (what, forMs) => {
      run.emit({ type: "waiting", component: name, for: what, untilMs: run.world.clock.now() + forMs });
    },
    signal: run.signal,
  };
  return { io, reports };
}

/** Why an error keeps something from being read. */
export function unreadBy(error: PhoenixError): Unread {
  const kind = error instanceof NotReadyError ? "not-ready" : "error";
  const hint = adviceOn(error);
  return { kind, reason: error.message, ...(hint === undefined ? {} : { hint }) };
}

/** Runs a component's checks and tells the world of each. */
export async function verified(run: RunWorld, component: Component, io: Io): Promise<readonly Check[]> {
  run.emit({ type: "component-started", component: component.name, phase: "verify" });
  const checks = await component.verify(io);
  for (const check of checks) run.emit({ type: "check-finished", component: component.name, check });
  return checks;
}

/** Errors that end the whole run, not just the component in which they came up. */
export function endsRun(error: unknown): boolean {
  return error instanceof InterruptedError || error instanceof RefusedError;
}
