/** What a finished run means for the caller. Pure. */
import { type ExitCode, exitCodes } from "../errors.ts";
import { type ComponentResult, isConverged, isWaiting, type Plan, type RunResult } from "./plan.ts";

export function exitCodeOfPlan(plan: Plan): ExitCode {
  const unread = plan.components.flatMap((part) => [part.unread ?? [], part.unreadResources].flat());
  if (unread.some(({ kind }) => kind === "error")) return exitCodes.error;
  return isConverged(plan) ? exitCodes.converged : exitCodes.pending;
}

/**
 * The worst thing that happened decides: a rollback (7) is never hidden, a component that failed while others are fine
 * is partial (4), and when nothing failed but a proof (3) says so. What merely waits for its hours is pending (2).
 */
export function exitCodeOf(result: RunResult): ExitCode {
  const { components } = result;
  if (result.command === "verify") {
    if (components.some(hasFailedCheck)) return exitCodes.unverified;
    return components.some(({ outcome }) => outcome !== "unchanged") ? exitCodes.error : exitCodes.converged;
  }
  if (components.some(({ outcome }) => outcome === "rolled-back")) return exitCodes.rolledBack;
  const failed = components.filter((one) => !isWaiting(one) && !isDone(one));
  if (failed.length === 0) {
    if (!components.every(isProved)) return exitCodes.unverified;
    return components.some(({ held = [] }) => held.length > 0) ? exitCodes.pending : exitCodes.converged;
  }
  const isPartial = failed.length < components.length || failed.some(({ changes }) => changes.length > 0);
  return isPartial ? exitCodes.partial : exitCodes.error;
}

function isDone({ outcome }: ComponentResult): boolean {
  return outcome === "changed" || outcome === "unchanged";
}

function isProved({ checks }: ComponentResult): boolean {
  return checks.every(({ status }) => status === "pass");
}

function hasFailedCheck(result: ComponentResult): boolean {
  return result.checks.some(({ status }) => status === "fail");
}
