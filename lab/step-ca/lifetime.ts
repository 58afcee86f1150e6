/** How long certificates live: Go durations, claims and their limits. Pure. */
import type { Claims } from "./authority.ts";
import { Refusal } from "./refusal.ts";

/** Put before the start of a certificate, so that clocks may differ (certificates v0.30 config.go). Milliseconds. */
export const backdateMs = 60_000;

const defaults = { min: "5m", max: "24h", usual: "24h" } as const;

export interface Lifetime {
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** @throws Refusal 400 for a text that is no time, 403 beyond the limits */
export function lifetimeOf(
  request: { readonly notBefore?: string; readonly notAfter?: string },
  claims: Claims,
  nowMs: number,
): Lifetime {
  const limit = (text: string): number => durationMs(text) ?? 0;
  const min = limit(claims.minTLSCertDuration ?? defaults.min);
  const max = limit(claims.maxTLSCertDuration ?? defaults.max);
  const usual = limit(claims.defaultTLSCertDuration ?? defaults.usual);
  const asked = timeOf(request.notBefore ?? "", nowMs);
  const from = asked ?? nowMs;
  const notAfterMs = timeOf(request.notAfter ?? "", from) ?? from + usual;
  const notBeforeMs = asked ?? nowMs - backdateMs;
  if (notAfterMs < nowMs)
    throw new Refusal(400, `notAfter cannot be in the past; na=${new Date(notAfterMs).toISOString()}`);
  const duration = notAfterMs - notBeforeMs;
  if (duration < min)
    throw new Refusal(
      403,
      `requested duration of ${goDuration(duration)} is less than the authorized minimum certificate duration of ${goDuration(min)}`,
    );
  if (duration > max + backdateMs)
    throw new Refusal(
      403,
      `requested duration of ${goDuration(duration)} is more than the authorized maximum certificate duration of ${goDuration(max + backdateMs)}`,
    );
  return { notBeforeMs, notAfterMs };
}

/** RFC 3339, or a duration from `fromMs` on; undefined for "". */
function timeOf(text: string, fromMs: number): number | undefined {
  if (text === "") return undefined;
  const relative = durationMs(text);
  if (relative !== undefined) return fromMs + relative;
  const absolute = Date.parse(text);
  if (/^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(absolute)) return absolute;
  throw new Refusal(400, "error decoding json");
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** "1h30m" in milliseconds; days and weeks do not exist. */
function durationMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ""] ?? 0),
    0,
  );
}

function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m${seconds % 60}s`;
}
