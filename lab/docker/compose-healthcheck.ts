/** The health check of a service in a compose file. Pure. */
import { isYamlObject, listOf } from "./compose-values.ts";
import { healthDefaults } from "./lifecycle.ts";
import type { HealthCheck } from "./state.ts";

export function healthcheckOf(value: unknown): HealthCheck | undefined {
  if (!isYamlObject(value) || value.disable === true) return undefined;
  const test = listOf(value.test).map(String);
  if (test[0] === "NONE") return undefined;
  const { intervalMs, startIntervalMs, startPeriodMs, retries } = healthDefaults;
  return {
    intervalMs: durationMs(value.interval) ?? intervalMs,
    startIntervalMs: durationMs(value.start_interval) ?? startIntervalMs,
    startPeriodMs: durationMs(value.start_period) ?? startPeriodMs,
    retries: value.retries === undefined ? retries : Number(value.retries),
    // What a probe asks is not played: it passes unless it cannot.
    passes: !/^(\/bin\/)?false$|^exit [1-9]/.test(test.at(-1) ?? ""),
  };
}

/** "1m30s", "500ms". */
function durationMs(value: unknown): number | undefined {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  const parts = [...String(value ?? "").matchAll(/([\d.]+)(ms|s|m|h)/g)];
  if (parts.length === 0) return undefined;
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ""] ?? 0), 0);
}
