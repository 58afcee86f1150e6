/** A command that went beyond a limit: of time, or of output. */
import { CommandError, TransportError } from "../errors.ts";
import { seconds } from "./clock.ts";
import { type Command, defaultTimeoutMs } from "./host.ts";

/**
 * Raised where the process runs, which may be far from where the command was meant to run: `pct` on the hypervisor for a
 * command in a container. The host that was asked says it in its own words.
 */
export class TimedOutError extends TransportError {}

/** A command printed more than we keep, or than the guest's agent does. */
export class TooMuchOutputError extends TransportError {}

export function timedOut(
  target: string,
  program: string,
  { timeoutMs = defaultTimeoutMs }: Command,
): TimedOutError {
  return new TimedOutError(target, `${program} on ${target} did not end within ${seconds(timeoutMs)}`);
}

/** Of commands that went together: true when each may well be answered alone, false when nobody can be (a guest that is down). */
export function isOfOneCommand(error: unknown): boolean {
  return [TimedOutError, TooMuchOutputError, CommandError].some((kind) => error instanceof kind);
}
