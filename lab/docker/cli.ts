/** What the parts of the `docker` program share: files of the machine, and results as the program gives them. */
import type { CommandResult } from "../../src/hosts/host.ts";
import type { LabCall } from "../context.ts";
import { LabDocker } from "../docker.ts";
import { readTextIfThere } from "../store.ts";
import { DockerError } from "./state.ts";

export interface CliCall extends LabCall {
  readonly docker: LabDocker;
}

export type Cli = (call: CliCall) => CommandResult;

export function cliCall(call: LabCall, args: readonly string[]): CliCall {
  return { ...call, args, docker: new LabDocker(call.context, call.host) };
}

export function ok(stdout = "", stderr = ""): CommandResult {
  return { exitCode: 0, stdout, stderr };
}

export function fail(exitCode: number, stderr: string, stdout = ""): CommandResult {
  return { exitCode, stdout, stderr: `${stderr}\n` };
}

/** Lines, each with its line feed. */
export function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}

/** What the daemon refuses becomes the program's failure. */
export function answering(action: () => CommandResult): CommandResult {
  try {
    return action();
  } catch (error) {
    if (error instanceof DockerError) return fail(1, `Error response from daemon: ${error.message}`);
    throw error;
  }
}

/** The text of a file on the machine; a relative path starts at its root. */
export function readOn({ context, host }: LabCall, path: string): string | undefined {
  return readTextIfThere(context.path(host, path.startsWith("/") ? path : `/${path}`));
}

/** Does something for each name: prints the names done, and a complaint for each of the others. */
export function forEachName(names: readonly string[], act: (name: string) => void): CommandResult {
  const done: string[] = [];
  const complaints: string[] = [];
  for (const name of names) {
    try {
      act(name);
      done.push(name);
    } catch (error) {
      if (!(error instanceof DockerError)) throw error;
      complaints.push(`Error response from daemon: ${error.message}`);
    }
  }
  return { exitCode: complaints.length === 0 ? 0 : 1, stdout: lines(done), stderr: lines(complaints) };
}
