/** The lab from inside: what its programs, scripts and servers work with. */
import type { Command, CommandResult } from "../src/hosts/host.ts";
import type { HostName } from "../src/resource.ts";
import type { LabCall, LabContext } from "./context.ts";
import type { LabFacts } from "./facts.ts";
import type { LabFiles } from "./files.ts";

export interface Lab extends LabContext {
  readonly facts: LabFacts;
  readonly files: LabFiles;
  /** Aborted when the lab is closed or the run is interrupted. */
  readonly signal: AbortSignal;
  /** Runs a program or script on a host, without faults. Never throws for what a real host would answer by an exit code. */
  run(host: HostName, command: LabCommand): Promise<CommandResult>;
  /** Whether a host can start this command: a program that it has, or one of the product's scripts. */
  has(host: HostName, argv: Command["argv"]): boolean;
  /** The same lab for a command that only reads: whatever changes something throws an Error. */
  readonly reading: Lab;
}

export type LabCommand = Pick<Command, "argv" | "stdin" | "effect">;

export interface ProgramCall extends LabCall {
  readonly context: Lab;
  readonly effect: Command["effect"];
}

/** A program that is part of this folder. A `LabProgram` is one as well. */
export type Program = (call: ProgramCall) => Promise<CommandResult> | CommandResult;

/** A program that succeeded. */
export function done(stdout = "", stderr = ""): CommandResult {
  return { exitCode: 0, stdout, stderr };
}

/** A program that failed; a line feed is added to what it says. */
export function failed(exitCode: number, says: string, stdout = ""): CommandResult {
  return { exitCode, stdout, stderr: says === "" || says.endsWith("\n") ? says : `${says}\n` };
}
