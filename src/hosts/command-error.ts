/** What commands are called, and what their failures say. */
import { CommandError } from "../errors.ts";
import { lastLines } from "../formats/text/last-lines.ts";
import type { CommandResult } from "./host.ts";
import { scriptOf } from "./script.ts";

/** The error of a command that had to succeed: its program, its exit code and what it said last. */
export function commandError(host: string, program: string, result: CommandResult): CommandError {
  const said = lastLines(result.stderr) || lastLines(result.stdout);
  const detail = said === "" ? "" : `: ${said}`;
  return new CommandError(
    host,
    result.exitCode,
    `${program} failed on ${host} (exit ${result.exitCode})${detail}`,
    { hint: hintFor(said) },
  );
}

/** What a person calls the command: a script's name, a program's name without its directory. */
export function programOf(argv: readonly string[]): string {
  return scriptOf(argv)?.name ?? argv[0]?.split("/").at(-1) ?? "";
}

/** What helps against the words of a failed command, if anything is known. @param path what it was about */
export function hintFor(said: string, path = ""): string | undefined {
  if (/no space left on device|disk quota exceeded/i.test(said)) {
    return "free some space: `df -h` and `df -i` on that host show what is full";
  }
  if (/read-only file system/i.test(said)) return "the file system is mounted read-only; `dmesg` may say why";
  if (/permission denied/i.test(said) && path.startsWith("/etc/pve/")) {
    return "without quorum /etc/pve is read-only: `pvecm status` shows the cluster's state";
  }
  if (/permission denied|operation not permitted/i.test(said)) return "run phoenix as root";
  return undefined;
}
