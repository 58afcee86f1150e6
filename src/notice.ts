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
