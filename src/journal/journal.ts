/**
 * What the live system cannot show: what was written and never proved live, what we own, the history of runs, what the last
 * look found, and generated secrets. Nothing is read before it is needed, and reading creates nothing.
 */
import type { ComponentName } from "../component.ts";
import { keyName } from "../fingerprint.ts";
import type { Host } from "../hosts/host.ts";
import type { ResourceId } from "../resource.ts";
import type { Secret } from "../secret.ts";
import { type Inventory, openInventory } from "./inventory.ts";
import { openMarks } from "./marks.ts";
import { type Observations, openObservations } from "./observations.ts";
import { openRuns, type Runs } from "./runs.ts";
import { generatedSecret } from "./secrets.ts";
import { journalDirectory } from "./store.ts";

export interface Journal extends Inventory {
  /** Resources that a run wrote and never proved live. */
  pending(component: ComponentName): Promise<readonly ResourceId[]>;
  mark(component: ComponentName, ids: readonly ResourceId[]): Promise<void>;
  clear(component: ComponentName, kept?: readonly ResourceId[]): Promise<void>;
  /** A secret that is generated once and kept. A read-only journal generates a missing one for this run only. */
  secret(name: string): Promise<Secret>;
  readonly runs: Runs;
  /** What the last look found. */
  readonly observations: Observations;
}

export interface JournalOptions {
  /** Never writes; `mark` and `clear` must not be called. */
  readonly readOnly?: boolean;
  /** Replaces the site's secrets in what is written. */
  readonly redact?: (text: string) => string;
  readonly directory?: string;
}

/** @param host the hypervisor */
export function openJournal(host: Host, options: JournalOptions = {}): Journal {
  const { readOnly = false, redact = (text) => text, directory = journalDirectory } = options;
  const marks = openMarks(host, directory);
  const secrets = new Map<string, Promise<Secret>>();
  const secretCalled = (name: string): Promise<Secret> => {
    // Components ask side by side: the first call generates it, the others share it.
    const secret = secrets.get(name) ?? generatedSecret(host, directory, name, !readOnly);
    secrets.set(name, secret);
    return secret;
  };
  return {
    ...marks,
    secret: secretCalled,
    ...openInventory(host, directory),
    runs: openRuns(host, directory, redact, () => secretCalled(keyName)),
    observations: openObservations(host, directory),
  };
}
