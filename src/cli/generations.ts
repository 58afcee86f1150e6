/** The generations that a command line names. */
import { SiteError, UsageError } from "../errors.ts";
import type { RunRecord } from "../journal/run-record.ts";
import type { Runs } from "../journal/runs.ts";

/** A record that keeps what was in place. */
export type FullRecord = RunRecord & Required<Pick<RunRecord, "site" | "state">>;

/** "12". @throws UsageError */
export function generationIn(word: string | undefined): number {
  if (word === undefined || !/^[1-9]\d{0,8}$/.test(word))
    throw new UsageError(
      word === undefined ? "name a generation" : `${JSON.stringify(word)} is not the number of a generation`,
      { hint: "`phoenix history` lists them" },
    );
  return Number(word);
}

/** @throws UsageError when there is none; SiteError when it is damaged */
export async function recordIn(runs: Runs, generation: number): Promise<RunRecord> {
  const record = await runs.read(generation);
  if (record !== undefined) return record;
  const latest = await runs.latest();
  throw new UsageError(`there is no generation ${generation}`, {
    hint:
      latest === undefined
        ? "no run is recorded yet; `phoenix sync all` makes the first"
        : `the newest is ${latest.generation}; \`phoenix history\` lists those that are kept`,
  });
}

/** @throws SiteError for a record of an older phoenix, which has neither texts nor a site */
export async function fullRecordIn(runs: Runs, generation: number): Promise<FullRecord> {
  const record = await recordIn(runs, generation);
  const { site, state } = record;
  if (site !== undefined && state !== undefined) return { ...record, site, state };
  throw new SiteError(`generation ${generation} was recorded by phoenix 0.2 or older, which kept no state`, {
    hint: `\`phoenix history show ${generation}\` shows what it changed`,
  });
}
