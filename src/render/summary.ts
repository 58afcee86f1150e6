/** What a run did in numbers: the line that every run ends with. */
import type { ComponentResult, RunResult } from "../engine/plan.ts";
import { type ExitCode, exitCodes } from "../errors.ts";
import { count, duration } from "./words.ts";

export function tallyOf({ components }: Pick<RunResult, "components">) {
  const changes = components.flatMap((component) => component.changes);
  const activations = components.flatMap((component) => component.activations);
  const checks = components.flatMap((component) => component.checks);
  const outcomes = components.map(({ outcome }) => outcome);
  return {
    created: changes.filter(({ verb }) => verb === "create").length,
    updated: changes.filter(({ verb }) => verb === "update").length,
    deleted: changes.filter(({ verb }) => verb === "delete").length,
    failed: outcomes.filter((outcome) => outcome === "failed" || outcome === "rolled-back").length,
    skipped: outcomes.filter((outcome) => outcome === "skipped" || outcome === "deferred").length,
    reloads: activations.filter(({ kind }) => kind === "reload").length,
    restarts: activations.filter(({ kind }) => kind === "restart").length,
    checksPassed: checks.filter(({ status }) => status === "pass").length,
    checksFailed: checks.filter(({ status }) => status === "fail").length,
    checksWaiting: checks.filter(({ status }) => status === "waiting").length,
  };
}

/**
 * "2 created, 1 updated, 0 deleted · reloads 1 · restarts 0 · 31 checks passed · 1.8 s"; of a run that only verified,
 * "58 resources · 31 checks passed · 1.8 s".
 */
export function summaryLine(result: RunResult): string {
  const tally = tallyOf(result);
  if (result.command === "verify") {
    const resources = result.components.reduce((sum, component) => sum + component.resources, 0);
    const checks = checksWord(tally);
    return [count(resources, "resource"), checks, duration(result.durationMs)].join(" · ");
  }
  const failed = tally.failed > 0 ? `, ${tally.failed} failed` : "";
  return [
    `${tally.created} created, ${tally.updated} updated, ${tally.deleted} deleted${failed}`,
    `reloads ${tally.reloads}`,
    `restarts ${tally.restarts}`,
    checksWord(tally),
    duration(result.durationMs),
  ].join(" · ");
}

/** A run that found everything well and changed nothing: with the option for quiet output it says nothing. */
export function isUneventful({ components }: Pick<RunResult, "components">, exitCode: ExitCode): boolean {
  const didNothing = components.every(
    ({ changes, activations, notes }) => changes.length + activations.length + notes.length === 0,
  );
  return exitCode === exitCodes.converged && didNothing;
}

interface CheckCounts {
  readonly checksPassed: number;
  readonly checksFailed: number;
  readonly checksWaiting: number;
}

/** "3 checks passed", "59 checks passed, 1 failed, 8 waiting". */
export function checksWord({ checksPassed, checksFailed, checksWaiting }: CheckCounts): string {
  const failed = checksFailed > 0 ? `, ${checksFailed} failed` : "";
  const waiting = checksWaiting > 0 ? `, ${checksWaiting} waiting` : "";
  return `${count(checksPassed, "check")} passed${failed}${waiting}`;
}

/** The checks of one component; empty when there were none. */
export function checksOf(component: ComponentResult): string {
  return component.checks.length === 0 ? "" : checksWord(tallyOf({ components: [component] }));
}
