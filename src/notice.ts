/** Where notices of a change of state go, and what they can be about. */
import type { SourceRef } from "./resource.ts";
import type { Secret } from "./secret.ts";

export const noticeTypes = ["ntfy", "gotify", "discord", "slack", "webhook", "mail"] as const;

export type NoticeType = (typeof noticeTypes)[number];

/**
 * "failed": a component failed, could not be read, or a check of it fails. "refused": a person must consent. "unreachable": a guest or
 * the hypervisor. "expiring": a certificate. "error": the run could not look at all. "repaired": an unattended sync put drift
 * right that nobody had seen before. "recovered": what was reported is well again.
 */
export const noticeEvents = [
  "drifted",
  "failed",
  "rolled-back",
  "refused",
  "unreachable",
  "expiring",
  "error",
  "repaired",
  "recovered",
] as const;

export type NoticeEvent = (typeof noticeEvents)[number];

/** Somebody to tell. Everything that lets others write there is a secret. */
export interface NoticeTarget {
  /** Unique. */
  readonly name: string;
  readonly type: NoticeType;
  /** "https://ntfy.sh", the server's; of Discord, Slack and a webhook the whole address. Absent for mail. */
  readonly url?: Secret;
  /** Of ntfy. */
  readonly topic?: Secret;
  /** The access token of ntfy, Gotify or a webhook. */
  readonly token?: Secret;
  /** Of mail: the addresses, and the one that it comes from. */
  readonly to: readonly string[];
  readonly sender?: string;
  readonly events: readonly NoticeEvent[];
  readonly from: SourceRef;
}

/** One change of state, in words without markup; no text holds a secret. */
export interface News {
  readonly event: NoticeEvent;
  /** What a recovered or repaired thing was reported as. */
  readonly was?: NoticeEvent;
  /** "dns", "lxc/101 (gateway)". */
  readonly subject: string;
  /** What became of it, to follow the subject: "drifted", "answers again". */
  readonly verb: string;
  readonly reason?: string;
  readonly hint?: string;
  /** What declares it. */
  readonly from?: SourceRef;
}

/** All that one run has to tell. */
export interface Notice {
  /** The same each time that it is sent. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** The site, by its domain. */
  readonly site: string;
  /** The command that found it: "unattended verify". */
  readonly command: string;
  readonly news: readonly News[];
}

/** What was last told of something. */
export interface Told {
  /** Absent once it is well again. */
  readonly event?: NoticeEvent;
  readonly atMs: number;
  /** Its parts that are not well, as far as each is news of its own. */
  readonly parts: readonly string[];
  /** When it lately changed its state. */
  readonly changedMs: readonly number[];
  /** It changes too often: nothing is told until it lasts. What it was when it was last not well. */
  readonly held?: NoticeEvent;
}

export interface Undelivered {
  /** The name of the target. */
  readonly target: string;
  readonly attempts: number;
  readonly notice: Notice;
}

/** What must outlive a run, so that each change is told once. */
export interface NoticeMemory {
  readonly told: Readonly<Record<string, Told>>;
  readonly undelivered: readonly Undelivered[];
}

/** Where metrics are written for node_exporter. */
export interface MetricsTarget {
  /** An absolute path on the hypervisor. */
  readonly directory: string;
  readonly from: SourceRef;
}

/** What a site declares of those who want to know how it is. */
export interface Reporting {
  /** Who is told of changes of state. */
  readonly notices?: readonly NoticeTarget[];
  readonly metrics?: MetricsTarget;
}
