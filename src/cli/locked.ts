/** What the commands that change something have in common: the question before it, the lock while they work, and the step that an interruption lets them complete. */
import { UsageError } from "../errors.ts";
import { option } from "../option-names.ts";
import type { Call } from "./command.ts";
import type { Session } from "./session.ts";

/** Asks on standard error; anything but a yes is a no, an interruption too. @param question without its "[y/N]" */
export async function isConfirmed(
  { call: { terminal }, run }: Pick<Session, "call" | "run">,
  question: string,
): Promise<boolean> {
  terminal.stderr.write(`${question} [y/N] `);
  const answer = await terminal.stdin.readLine(run.signal);
  return answer !== undefined && /^y(es)?$/i.test(answer.trim());
}

/** @throws UsageError for a question that nobody can answer */
export function refuseUnaskable({ options, terminal }: Call): void {
  if (options.ask && !options.yes && !terminal.stdin.tty)
    throw new UsageError(`${option.ask} needs a terminal`, {
      hint: `${option.yes} applies the plan without a question`,
    });
}

/** Lets the first interruption complete the current step; while nothing is being changed it stops at once. */
export function completeStepFirst({ call, display }: Session): void {
  const { interruption } = call;
  interruption.completeStepFirst(() =>
    display.say(
      interruption.reason === "timeout"
        ? `The time given by ${option.timeout} is up${interruption.waitedFor}: completing the current step.`
        : "Interrupted: completing the current step. Interrupt again to stop at once.",
    ),
  );
}

export interface Locking {
  /** As others read it in the lock: "sync all". */
  readonly command: string;
  /** The end of the line that says that an earlier run did not end properly. */
  readonly takenOver?: string;
}

/**
 * Takes the hypervisor's lock for as long as `use` works. Losing it ends everything in progress, and is the one cause to report.
 * @param use gets the signal of its loss
 * @throws LockedError when another run holds it for too long
 */
export async function underLock<T>(
  session: Session,
  { command, takenOver = "" }: Locking,
  use: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const { call, run, display } = session;
  const { acquireLock } = await import("../journal/lock.ts");
  const lock = await acquireLock(run.world.host("pve"), {
    command,
    clock: run.world.clock,
    waitMs: call.options.lockWaitMs,
    // Without quorum only who changes nothing gets here.
    isOfCluster: run.site.cluster?.quorate === true,
    onWait: (holder) => display.say(`waiting for the lock, held by ${holder}`),
    onTakeOver: (holder) => display.say(`an earlier run did not end properly: ${holder}${takenOver}`),
  });
  lock.lost.addEventListener("abort", () => session.abort(lock.lost.reason), { once: true });
  const stopTelling = await tellOfEvents(session, lock.lost);
  try {
    return await use(lock.lost);
  } catch (error) {
    throw lock.lost.aborted ? lock.lost.reason : error;
  } finally {
    await stopTelling();
    await session.lastWords((host) => lock.release(host));
  }
}

/** Tells what the run is doing to those who look from elsewhere. A run that lost its lock must not write. */
async function tellOfEvents(
  { call: { terminal }, run, watch }: Session,
  lost: AbortSignal,
): Promise<() => Promise<void>> {
  const [{ advance, noProgress }, { tellOfRun }] = await Promise.all([
    import("../render/progress.ts"),
    import("../journal/live.ts"),
  ]);
  let progress = noProgress;
  let told = progress;
  const unwatch = watch((event) => {
    progress = advance(progress, terminal.redact(event), Date.now());
  });
  const stop = tellOfRun(run.world.host("pve"), () => {
    if (progress === told || lost.aborted) return undefined;
    told = progress;
    return { ...progress };
  });
  return () => {
    unwatch();
    return stop();
  };
}
