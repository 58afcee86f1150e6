/** Proving: each component's checks, with nothing changed. */
import { type Check, type Component, isOwnFailure } from "../component.ts";
import { InterruptedError } from "../errors.ts";
import { causesOf } from "./causes.ts";
import { leftAlone } from "./ending.ts";
import { select } from "./order.ts";
import type { ComponentResult, RunResult } from "./plan.ts";
import { Turn } from "./turn.ts";
import { expectedFailure, type RunOptions, type RunWorld } from "./world.ts";

/** Proves the selected components from outside and changes nothing. */
export async function verify(
  components: readonly Component[],
  run: RunWorld,
  options: RunOptions,
): Promise<RunResult> {
  const started = run.world.clock.now();
  const { selected } = select(components, options);
  run.emit({ type: "run-started", command: "verify", components: selected.map(({ name }) => name) });
  const results = await Promise.all(selected.map((component) => verifyComponent(component, run)));
  const causes = await causesOf(results, run);
  return { command: "verify", components: results, causes, durationMs: run.world.clock.now() - started };
}

export async function verifyComponent(component: Component, run: RunWorld): Promise<ComponentResult> {
  const turn = new Turn(run, component);
  try {
    const checks = await turn.verify();
    if (checks.some(isOwnFailure))
      return turn.end({ outcome: "failed", reason: "the live state is not as declared", checks });
    const left = leftAlone(turn);
    return turn.end(
      left === undefined ? { outcome: "unchanged", checks } : { outcome: "failed", ...left, checks },
    );
  } catch (error) {
    if (error instanceof InterruptedError) return turn.end({ outcome: "interrupted", reason: "interrupted" });
    return turn.fail(expectedFailure(error));
  }
}

/** Repeats checks that wait, or failed for an external cause, once all else is in place: a route is published before its stack runs. */
export async function verifyAgain(
  component: Component,
  result: ComponentResult,
  run: RunWorld,
): Promise<ComponentResult> {
  const isExternal = (check: Check): boolean => check.status !== "pass" && !isOwnFailure(check);
  if (!result.checks.some(isExternal) || run.stop?.aborted === true) return result;
  try {
    const turn = new Turn(run, component);
    const { leftAlone: ids, reason = "" } = result;
    if (ids !== undefined) turn.unread.push({ ids, kind: "error", reason });
    return turn.end({ ...result, checks: await turn.verify() });
  } catch (error) {
    if (!(error instanceof InterruptedError)) expectedFailure(error);
    return result;
  }
}
