/** How a Swarm replaces the tasks of a service. Pure. */
import { parseDuration } from "../../go/values.ts";
import type { ComposeNode } from "../document.ts";

/** How an update goes from task to task; durations in milliseconds. */
export interface Rollout {
  /** How many tasks at once; 0 for all. */
  readonly parallelism: number;
  readonly delayMs: number;
  /** How long a task is watched before it counts. */
  readonly monitorMs: number;
  readonly stopGraceMs: number;
  /** From the start of a container until its health check has decided at the latest. */
  readonly healthMs: number;
  /** An update starts a new task before it stops the old one. */
  readonly startsFirst: boolean;
}

/** What a service's `deploy.update_config` says; without it one task at a time, watched for 5 s, 10 s to stop (Docker 26). */
export function rolloutOf(service: ComposeNode): Rollout {
  const update = service.get("deploy").get("update_config");
  const check = service.get("healthcheck");
  const interval = milliseconds(check.get("interval").text) ?? 30_000;
  const timeout = milliseconds(check.get("timeout").text) ?? 30_000;
  const retries = Number(check.get("retries").text ?? "3") || 3;
  const start = milliseconds(check.get("start_period").text) ?? 0;
  const isChecked = !check.isNull && check.get("disable").text !== "true";
  return {
    parallelism: Number(update.get("parallelism").text ?? "1"),
    delayMs: milliseconds(update.get("delay").text) ?? 0,
    monitorMs: milliseconds(update.get("monitor").text) ?? 5_000,
    stopGraceMs: milliseconds(service.get("stop_grace_period").text) ?? 10_000,
    healthMs: isChecked ? start + (retries + 1) * (interval + timeout) : 0,
    startsFirst: update.get("order").text === "start-first",
  };
}

/** Whether an update leaves no task that serves for a moment. @param replicas undefined for one on each node */
export function replacesAllAtOnce(
  replicas: number | undefined,
  { parallelism, startsFirst }: Rollout,
): boolean {
  if (startsFirst) return false;
  return parallelism === 0 || (replicas !== undefined && (replicas < 2 || parallelism >= replicas));
}

function milliseconds(text = ""): number | undefined {
  const found = parseDuration(text);
  return found === undefined ? undefined : found / 1e6;
}
