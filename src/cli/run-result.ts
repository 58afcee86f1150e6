/** Shows the result of a sync or a verify. */
import type { RunResult } from "../engine/plan.ts";
import type { ExitCode } from "../errors.ts";
import { resultDocument } from "../render/json.ts";
import { resultLines } from "../render/text-result.ts";
import { deliver } from "./output.ts";
import type { Session } from "./session.ts";

export async function deliverResult(
  { call, run, site, root, display }: Session,
  result: RunResult,
  exitCode: ExitCode,
): Promise<void> {
  display.pause();
  const origin = { site: root, world: run.world.description };
  await deliver(
    call,
    result,
    (shown) => resultDocument(shown, origin, exitCode),
    (shown, view) => resultLines(shown, exitCode, view),
    site,
  );
}
