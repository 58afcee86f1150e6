/** `phoenix sync`: brings the live systems to what the site declares, and proves it. */
import { resolve } from "node:path";
import type { Component } from "../component.ts";
import { defined } from "../defined.ts";
import type { Plan, RunResult } from "../engine/plan.ts";
import {
  type ExitCode,
  exitCodes,
  InterruptedError,
  messageOf,
  PhoenixError,
  RefusedError,
  UsageError,
} from "../errors.ts";
import { option } from "../option-names.ts";
import type { Problem } from "../problem.ts";
import { type ResourceId, subjectOf } from "../resource.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { keepOf, keepOption } from "./keep.ts";
import { completeStepFirst, isConfirmed, refuseUnaskable, underLock } from "./locked.ts";
import { planAgreed, runPlan, withWays } from "./plan.ts";
import type { Session } from "./session.ts";
import {
  choicesOf,
  commandOf,
  refuseOff,
  refuseUnknownResources,
  type Targets,
  targetsOf,
} from "./targets.ts";
import { writeLines } from "./terminal.ts";

export const syncCommand: CommandDefinition = {
  name: "sync",
  arguments: "[all|component...]",
  summary: "bring everything to what the site declares, and prove it",
  description: [
    "Changes only what differs, verifies each change from outside, and rolls back what fails. It starts at once;",
    `${option.ask} shows the plan first. A stack, a certificate or a part of Portainer (stacks/chat) is synced alone; any`,
    "other resource stands for its component.",
    "Ctrl-C completes the current step and stops; a second Ctrl-C stops at once.",
  ],
  options: [
    {
      flags: `${option.plan} <file>`,
      description: "do exactly what a saved plan lists, or nothing when something has moved since",
      completes: "files",
    },
    {
      flags: `${option.accept} <resource>`,
      description: "write this drift into the site's files instead, after a question (repeatable)",
      repeatable: true,
    },
    keepOption,
  ],
  uses: ["only", "skip", "dryRun", "ask", "yes", "allow", "parallel", "timeout", "lockWait"],
  examples: [
    ["phoenix sync all", "everything"],
    ["phoenix sync all --ask", "everything, after you approved the plan"],
    ["phoenix sync dns firewall", "two components; their prerequisites are only verified"],
    ["phoenix sync stacks/chat", "one stack; the others stay as they are"],
    ["phoenix sync all --skip stacks --lock-wait 900", "all but the stacks, once no other run is active"],
    ["phoenix sync --plan change.plan", "what `phoenix plan -o change.plan` has saved, and nothing else"],
    ["phoenix sync --plan change.plan --dry-run", "look at a saved plan, and whether it still holds"],
    ["phoenix sync all --allow prune", "everything, and delete what the site no longer declares"],
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
  completes: "targets",
  run: runSync,
};

async function runSync(call: Call): Promise<ExitCode> {
  const { options, terminal, own } = call;
  if (Array.isArray(own.accept)) return acceptAndReform(call, own.accept.map(String));
  if (typeof own.plan === "string") return syncSaved(call, resolve(terminal.directory, own.plan));
  if (call.args.length === 0 && options.only.length === 0)
    throw new UsageError("name what to sync", { hint: "`phoenix sync all` syncs everything" });
  keepOf(call);
  if (options.dryRun) return runPlan(call);
  const targets = await targetsOf(call.args, options);
  refuseUnaskable(call);
  const { withSession } = await import("./session.ts");
  return withSession(call, "change", (session) => syncLocked(session, targets), targets);
}

/** Accepts drift; what says the same in another form is then written in Phoenix's own, so that nothing differs any more. */
async function acceptAndReform(call: Call, names: readonly string[]): Promise<ExitCode> {
  const { acceptDrift } = await import("./accept.ts");
  const { exitCode, reformed, toSync } = await acceptDrift(call, names, !call.options.dryRun);
  if (toSync.length === 0) return exitCode;
  const { withSession } = await import("./session.ts");
  const { terminal, options } = call;
  // The document is that of the acceptance: the result of the sync is for people.
  const { jsonInto: _, ...rest } = options;
  const stdout = options.output === "text" ? terminal.stdout : terminal.stderr;
  const apart: Call = { ...call, terminal: { ...terminal, stdout }, options: { ...rest, output: "text" } };
  const targets = await targetsOf(reformed, options);
  const only: Agreed = (planned) => {
    const others = planned.components.flatMap(({ changes }) => changes.map((one) => subjectOf(one).id));
    const [other] = others.filter((id) => !toSync.includes(id));
    if (other !== undefined)
      throw new RefusedError(
        `the site is written; ${other} differs as well, so nothing was changed on the host`,
        {
          hint: `\`phoenix sync ${targets.words}${options.repeat}\` restores that, and writes ${reformed.join(", ")} in its own form`,
        },
      );
  };
  return withSession(apart, "change", (session) => syncLocked(session, targets, async () => only), targets);
}

/** Does what a saved plan lists. */
async function syncSaved(call: Call, path: string): Promise<ExitCode> {
  const [{ readSavedPlan, writableBy }, { targetsIn, withConsents }, { withSession }] = await Promise.all([
    import("./saved-plan-file.ts"),
    import("./saved-plan.ts"),
    import("./session.ts"),
  ]);
  refuseUnaskable(call);
  const document = await readSavedPlan(path);
  const targets = targetsIn(document, call);
  const doubt = await writableBy(path);
  if (doubt !== undefined && !call.options.quiet) writeLines(call.terminal.stderr, [`warning: ${doubt}`]);
  const agreed = withConsents(call, document);
  if (call.options.dryRun) return planAgreed(agreed, targets, { path, document });
  const work = (session: Session) =>
    syncLocked(session, targets, async () => {
      const { agreementOf } = await import("./saved-plan.ts");
      return agreementOf(session, path, document);
    });
  return withSession(agreed, "change", work, targets);
}

function isIndependent(components: readonly Component[], resource: ResourceId): boolean {
  return components.some(({ name, independent }) => independent === true && resource.startsWith(`${name}/`));
}

/** Judges the present plan; throws where it is not the one that was agreed on. */
type Agreed = (plan: Plan) => void;
/** Asked under the lock. */
type Agreement = () => Promise<Agreed>;

export async function syncLocked(
  session: Session,
  targets: Targets,
  agreement?: Agreement,
): Promise<ExitCode> {
  const { call, display, components, site } = session;
  // Of a saved plan this was asked when it was made: what is not so any more is told with all that moved.
  if (agreement === undefined) {
    refuseOff(targets, session.off);
    refuseUnknownResources(targets.resources, components, site);
  }
  for (const resource of targets.resources)
    if (!call.options.quiet && !isIndependent(components, resource))
      display.say(`${resource}: its whole component is synced (${resource.split("/", 1)[0]})`);
  const locking = { command: commandOf(targets), takenOver: "; this run continues from there" };
  return underLock(session, locking, (lost) => syncAndShow(session, targets, lost, agreement));
}

async function syncAndShow(
  session: Session,
  targets: Targets,
  lost: AbortSignal,
  agreement: Agreement | undefined,
): Promise<ExitCode> {
  const { call, components, run } = session;
  const { options, interruption } = call;
  const [{ sync }, { exitCodeOf }, { isConverged }, { cutBy, deliverResult }] = await Promise.all([
    import("../engine/run.ts"),
    import("../engine/outcome.ts"),
    import("../engine/plan.ts"),
    import("./run-result.ts"),
  ]);
  const startedMs = run.world.clock.now();
  const news = warningsSinceLastRun(session);
  let plan: Plan | undefined;
  const approve = (planned: Plan): Promise<boolean> =>
    askForYes(session, planned, targets, run.world.clock.now() - startedMs);
  const onStart = (planned: Plan): void => {
    plan = planned;
    if (!isConverged(planned)) completeStepFirst(session);
  };
  const agreed = await agreement?.();
  const choices = { ...choicesOf(targets, options), onStart, ...defined({ agreed }) };
  const asking = options.ask && !options.yes;
  const done = await sync(components, run, asking ? { ...choices, approve } : choices);
  const result = await withWays(session, targets, done);
  const cut = lost.aborted ? messageOf(lost.reason) : cutBy(interruption);
  const exitCode = lost.aborted
    ? exitCodes.locked
    : interruption.reason === "signal"
      ? exitCodes.interrupted
      : exitCodeOf(result);
  // A run that lost its lock must not write: the journal is the other run's now.
  if (!lost.aborted) {
    const command = commandOf(targets);
    await recordRun(session, command, startedMs, result, exitCode, plan);
    const { observeRun } = await import("./observed.ts");
    const ended = { command, startedMs, exitCode, result, ...defined({ plan }), isWatched: true };
    // Ended at once, it has time for its record and the lock alone, and has seen too little.
    if (!run.signal.aborted) await observeRun(session, ended);
  }
  await deliverResult(session, result, exitCode, { ...defined({ cut }), newWarnings: await news });
  return exitCode;
}

async function askForYes(
  { call, off, run, site, root, display, journal }: Session,
  planned: Plan,
  targets: Targets,
  durationMs: number,
): Promise<boolean> {
  const { terminal, options } = call;
  const [
    { planLines },
    { viewOf },
    { writeLines },
    { isConverged },
    { fingerprintedPlan },
    { fingerprintsToShow },
  ] = await Promise.all([
    import("../render/text-plan.ts"),
    import("./output.ts"),
    import("./terminal.ts"),
    import("../engine/plan.ts"),
    import("../render/fingerprinted.ts"),
    import("../fingerprint.ts"),
  ]);
  if (isConverged(planned)) return true;
  display.pause();
  const facts = {
    site: root,
    world: run.world.description,
    durationMs,
    off,
    apply: `phoenix ${commandOf(targets)}`,
  };
  const shown = fingerprintedPlan(planned, await fingerprintsToShow(journal));
  const lines = planLines(terminal.redact(shown), facts, viewOf(terminal.stderr, terminal, options, site));
  // The last line says how to apply the plan; here the question replaces it.
  writeLines(terminal.stderr, lines.slice(0, -1));
  const isYes = await isConfirmed({ call, run }, "Apply it?");
  if (run.signal.aborted) {
    display.say("");
    throw new InterruptedError("interrupted");
  }
  return isYes;
}

/** A history that cannot be read has no news to tell. */
async function warningsSinceLastRun({ journal, warnings }: Session): Promise<readonly Problem[]> {
  const { newWarnings } = await import("./warnings.ts");
  const last = await journal.runs.latest().catch(() => undefined);
  return newWarnings(warnings, last?.warnings);
}

/** Adds the run to the history, under its command without "phoenix"; a failure to do so does not fail the run. */
export async function recordRun(
  { call, sources, files, references, keptSiteOf, warnings, display, lastWords }: Session,
  command: string,
  startedMs: number,
  result: RunResult,
  exitCode: ExitCode,
  plan: Plan | undefined,
): Promise<void> {
  const [{ ownIdentity }, { warningText }, { openJournalOn }, { digestOf }, { keptSite }] = await Promise.all(
    [
      import("../journal/process-identity.ts"),
      import("./warnings.ts"),
      import("./session.ts"),
      import("./site.ts"),
      import("../site/kept.ts"),
    ],
  );
  const { who, host } = ownIdentity();
  try {
    await lastWords(async (pve) => {
      const journal = await openJournalOn(call, pve, "change");
      await journal.runs.append({
        command,
        who,
        host,
        siteDigest: digestOf(sources),
        startedMs,
        exitCode,
        warnings: warnings.map(warningText),
        result,
        site: (fingerprintOf) => keptSite(files, references, fingerprintOf),
        ...defined({ plan, siteOf: keptSiteOf, keep: keepOf(call) }),
      });
    });
  } catch (error) {
    if (!(error instanceof PhoenixError)) throw error;
    display.say(`cannot add the run to the history: ${messageOf(error)}`);
  }
}
