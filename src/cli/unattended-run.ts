/** One run that nobody watches: the site from git, a look or a sync under the lock, and what it leaves for others to read. */
import { defined } from "../defined.ts";
import type { Plan } from "../engine/plan.ts";
import { type ExitCode, exitCodes, type PhoenixError, RefusedError, UsageError } from "../errors.ts";
import type { RunRecord } from "../journal/run-record.ts";
import type { UnattendedRun } from "../render/unattended.ts";
import type { RepairHours } from "../unattended/repair.ts";
import { isSourceFailure, type Pulled } from "../unattended/source.ts";
import type { Call } from "./command.ts";
import { completeStepFirst, underLock } from "./locked.ts";
import { deliver } from "./output.ts";
import type { Session } from "./session.ts";
import { updateSource } from "./source.ts";
import { choicesOf, type Targets, targetsOf } from "./targets.ts";

type Mode = "verify" | "sync";
type Run = Pick<UnattendedRun, "plan" | "result" | "hours">;

export async function runUnattended(call: Call, mode: Mode): Promise<ExitCode> {
  const { options } = call;
  if (options.ask) throw new UsageError("nobody answers a question of an unattended run");
  if (options.allow.size > 0)
    throw new UsageError("an unattended run has no consents", {
      hint: "what is dangerous is done by `phoenix sync`, while somebody watches",
    });
  const targets = await targetsOf(call.args, options);
  const { endTrouble, isTrouble, reportTrouble } = await import("./trouble.ts");
  const command = `unattended ${mode}`;
  const progress: Progress = { isObserved: false };
  try {
    return await runOnce(call, mode, targets, progress);
  } catch (error) {
    if (isTrouble(error) && !progress.isObserved) await reportTrouble(call, command, error);
    throw error;
  } finally {
    const { isObserved, unremembered } = progress;
    if (unremembered !== undefined)
      await reportTrouble(call, command, unremembered, "cannot remember what it found");
    else if (isObserved) await endTrouble(call, command);
  }
}

/** What a run has come to, also where it ends with an error. */
interface Progress {
  /** It has seen the live systems, and said so. */
  isObserved: boolean;
  /** Why nobody could be told of what it found. */
  unremembered?: PhoenixError | undefined;
}

async function runOnce(call: Call, mode: Mode, targets: Targets, progress: Progress): Promise<ExitCode> {
  const pulled = await updateSource(call);
  // What nobody has committed is not what the site says; to look at it does no harm.
  if (mode === "sync" && pulled?.outcome === "dirty")
    throw new RefusedError(`refused: the site has changes that are not committed: ${pulled.message}`, {
      hint: pulled.hint,
    });
  const { withSession } = await import("./session.ts");
  return withSession(
    call,
    "change",
    (session) =>
      underLock(session, { command: `unattended ${mode}` }, async (lost) => {
        const startedMs = session.run.world.clock.now();
        const run = { mode, startedMs, progress, ...defined({ pulled }) };
        const done =
          mode === "verify"
            ? await look(session, targets)
            : await repair(session, targets).catch((error) => refused(session, targets, run, error));
        // The journal is the other run's now.
        if (lost.aborted) throw lost.reason;
        const exitCode = withSource(await exitCodeOfRun(call, mode, done), pulled);
        await conclude(session, run, done, exitCode);
        await show(session, mode, done, pulled, exitCode);
        return exitCode;
      }),
    { ...targets, ...(mode === "verify" ? { changesNothing: true as const } : {}) },
  );
}

/** Plans and verifies over machines that refuse changes. */
async function look(session: Session, targets: Targets): Promise<Run> {
  const { call, components } = session;
  const [{ plan, verify }, run] = await Promise.all([import("../engine/run.ts"), session.readOnly()]);
  const choices = choicesOf(targets, call.options);
  return { plan: await plan(components, run, choices), result: await verify(components, run, choices) };
}

async function repair(session: Session, targets: Targets): Promise<Run> {
  const { call, components, run, site } = session;
  const [{ sync }, { waitingAfter, waitingFor }] = await Promise.all([
    import("../engine/run.ts"),
    import("../unattended/repair.ts"),
  ]);
  const rollback = await lastRollback(session);
  const hours = await hoursNow(session);
  let planned: Plan = { components: [], digest: "" };
  const onStart = (made: Plan): void => {
    planned = made;
    completeStepFirst(session);
  };
  const hold = rollback === undefined ? waitingFor(hours) : waitingAfter(rollback);
  const choices = { ...choicesOf(targets, call.options), onStart, ...defined({ hold }) };
  const result = await sync(components, { ...run, site }, choices);
  return { plan: planned, result, ...defined({ hours }) };
}

/** A rollback that the site does not follow yet. */
async function lastRollback({ journal, files, references }: Session): Promise<RunRecord | undefined> {
  const [{ rollbackInForce }, { keptSite }] = await Promise.all([
    import("../journal/rolled-back.ts"),
    import("../site/kept.ts"),
  ]);
  const [runs, present] = await Promise.all([
    journal.runs.list(),
    journal.runs.nameOf((fingerprintOf) => keptSite(files, references, fingerprintOf)),
  ]);
  return rollbackInForce(runs, present);
}

/** The declared hours as they are now on the hypervisor; undefined when none are declared. */
async function hoursNow({ call, site, run, display }: Session): Promise<RepairHours | undefined> {
  const written = site.unattended?.repairHours;
  if (written === undefined) return undefined;
  const [{ repairHours }, { zoneOf }] = await Promise.all([
    import("../unattended/repair.ts"),
    import("../unattended/zone.ts"),
  ]);
  const zone = await zoneOf(run.world.host("pve"));
  if (zone === undefined && !call.options.quiet)
    display.say("the hypervisor's time zone is unknown: the repair hours are taken as UTC");
  return repairHours(written, run.world.clock.now(), zone ?? "UTC");
}

async function exitCodeOfRun({ interruption }: Call, mode: Mode, { plan, result }: Run): Promise<ExitCode> {
  if (interruption.reason === "signal") return exitCodes.interrupted;
  const { exitCodeOf, exitCodeOfPlan } = await import("../engine/outcome.ts");
  const ended = exitCodeOf(result);
  // A look that could not see everything is worse than a failed check, and that is worse than a difference.
  const planned = mode === "verify" ? exitCodeOfPlan(plan) : exitCodes.converged;
  if (planned === exitCodes.error) return planned;
  return ended === exitCodes.converged ? planned : ended;
}

/** A site that cannot be updated needs a person, also where all that it says is in place. */
function withSource(exitCode: ExitCode, pulled: Pulled | undefined): ExitCode {
  const isWell = exitCode === exitCodes.converged || exitCode === exitCodes.pending;
  return pulled !== undefined && isSourceFailure(pulled) && isWell ? exitCodes.error : exitCode;
}

interface Started {
  readonly mode: Mode;
  readonly startedMs: number;
  readonly progress: Progress;
  readonly pulled?: Pulled;
}

/** What the run leaves: what it found, and of a sync a generation of the history. */
async function conclude(
  session: Session,
  { mode, startedMs, progress, pulled }: Started,
  { plan, result }: Partial<Run>,
  exitCode: ExitCode,
): Promise<void> {
  const command = `unattended ${mode}`;
  if (mode === "sync" && result !== undefined) {
    const { recordRun } = await import("./sync.ts");
    await recordRun(session, command, startedMs, result, exitCode, plan);
  }
  const { observeRun } = await import("./observed.ts");
  const failure = pulled !== undefined && isSourceFailure(pulled) ? pulled : undefined;
  const source = pulled && defined({ reason: failure?.message, hint: failure?.hint });
  const ended = { command, startedMs, exitCode, isWatched: false };
  progress.unremembered = await observeRun(session, { ...ended, ...defined({ plan, result, source }) });
  progress.isObserved = true;
}

/** A sync that a guard refused has seen what needs a person. @throws the error itself */
async function refused(session: Session, targets: Targets, started: Started, error: unknown): Promise<never> {
  if (!(error instanceof RefusedError)) throw error;
  const [{ plan }, run] = await Promise.all([import("../engine/run.ts"), session.readOnly()]);
  const planned = await plan(session.components, run, choicesOf(targets, session.call.options));
  await conclude(session, started, { plan: planned }, error.exitCode);
  throw error;
}

async function show(
  session: Session,
  mode: Mode,
  { plan, result, hours }: Run,
  pulled: Pulled | undefined,
  exitCode: ExitCode,
): Promise<void> {
  const { call, run, site, root, off, display } = session;
  const { unattendedDocument, unattendedLines } = await import("../render/unattended.ts");
  display.pause();
  const { durationMs } = result;
  const facts = {
    command: mode,
    exitCode,
    plan: { site: root, world: run.world.description, off, durationMs, apply: "phoenix sync all" },
  };
  await deliver(
    call,
    defined({ plan, result, source: pulled, hours }),
    (shown) => unattendedDocument(shown, facts),
    (shown, view) => unattendedLines(shown, facts, call.options.quiet, view),
    site,
  );
}
