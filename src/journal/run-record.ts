/**
 * A run as the history keeps it, a generation. Format 2, since Phoenix 0.3, keeps what was in place at its end and the site it was made
 * from; records of format 1 have neither and stay readable forever.
 */
import type { Activation, ComponentName, Outcome } from "../component.ts";
import { isObject } from "../formats/json/index.ts";
import type { Change, HostName, ResourceId } from "../resource.ts";
import { isObjectName, type ObjectName } from "./objects.ts";
import { damaged, parseDocument } from "./store.ts";

export const recordVersion = 2;

export interface RunRecord {
  /** Counts from 1. Old generations are removed, so numbers may be missing. */
  readonly generation: number;
  /** "sync all", "rollback 12", "unattended sync". */
  readonly command: string;
  readonly who: string;
  /** The machine phoenix ran on. */
  readonly host: string;
  /** SHA-256 over the site's files. */
  readonly siteDigest: string;
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  readonly durationMs: number;
  readonly exitCode: number;
  /** The site's warnings, a text each. */
  readonly warnings?: readonly string[];
  readonly components: readonly RecordedComponent[];
  /** The kept site that the run was made from. Absent in format 1. */
  readonly site?: ObjectName;
  /** What is in place at its end, a `KeptState` for each component that any run has read. Absent in format 1. */
  readonly state?: Readonly<Record<ComponentName, ObjectName>>;
}

export interface RecordedComponent {
  readonly component: ComponentName;
  readonly outcome: Outcome;
  readonly reason?: string;
  readonly hint?: string;
  readonly durationMs?: number;
  readonly changes: readonly RecordedChange[];
  readonly activations?: readonly Activation[];
  /** What it proved. Absent in format 1. */
  readonly checks?: RecordedChecks;
  /** What it found, a `KeptState`; absent where nothing could be read, and in format 1. */
  readonly found?: ObjectName;
}

export interface RecordedChecks {
  readonly passed: number;
  readonly failed: readonly {
    readonly resource: ResourceId;
    readonly claim: string;
    readonly observed?: string;
  }[];
}

export interface RecordedChange {
  readonly verb: Change["verb"];
  readonly id: ResourceId;
  readonly host: HostName;
  /** False for a change that failed or was rolled back. */
  readonly inPlace: boolean;
  /** The text before and after; absent for a missing resource. In format 2 an object has them: see `found` and `state`. */
  readonly before?: string;
  readonly after?: string;
  /** Its texts contain a secret and were not recorded. */
  readonly sensitive?: true;
}

/** What is in place of one component. */
export interface KeptState {
  /** Sorted by id. */
  readonly resources: readonly KeptResource[];
  /** Only some of its resources were ever looked at. */
  readonly partial?: true;
}

export interface KeptResource {
  readonly id: ResourceId;
  readonly host: HostName;
  /** SHA-256 of its text; of a text with secrets "secret " and a keyed fingerprint. Equal digests are equal texts. */
  readonly digest: string;
  /** A `KeptContent`. */
  readonly content: ObjectName;
  /** The kept site that declares it like this; absent where none does. */
  readonly site?: ObjectName;
}

/** What a resource says, without secrets. */
export interface KeptContent {
  /** Absent when it has secrets. */
  readonly text?: string;
  readonly units: Readonly<Record<string, string>>;
  readonly documents?: Readonly<Record<string, string>>;
  readonly sensitive?: true | "text";
}

/** @throws SiteError when it is damaged, or was written by a newer Phoenix */
export function recordOf(path: string, text: string): RunRecord {
  const { version: _, ...record } = parseDocument(path, text, recordVersion);
  if (!isRecord(record)) throw damaged(path);
  return record;
}

/** Checks the fields that every reader needs. */
function isRecord(value: Partial<Record<keyof RunRecord, unknown>>): value is RunRecord {
  return (
    typeof value.generation === "number" &&
    typeof value.startedMs === "number" &&
    typeof value.command === "string" &&
    Array.isArray(value.components) &&
    (value.site === undefined || isObjectName(value.site)) &&
    (value.state === undefined || (isObject(value.state) && Object.values(value.state).every(isObjectName)))
  );
}

/** Whether the run left everything as it was and nothing was wrong. */
export function isQuiet({ exitCode, components }: RunRecord): boolean {
  return exitCode === 0 && components.every(({ outcome }) => outcome === "unchanged");
}
