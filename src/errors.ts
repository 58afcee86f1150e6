/**
 * The whole error taxonomy. An expected failure is one of these classes; anything else is a bug in Phoenix.
 * A message says what, where and why; the hint says what to do now and is printed on a line of its own.
 */

/** The exit codes of the command line: a contract with a test for each. */
export const exitCodes = {
  converged: 0,
  error: 1,
  pending: 2,
  unverified: 3,
  partial: 4,
  refused: 5,
  locked: 6,
  rolledBack: 7,
  usage: 64,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

interface ErrorOptionsWithHint {
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

export abstract class PhoenixError extends Error {
  /** The class's own name, which documents show; the bundled program has no other. */
  abstract override readonly name: string;
  readonly exitCode: ExitCode = exitCodes.error;
  readonly hint: string | undefined;

  constructor(message: string, options: ErrorOptionsWithHint = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
  }
}

/** A flag or name on the command line that means nothing. */
export class UsageError extends PhoenixError {
  override readonly name = "UsageError";
  override readonly exitCode = exitCodes.usage;
}

/** The site or the surroundings cannot be read: a missing directory, no permission. Problems in files are `Problem`s. */
export class SiteError extends PhoenixError {
  override readonly name = "SiteError";
}

/** A host or API could not be reached, or did not answer in time. Nothing is known about what it did. */
export class TransportError extends PhoenixError {
  override readonly name = "TransportError";
  /** What could not be reached: "lxc/102", "portainer https://10.0.0.111:9443". */
  readonly target: string;

  constructor(target: string, message: string, options: ErrorOptionsWithHint = {}) {
    super(message, options);
    this.target = target;
  }
}

/** Phoenix runs on, or was sent to, a machine that is not a Proxmox VE host: it can do nothing from there, so it ends the run. */
export class WrongHostError extends PhoenixError {
  override readonly name = "WrongHostError";
}

/** A command ran on a host and failed. The message never holds standard input or a secret. */
export class CommandError extends PhoenixError {
  override readonly name = "CommandError";
  readonly host: string;
  readonly commandExitCode: number;

  constructor(host: string, commandExitCode: number, message: string, options: ErrorOptionsWithHint = {}) {
    super(message, options);
    this.host = host;
    this.commandExitCode = commandExitCode;
  }
}

/** An API answered, and its answer was no. */
export class ApiError extends PhoenixError {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string, options: ErrorOptionsWithHint = {}) {
    super(message, options);
    this.status = status;
  }
}

/** A candidate was refused by the target's own checker, or could not be had at all, before it was put in place: nothing was changed. */
export class CandidateError extends PhoenixError {
  override readonly name = "CandidateError";
}

/** Something that must be there first is not there yet: in a plan this defers, in a sync it fails the component. */
export class NotReadyError extends PhoenixError {
  override readonly name = "NotReadyError";
}

/** A guard refused the plan. The message names the rule and the numbers, the hint the exact consent that overrides it. */
export class RefusedError extends PhoenixError {
  override readonly name = "RefusedError";
  override readonly exitCode = exitCodes.refused;
}

/** Another run holds the lock. */
export class LockedError extends PhoenixError {
  override readonly name = "LockedError";
  override readonly exitCode = exitCodes.locked;
}

/** The run was interrupted from outside (SIGINT, SIGTERM). */
export class InterruptedError extends PhoenixError {
  override readonly name = "InterruptedError";
  override readonly exitCode = exitCodes.interrupted;
}

/** A host, an engine or an API that cannot be used now: what needs it fails, and the rest can go on. */
export function isUnavailable(
  error: unknown,
): error is ApiError | CommandError | NotReadyError | TransportError {
  return [ApiError, CommandError, NotReadyError, TransportError].some((kind) => error instanceof kind);
}

/** The message of any thrown value, for a line of output; never a stack trace. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a failed system call, as Node names it: "ENOENT". */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Whether a system call failed because there is no such file. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

/** The hint an error carries, if it is one of ours. */
export function hintOf(error: unknown): string | undefined {
  return error instanceof PhoenixError ? error.hint : undefined;
}

/** What to do about an error: its own hint, or what helps with its kind. */
export function adviceOn(error: unknown): string | undefined {
  const hint = hintOf(error);
  if (hint !== undefined) return hint;
  if (error instanceof TransportError)
    return `see whether ${error.target} is up and can be reached, then run the command again`;
  if (error instanceof CommandError)
    return `put right what the command says about ${error.host}, then run the command again`;
  if (error instanceof ApiError) return "its own log has more; run the command again once that is put right";
  if (error instanceof CandidateError)
    return "what is in use was left as it is; put right what its checker names, then run the command again";
  return undefined;
}
