/** Whether a rollback is in force: what the site declares is then not what somebody wants. Pure. */
import type { ObjectName } from "./objects.ts";
import type { RunRecord } from "./run-record.ts";

/**
 * The rollback that no sync by hand has followed. It ends as well when the site declares what it has led to.
 * @param runs newest first
 * @param present the name of the present site among the kept ones
 */
export function rollbackInForce(runs: readonly RunRecord[], present: ObjectName): RunRecord | undefined {
  const last = runs.find((run) => /^(sync|rollback)\b/.test(run.command) && hasLed(run));
  return last?.command.startsWith("rollback") && last.site !== present ? last : undefined;
}

/** Not a run that was refused, or took everything back. */
function hasLed({ exitCode, components }: RunRecord): boolean {
  return exitCode === 0 || components.some(({ changes }) => changes.some(({ inPlace }) => inPlace));
}
