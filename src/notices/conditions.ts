/** What is not well in an observation, each as a condition that somebody may be told of. Pure. */
import { defined } from "../defined.ts";
import { describeHost } from "../fabric/guests.ts";
import type {
  ComponentState,
  Observation,
  ObservedCertificate,
  ObservedComponent,
} from "../journal/observations.ts";
import type { Site } from "../model.ts";
import type { News, NoticeEvent } from "../notice.ts";
import type { GuestName } from "../resource.ts";

/** Something that is not well. */
export interface Condition extends News {
  /** Each of these is news of its own where it was not one before. */
  readonly parts: readonly string[];
  /** When the latest of its failing checks began to fail; milliseconds since the epoch. */
  readonly latestMs: number;
}

/** What a state is told as, and how. Those that are well, or nobody's concern, are missing. */
const told: Readonly<Partial<Record<ComponentState, readonly [NoticeEvent, verb: string]>>> = {
  drifted: ["drifted", "drifted"],
  unproven: ["failed", "fails a check"],
  failed: ["failed", "failed"],
  "rolled back": ["rolled-back", "was rolled back"],
  refused: ["refused", "needs your consent"],
  "not ready": ["failed", "is not ready"],
  unread: ["failed", "cannot be read"],
};

/** Everything that is not well, by a key that stays the same from run to run. */
export function conditionsOf(seen: Observation, site: Site): ReadonlyMap<string, Condition> {
  const latest = latestFailures(seen);
  const found: (readonly [string, Condition])[] = [];
  for (const [host, { state, reason }] of Object.entries(seen.guests))
    if (state === "no answer")
      found.push([`guest ${host}`, unreachable(describeHost(site, host as GuestName), reason, site, host)]);
  for (const [name, component] of Object.entries(seen.components)) {
    const condition = conditionOf(name, component, latest.get(name) ?? 0);
    if (condition !== undefined) found.push([`component ${name}`, condition]);
  }
  for (const [name, certificate] of Object.entries(seen.certificates)) {
    const condition = expiring(name, certificate, site, seen.run.endedMs);
    if (condition !== undefined) found.push([`certificate ${name}`, condition]);
  }
  if (seen.source?.state === "not updated") {
    const { reason, hint } = seen.source;
    const news = { event: "error", subject: "the site's repository", verb: "cannot be pulled" } as const;
    found.push(["source", { ...news, ...defined({ reason, hint }), parts: [], latestMs: 0 }]);
  }
  return new Map(found);
}

function unreachable(subject: string, reason: string | undefined, site: Site, host: string): Condition {
  const from = site.guests.find((guest) => guest.host === host)?.from;
  const hint = "see whether it runs; `phoenix status` shows the guests";
  const told = { event: "unreachable", subject, verb: "does not answer", hint } as const;
  return { ...told, ...defined({ reason, from }), parts: [], latestMs: 0 };
}

function conditionOf(
  subject: string,
  { state, reason, hint, from, affected }: ObservedComponent,
  latestMs: number,
): Condition | undefined {
  const [event, verb] = told[state] ?? [];
  if (event === undefined || verb === undefined) return undefined;
  return { event, subject, verb, ...defined({ reason, hint, from }), parts: affected, latestMs };
}

/** By component. */
function latestFailures({ checks }: Observation): ReadonlyMap<string, number> {
  const latest = new Map<string, number>();
  for (const { component, status, sinceMs } of checks)
    if (status === "fail") latest.set(component, Math.max(sinceMs, latest.get(component) ?? 0));
  return latest;
}

/**
 * The share of its lifetime that a certificate has left when it counts as expiring: half of the third in which it should have been
 * renewed. Four hours of a day, 15 days of 90.
 */
const expiringShare = 1 / 6;

function expiring(
  name: string,
  { notBeforeMs, notAfterMs }: ObservedCertificate,
  site: Site,
  nowMs: number,
): Condition | undefined {
  const leftMs = notAfterMs - nowMs;
  if (leftMs >= (notAfterMs - notBeforeMs) * expiringShare) return undefined;
  const isOver = leftMs <= 0;
  const from = site.certificates.find(({ commonName }) => commonName === name)?.from;
  return {
    event: "expiring",
    subject: `certificate ${name}`,
    verb: isOver ? "has expired" : "expires soon",
    reason: `${isOver ? "it was" : "it is"} valid until ${dateOf(notAfterMs)}, and was not renewed`,
    hint: `\`phoenix certs renew ${name}\` renews it now`,
    ...defined({ from }),
    parts: isOver ? ["expired"] : [],
    latestMs: 0,
  };
}

/** "2026-11-28 03:00 UTC". */
export function dateOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
