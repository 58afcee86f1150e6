/** Shows the result of a sync or a verify. */
import type { RunResult } from "../engine/plan.ts";
import type { ExitCode } from "../errors.ts";
import { fingerprintsToShow } from "../fingerprint.ts";
import { option } from "../option-names.ts";
import { fingerprintedResult } from "../render/fingerprinted.ts";
import { resultDocument } from "../render/json.ts";
import { isUneventful } from "../render/summary.ts";
import { type Ending, resultLines } from "../render/text-result.ts";
import type { Interruption } from "./interruption.ts";
import { deliver } from "./output.ts";
import type { Session } from "./session.ts";

/** Why a run ended early, if it did: "Interrupted". */
export function cutBy({ reason, waitedFor }: Interruption): string | undefined {
  if (reason === undefined) return undefined;
  return reason === "signal" ? "Interrupted" : `The time given by ${option.timeout} is up${waitedFor}`;
}

export async function deliverResult(
  { call, run, site, root, display, journal }: Session,
  result: RunResult,
  exitCode: ExitCode,
  ending: Ending = {},
): Promise<void> {
  display.pause();
  const told = call.terminal.redact(ending);
  const origin = { site: root, world: run.world.description };
  const hasChanges = result.components.some(({ changes }) => changes.length > 0);
  const isSilent =
    call.options.quiet && isUneventful(result, exitCode) && (ending.newWarnings ?? []).length === 0;
  await deliver(
    call,
    hasChanges ? fingerprintedResult(result, await fingerprintsToShow(journal)) : result,
    (shown) => resultDocument(shown, origin, exitCode, told),
    (shown, view) =>
      isSilent ? [] : resultLines(shown, exitCode, view, { ...told, services: site.services }),
    site,
  );
}
