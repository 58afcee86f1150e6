/** The names of commands, and the errors of failed ones. */
import { CommandError } from "../errors.ts";
import { lastLines } from "../formats/text/last-lines.ts";
import type { CommandResult } from "./host.ts";
import { scriptOf } from "./script.ts";

/** The error of a command that had to succeed: its program, its exit code and its last output. */
export function commandError(host: string, program: string, result: CommandResult): CommandError {
  const output = lastLines(result.stderr) || lastLines(result.stdout);
  const detail = output === "" ? "" : `: ${output}`;
  const message = `${program} failed on ${host} (exit ${result.exitCode})${detail}`;
  return new CommandError(host, result.exitCode, message, { hint: hintFor(output) });
}

/** The name of a command in messages: a script's name, or the program's without its directory. */
export function programOf(argv: readonly string[]): string {
  return scriptOf(argv)?.name ?? argv[0]?.split("/").at(-1) ?? "";
}

/** What helps against a failed command's output, if known. @param path the file that it was about */
export function hintFor(output: string, path = ""): string | undefined {
  if (/no space left on device|disk quota exceeded/i.test(output)) {
    return "free some space: `df -h` and `df -i` on that host show what is full";
  }
  if (/read-only file system/i.test(output))
    return "the file system is mounted read-only; `dmesg` may show why";
  if (/permission denied/i.test(output) && path.startsWith("/etc/pve/")) {
    return "without quorum /etc/pve is read-only: `pvecm status` shows the cluster's state";
  }
  if (/is a symbolic link$/m.test(output))
    return "remove the link: guests can write there, so Phoenix follows no link";
  if (/permission denied|operation not permitted/i.test(output)) return "run phoenix as root";
  return undefined;
}
