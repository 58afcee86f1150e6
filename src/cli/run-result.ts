/** Shows the result of a sync or a verify. */
import type { RunResult } from "../engine/plan.ts";
import type { ExitCode } from "../errors.ts";
import { option } from "../option-names.ts";
import { resultDocument } from "../render/json.ts";
import { resultLines } from "../render/text-result.ts";
import type { Interruption } from "./interruption.ts";
import { deliver } from "./output.ts";
import type { Session } from "./session.ts";

/** Why a run ended early, if it did: "Interrupted". */
export function cutBy({ reason, waitedFor }: Interruption): string | undefined {
  if (reason === undefined) return undefined;
  return reason === "signal" ? "Interrupted" : `The time given by ${option.timeout} is up${waitedFor}`;
}

/** @param cut why the run ended early, as `cutBy` says it */
export async function deliverResult(
  { call, run, site, root, display }: Session,
  result: RunResult,
  exitCode: ExitCode,
  cut?: string,
): Promise<void> {
  display.pause();
  const origin = { site: root, world: run.world.description };
  await deliver(
    call,
    result,
    (shown) => resultDocument(shown, origin, exitCode),
    (shown, view) => resultLines(shown, exitCode, view, cut),
    site,
  );
}
