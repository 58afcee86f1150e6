/** `phoenix sync`: brings the live systems to what the site declares, and proves it. */
import { defined } from "../defined.ts";
import type { Plan, RunResult } from "../engine/plan.ts";
import {
  type ExitCode,
  exitCodes,
  InterruptedError,
  messageOf,
  PhoenixError,
  UsageError,
} from "../errors.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { runPlan } from "./plan.ts";
import type { Session } from "./session.ts";
import { refuseUnknownResources, type Targets, targetsOf } from "./targets.ts";

export const syncCommand: CommandDefinition = {
  name: "sync",
  arguments: "[all|component...]",
  summary: "bring everything to what the site declares, and prove it",
  description: [
    "Changes only what differs, verifies each change from outside, and rolls back what fails. It starts at once;",
    `${option.ask} shows the plan first. A resource (stacks/chat) selects its whole component.`,
    "Ctrl-C completes the current step and stops; a second Ctrl-C stops at once.",
  ],
  uses: ["only", "skip", "dryRun", "ask", "yes", "allow", "parallel", "timeout", "lockWait"],
  examples: [
    ["phoenix sync all", "everything"],
    ["phoenix sync all --ask", "everything, after you approved the plan"],
    ["phoenix sync dns firewall", "two components; their prerequisites are only verified"],
    ["phoenix sync all --skip stacks --lock-wait 900", "all but the stacks, once no other run is active"],
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
  const { options, terminal } = call;
  if (call.args.length === 0 && options.only.length === 0)
    throw new UsageError("name what to sync", { hint: "`phoenix sync all` syncs everything" });
  if (options.dryRun) return runPlan(call);
  const targets = await targetsOf(call.args, options);
  if (options.ask && !options.yes && !terminal.stdin.tty)
    throw new UsageError(`${option.ask} needs a terminal`, {
      hint: `${option.yes} applies the plan without a question`,
    });
  const { withSession } = await import("./session.ts");
  return withSession(call, "change", (session) => syncLocked(session, targets));
}

/** How long the hypervisor may take to answer before a line says so. Milliseconds. */
const silenceMs = 3_000;

/** While it asks, the plan is on the screen and nothing has been changed: an interruption stops at once. */
type Phase = { asking: boolean };

async function syncLocked(session: Session, targets: Targets): Promise<ExitCode> {
  const { call, run, display, components, site } = session;
  refuseUnknownResources(targets.resources, components, site);
  for (const resource of targets.resources)
    if (!call.options.quiet) display.say(`${resource}: its whole component is synced (${targets.words})`);
  const { acquireLock } = await import("../journal/lock.ts");
  // The first command on the host: until it answers there is nothing else to show.
  const slow = setTimeout(() => {
    if (!call.options.quiet) display.say(`${run.world.description} has not answered yet`);
  }, silenceMs);
  const lock = await acquireLock(run.world.host("pve"), {
    command: `sync ${targets.words}`,
    clock: run.world.clock,
    waitMs: call.options.lockWaitMs,
    onWait: (holder) => {
      clearTimeout(slow);
      display.say(`waiting for the lock, held by ${holder}`);
    },
    onTakeOver: (holder) =>
      display.say(`an earlier run did not end properly: ${holder}; this run continues from there`),
  }).finally(() => clearTimeout(slow));
  lock.lost.addEventListener("abort", () => session.abort(lock.lost.reason), { once: true });
  const { interruption } = call;
  const phase: Phase = { asking: false };
  interruption.completeStepFirst(() => {
    if (phase.asking) return display.say("");
    display.say(
      interruption.reason === "timeout"
        ? `The time given by ${option.timeout} is up${interruption.waitedFor}: completing the current step.`
        : "Interrupted: completing the current step. Interrupt again to stop at once.",
    );
  });
  try {
    return await syncAndShow(session, targets, phase);
  } catch (error) {
    // Losing the lock ended everything in progress: it is the one cause to report.
    throw lock.lost.aborted ? lock.lost.reason : error;
  } finally {
    await lock.release();
  }
}

async function syncAndShow(session: Session, targets: Targets, phase: Phase): Promise<ExitCode> {
  const { call, components, run } = session;
  const { options, interruption } = call;
  const [{ sync }, { exitCodeOf }, { deliverResult }] = await Promise.all([
    import("../engine/run.ts"),
    import("../engine/outcome.ts"),
    import("./run-result.ts"),
  ]);
  const startedMs = run.world.clock.now();
  let approved: Plan | undefined;
  const approve = async (planned: Plan): Promise<boolean> => {
    approved = planned;
    phase.asking = true;
    const answer = await askForYes(session, planned, targets, run.world.clock.now() - startedMs);
    phase.asking = false;
    return answer;
  };
  const result = await sync(components, run, {
    only: targets.only,
    skip: targets.skip,
    allow: options.allow,
    ...(options.ask && !options.yes ? { approve } : {}),
  });
  const exitCode = endOf(result, exitCodeOf(result), interruption.reason === "signal");
  await recordRun(session, targets, startedMs, result, exitCode, approved);
  await deliverResult(session, result, exitCode);
  return exitCode;
}

/** An interrupted run ends with that exit code if components were skipped for it; otherwise the interruption came too late. */
function endOf(result: RunResult, exitCode: ExitCode, interrupted: boolean): ExitCode {
  const cut = interrupted && result.components.some(({ outcome }) => outcome === "skipped");
  return cut && exitCode === exitCodes.partial ? exitCodes.interrupted : exitCode;
}

async function askForYes(
  { call, run, site, root, display }: Session,
  planned: Plan,
  targets: Targets,
  durationMs: number,
): Promise<boolean> {
  const { terminal, options, interruption } = call;
  const [{ planLines }, { viewOf }, { writeLines }, { isConverged }] = await Promise.all([
    import("../render/text-plan.ts"),
    import("./output.ts"),
    import("./terminal.ts"),
    import("../engine/plan.ts"),
  ]);
  if (isConverged(planned)) return true;
  display.pause();
  const facts = {
    site: root,
    world: run.world.description,
    durationMs,
    apply: `phoenix sync ${targets.words}`,
  };
  const lines = planLines(terminal.redact(planned), facts, viewOf(terminal.stderr, terminal, options, site));
  // The last line says how to apply the plan; here the question replaces it.
  writeLines(terminal.stderr, lines.slice(0, -1));
  terminal.stderr.write("Apply it? [y/N] ");
  // No change is in progress that would have to be completed: here one Ctrl-C is enough.
  const { stop } = interruption;
  const answer = await terminal.stdin.readLine(AbortSignal.any([run.signal, stop]));
  if (stop.aborted) throw new InterruptedError("interrupted: nothing was changed");
  return answer !== undefined && /^y(es)?$/i.test(answer.trim());
}

/** Adds the run to the history; a failure to do so does not fail the run. */
async function recordRun(
  { journal, sources, display }: Session,
  targets: Targets,
  startedMs: number,
  result: RunResult,
  exitCode: ExitCode,
  plan: Plan | undefined,
): Promise<void> {
  const { ownIdentity } = await import("../journal/process-identity.ts");
  const { who, host } = ownIdentity();
  try {
    await journal.runs.append({
      command: `sync ${targets.words}`,
      who,
      host,
      siteDigest: digestOf(sources),
      startedMs,
      exitCode,
      result,
      ...defined({ plan }),
    });
  } catch (error) {
    if (!(error instanceof PhoenixError)) throw error;
    display.say(`cannot add the run to the history: ${messageOf(error)}`);
  }
}

/** SHA-256 over the site's files, by name. */
function digestOf(sources: Session["sources"]): string {
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  for (const [name, text] of [...sources].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${Buffer.byteLength(name)}:${name}${Buffer.byteLength(text)}:`).update(text);
  return hash.digest("hex");
}
