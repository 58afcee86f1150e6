/** `phoenix rollback`: brings the live systems back to what a generation has left, and proves it. */
import { defined } from "../defined.ts";
import { type ExitCode, exitCodes, UsageError } from "../errors.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { fullRecordIn, generationIn } from "./generations.ts";
import { keepOf, keepOption } from "./keep.ts";
import { refuseUnaskable } from "./locked.ts";
import type { RollbackTarget } from "./rollback-target.ts";
import type { Session } from "./session.ts";
import { type Targets, targetsOf } from "./targets.ts";

export const rollbackCommand: CommandDefinition = {
  name: "rollback",
  arguments: "<generation>",
  summary: "bring everything back to what an earlier run has left, and prove it",
  description: [
    "Makes a plan from the site as it was kept with the generation and does it like a sync: with the same guards, consents",
    "and proofs. What was created since is deleted. Declared secrets are the present site's; volumes, certificates' keys and",
    `Portainer's database stay as they are. The site's own files are not changed, unless ${option.writeSite} is given.`,
  ],
  options: [
    {
      flags: option.writeSite,
      description: "afterwards also write the kept files into the site, with the present secrets",
    },
    keepOption,
  ],
  uses: ["only", "skip", "dryRun", "ask", "yes", "allow", "parallel", "timeout", "lockWait"],
  examples: [
    ["phoenix rollback 12 --dry-run", "what it would change"],
    ["phoenix rollback 12 --ask", "back to generation 12, after you approved the plan"],
    ["phoenix rollback 12 --only stacks", "only the stacks"],
    ["phoenix rollback 12 --write-site", "and make the site's files say the same"],
  ],
  exits: [
    "converged",
    "error",
    ["pending", `with ${option.dryRun}: changes are pending`],
    "unverified",
    "partial",
    "refused",
    "locked",
    "rolledBack",
    "usage",
    "interrupted",
  ],
  run: runRollback,
};

async function runRollback(call: Call): Promise<ExitCode> {
  const { options, own } = call;
  const generation = generationIn(call.args[0]);
  keepOf(call);
  if (!options.dryRun) refuseUnaskable(call);
  if (options.dryRun && own.writeSite === true)
    throw new UsageError(`${option.dryRun} and ${option.writeSite} exclude each other`);
  const targets = {
    ...(await targetsOf([], options)),
    command: `rollback ${generation}${selectionOf(call)}`,
  };
  const { withSession } = await import("./session.ts");
  return withSession(call, options.dryRun ? "read" : "change", (session) =>
    rollBack(session, generation, targets),
  );
}

function selectionOf({ options: { only, skip } }: Call): string {
  const word = (name: string, list: readonly string[]): string =>
    list.length === 0 ? "" : ` ${name} ${list.join(",")}`;
  return word(option.only, only) + word(option.skip, skip);
}

async function rollBack(session: Session, generation: number, targets: Targets): Promise<ExitCode> {
  const { call, journal, display } = session;
  const [{ openTarget }, { planAndShow }, { syncLocked }] = await Promise.all([
    import("./rollback-target.ts"),
    import("./plan.ts"),
    import("./sync.ts"),
  ]);
  const record = await fullRecordIn(journal.runs, generation);
  const target = await openTarget(session, record);
  if (target.unknown.length > 0 && !call.options.quiet)
    display.say(`generation ${generation} says nothing of ${target.unknown.join(", ")}: left as now`);
  const { endRollback, siteStays } = await import("./write-site.ts");
  const stays = siteStays(session, target);
  if (stays !== undefined && !call.options.quiet && (call.options.dryRun || call.options.ask))
    display.say(stays);
  const rolled = withTarget(session, target);
  if (call.options.dryRun) return planAndShow(rolled, targets);
  const exitCode = await syncLocked(rolled, targets);
  await endRollback(session, target, generation, exitCode === exitCodes.converged);
  return exitCode;
}

/** The same session, with what the generation was made from in place of the present site. */
function withTarget(session: Session, { components, main, loaded, siteOf }: RollbackTarget): Session {
  const { site, apis } = main;
  const { files, references, sources } = loaded;
  return {
    ...session,
    ...{ components, site, files, references, sources, off: [] },
    run: { ...session.run, site, apis },
    ...defined({ keptSiteOf: siteOf }),
  };
}
