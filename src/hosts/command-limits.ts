/** Commands that exceed a limit of time or output. */
import { CommandError, TransportError } from "../errors.ts";
import { seconds } from "./clock.ts";
import { type Command, defaultTimeoutMs } from "./host.ts";

/**
 * Thrown where the process runs, which may be another host than the command's: `pct` on the hypervisor runs a command in a
 * container. The host replaces it by an error that names itself.
 */
export class TimedOutError extends TransportError {}

/** A command printed more than Phoenix, or the guest's agent, keeps. */
export class TooMuchOutputError extends TransportError {}

export function timedOut(
  target: string,
  program: string,
  { timeoutMs = defaultTimeoutMs }: Command,
): TimedOutError {
  return new TimedOutError(target, `${program} on ${target} did not end within ${seconds(timeoutMs)}`);
}

/** Whether commands that failed together may succeed alone; false for a guest that is down. */
export function isOfOneCommand(error: unknown): boolean {
  return [TimedOutError, TooMuchOutputError, CommandError].some((kind) => error instanceof kind);
}
