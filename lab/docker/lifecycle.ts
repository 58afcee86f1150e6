/** What time does to a container: its process ends, its restart policy starts it again, its health check passes or fails. Pure. */
import type { LabContainer } from "./state.ts";

/** Waits between restarts: doubled each time, and begun anew after a process that ran long enough (Docker 26 restartmanager). */
const backoff = { firstMs: 100, longestMs: 60_000, forgottenAfterMs: 10_000 };

/** Docker's defaults of a health check (26). Milliseconds. */
export const healthDefaults = { intervalMs: 30_000, startIntervalMs: 5_000, startPeriodMs: 0, retries: 3 };

/** The container as it is at `nowMs`. */
export function atTime(container: LabContainer, nowMs: number): LabContainer {
  let now = container;
  for (;;) {
    const { end, state, startedAt, finishedAt } = now;
    if (end === undefined) return now;
    if (state === "running") {
      if (startedAt + end.afterMs > nowMs) return now;
      now = ended(now, end.exitCode, startedAt + end.afterMs);
    } else if (state === "restarting") {
      if (finishedAt + now.backoffMs > nowMs) return now;
      now = { ...now, state: "running", exitCode: 0, startedAt: finishedAt + now.backoffMs };
    } else return now;
  }
}

function ended(container: LabContainer, exitCode: number, finishedAt: number): LabContainer {
  const { startedAt, restart, restarts, backoffMs } = container;
  const [policy, most = "0"] = restart.split(":");
  const isWorth = Number(most) === 0 || restarts < Number(most);
  const again =
    policy === "always" ||
    policy === "unless-stopped" ||
    (policy === "on-failure" && exitCode !== 0 && isWorth);
  if (!again) return { ...container, state: "exited", exitCode, finishedAt };
  const isForgotten = backoffMs === 0 || finishedAt - startedAt >= backoff.forgottenAfterMs;
  const next = isForgotten ? backoff.firstMs : Math.min(backoffMs * 2, backoff.longestMs);
  return {
    ...container,
    state: "restarting",
    exitCode,
    finishedAt,
    restarts: restarts + 1,
    backoffMs: next,
  };
}

/** In Docker's words; undefined for a container without a health check. */
export function healthOf(
  { healthcheck, state, startedAt }: LabContainer,
  nowMs: number,
): "starting" | "healthy" | "unhealthy" | undefined {
  if (healthcheck === undefined) return undefined;
  if (state !== "running") return "unhealthy";
  const { intervalMs, startIntervalMs, startPeriodMs, retries, passes } = healthcheck;
  // In the start period probes follow each other faster, and their failures do not count.
  const firstMs = startPeriodMs > 0 ? Math.min(startIntervalMs, intervalMs) : intervalMs;
  const lastMs = startPeriodMs > 0 ? startPeriodMs + (retries - 1) * intervalMs : retries * intervalMs;
  if (passes) return nowMs - startedAt < firstMs ? "starting" : "healthy";
  return nowMs - startedAt < lastMs ? "starting" : "unhealthy";
}
