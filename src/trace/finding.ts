/** What `phoenix trace` finds at one hop. */
import { defined } from "../defined.ts";
import type { HopKind } from "../fabric/hop.ts";
import type { HostName, SourceRef } from "../resource.ts";

/**
 * "broken" stops requests here. "degraded" lets them pass, and is not as declared. "affected" fails because of another hop.
 * "unknown" could not be looked at.
 */
export type HopStatus = "ok" | "broken" | "degraded" | "affected" | "unknown";

export interface Finding {
  readonly status: HopStatus;
  /** What was measured, in a few words: "192.168.40.10", "refused". */
  readonly seen: string;
  /** What is wrong, as a whole sentence without its full stop. */
  readonly cause?: string;
  /** More about the cause, a line each: the rule that decides, the end of a container's log. */
  readonly details?: readonly string[];
  readonly hint?: string;
  /** The line that declares what is not so, where another than the hop's own is closer to it. */
  readonly from?: SourceRef;
}

/** A hop as it was found, from one point of view. */
export interface TracedHop extends Finding {
  readonly kind: HopKind;
  readonly host: HostName;
  readonly expected: string;
  readonly declared: SourceRef;
  readonly durationMs: number;
}

export interface TracedWay {
  readonly name: string;
  readonly leadsTo: string;
  readonly hops: readonly TracedHop[];
}

export const ok = (seen: string): Finding => ({ status: "ok", seen });
export const unknown = (seen: string): Finding => ({ status: "unknown", seen });
export const affected = (seen: string): Finding => ({ status: "affected", seen });

export function broken(seen: string, cause: string, more: Reason = {}): Finding {
  return defined({ status: "broken" as const, seen, cause, ...more });
}

export function degraded(seen: string, cause: string, more: Reason = {}): Finding {
  return { ...broken(seen, cause, more), status: "degraded" };
}

type Reason = {
  readonly details?: readonly string[] | undefined;
  readonly hint?: string | undefined;
  readonly from?: SourceRef | undefined;
};

/** The hop to name: the first that stops requests; else the first that is not as declared; else the first that fails. */
export function brokenHop(hops: readonly TracedHop[]): number | undefined {
  for (const status of ["broken", "degraded", "affected"] as const) {
    const at = hops.findIndex((hop) => hop.status === status);
    if (at >= 0) return at;
  }
  return undefined;
}
