/** What the engine works with: the declared site, the machines, the journal, and where events go. */
import type { Apis } from "../apis/apis.ts";
import type { ComponentName } from "../component.ts";
import { defined } from "../defined.ts";
import {
  adviceOn,
  InterruptedError,
  NotReadyError,
  PhoenixError,
  RefusedError,
  WrongHostError,
} from "../errors.ts";
import type { Emit } from "../event.ts";
import type { World } from "../hosts/world.ts";
import type { Site } from "../model.ts";
import type { ResourceId } from "../resource.ts";
import type { Secret } from "../secret.ts";
import type { OwnedResource, Unread } from "./plan.ts";

export interface RunWorld {
  readonly site: Site;
  readonly world: World;
  readonly apis: Apis;
  readonly journal: RunJournal;
  readonly emit: Emit;
  /** Aborted: stop now. */
  readonly signal: AbortSignal;
  /** Aborted: finish the component that is being changed, and start no other. */
  readonly stop?: AbortSignal;
  /** The address that the operator's session comes from, when it comes over the network. */
  readonly operator?: string;
}

/** The part of the journal that a run needs while it runs. */
export interface RunJournal {
  /** Resources that a run wrote and never proved live. */
  pending(component: ComponentName): Promise<readonly ResourceId[]>;
  mark(component: ComponentName, ids: readonly ResourceId[]): Promise<void>;
  /** Removes a component's marks, except for those of `kept`. */
  clear(component: ComponentName, kept: readonly ResourceId[]): Promise<void>;
  /** What the component has created, and where. */
  owned(component: ComponentName): Promise<readonly OwnedResource[]>;
  /** Replaces what these components own. */
  own(owned: ReadonlyMap<ComponentName, readonly OwnedResource[]>): Promise<void>;
  secret(name: string): Promise<Secret>;
}

export interface RunOptions {
  readonly only?: readonly ComponentName[];
  readonly skip?: readonly ComponentName[];
  /** Of components with independent resources, work on these alone; components that none of them belongs to are whole. */
  readonly resources?: readonly ResourceId[];
  /** Consents: "prune", "lockout", "adopt", "dns-shrink". */
  readonly allow: ReadonlySet<string>;
}

/** What a missing answer means for a plan. */
export function unreadBy(error: PhoenixError): Unread {
  const kind = error instanceof NotReadyError ? "not-ready" : "error";
  return defined({ kind, reason: error.message, hint: adviceOn(error) });
}

/** An error as an expected failure. @throws the error itself when it is a bug, or ends the whole run */
export function expectedFailure(error: unknown): PhoenixError {
  const endsRun = [InterruptedError, RefusedError, WrongHostError].some((kind) => error instanceof kind);
  if (error instanceof PhoenixError && !endsRun) return error;
  throw error;
}
