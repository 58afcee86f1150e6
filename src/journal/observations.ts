/**
 * What the last look found, kept on the hypervisor: the state of each component, each check, certificate and guest, and since
 * when. Runs that write the history write it too. It only remembers: every run looks again.
 */
import type { Check, ComponentName } from "../component.ts";
import type { ExitCode } from "../errors.ts";
import { isObject } from "../formats/json/index.ts";
import type { Host } from "../hosts/host.ts";
import type { NoticeMemory } from "../notice.ts";
import type { GuestName, ResourceId, SourceRef } from "../resource.ts";
import { damaged, documentText, parseDocument, privateMode } from "./store.ts";

/** All times are milliseconds since the epoch; texts hold no secret. */
export interface Observation {
  readonly run: ObservedRun;
  readonly components: Readonly<Record<ComponentName, ObservedComponent>>;
  readonly checks: readonly ObservedCheck[];
  /** By common name. */
  readonly certificates: Readonly<Record<string, ObservedCertificate>>;
  readonly guests: Readonly<Record<GuestName, ObservedGuest>>;
  /** The site's git repository, where the site is pulled from one. */
  readonly source?: ObservedSource;
  /** What was told of it. */
  readonly notices?: NoticeMemory;
}

/** The run that looked. */
export interface ObservedRun {
  readonly command: string;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly exitCode: ExitCode;
  /** SHA-256 over the site's files. */
  readonly siteDigest: string;
  /** When a run last ended with exit code 0 and left every component in sync. */
  readonly convergedMs?: number;
}

/**
 * "unproven": as declared, and a check fails. "failed", "rolled back": a sync's last attempt. "refused": a person must consent.
 * "not ready": waits for another component. "unread": its live state could not be read. "off": takes no part in the site.
 */
export type ComponentState =
  | "in sync"
  | "drifted"
  | "unproven"
  | "failed"
  | "rolled back"
  | "refused"
  | "not ready"
  | "unread"
  | "off";

/** What a state is said of: since when it is so, and when it was last seen. */
interface Lasting {
  readonly sinceMs: number;
  readonly seenMs: number;
}

export interface ObservedComponent extends Lasting {
  readonly state: ComponentState;
  /** Changes that are pending. */
  readonly drift: number;
  /** Resources that are not as declared, or could not be read. */
  readonly affected: readonly ResourceId[];
  /** Why the state is not "in sync". */
  readonly reason?: string;
  readonly hint?: string;
  /** What declares the first thing that is not as it should be. */
  readonly from?: SourceRef;
  /** How long it took to read, change and verify it. */
  readonly durationMs: number;
}

export interface ObservedCheck extends Lasting {
  readonly component: ComponentName;
  readonly resource: ResourceId;
  readonly claim: string;
  readonly status: "pass" | "fail";
  /** When it last passed; absent when it never did. */
  readonly passedMs?: number;
  /** What was seen instead. */
  readonly observed?: string;
  readonly hint?: Check["hint"];
}

export interface ObservedCertificate {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Without their types. */
  readonly names: readonly string[];
  /** The issuer's common name. */
  readonly issuer: string;
}

export interface ObservedGuest extends Lasting {
  readonly state: "answers" | "no answer";
  /** Why it does not answer. */
  readonly reason?: string;
}

export interface ObservedSource extends Lasting {
  readonly state: "up to date" | "not updated";
  /** Why it was not. */
  readonly reason?: string;
  readonly hint?: string;
}

export interface Observations {
  /** Undefined before the first run, and where the file was moved away. @throws DamagedError; SiteError when it was written by a newer Phoenix */
  read(): Promise<Observation | undefined>;
  /** Replaces it whole. Requires the lock. */
  write(observation: Observation): Promise<void>;
}

/** @param host the hypervisor; @param journal the journal's directory */
export function openObservations(host: Host, journal: string): Observations {
  const path = `${journal}/observation.json`;
  return {
    read: async () => {
      const file = (await host.readFiles([path])).get(path);
      if (file === undefined) return undefined;
      const { version: _, ...observation } = parseDocument(path, file.text);
      if (!isObservation(observation)) throw damaged(path);
      return observation;
    },
    write: (observation) =>
      host.writeFiles([{ path, text: documentText({ ...observation }), mode: privateMode }]),
  };
}

/** Checks the members that every reader needs. */
function isObservation(value: Partial<Record<keyof Observation, unknown>>): value is Observation {
  const { run, components, checks, certificates, guests, notices = { told: {}, undelivered: [] } } = value;
  const isTable = (each: unknown): boolean => isObject(each) && Object.values(each).every(isObject);
  const isList = (each: unknown): boolean => Array.isArray(each) && each.every(isObject);
  return (
    isObject(run) &&
    [components, certificates, guests].every(isTable) &&
    isList(checks) &&
    isObject(notices) &&
    isTable(notices.told) &&
    isList(notices.undelivered)
  );
}
