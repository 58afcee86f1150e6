/** Commands that travel through ssh: how argv becomes the one line that ssh takes, and what ssh's exit code means. Pure. */

import { TransportError } from "../errors.ts";
import { quoted } from "../formats/shell/quote.ts";
import { lastLines } from "../formats/text/last-lines.ts";
import { type Command, type CommandResult, defaultTimeoutMs } from "./host.ts";
import { type Script, scriptArgv } from "./script.ts";

/** How much later than ours the other side's timer ends the command, in seconds: ours comes first. */
const timeoutSlack = 2;

const ended255 = "phoenix: the command ended with 255";

/**
 * Parameters: seconds, then the command. `timeout` ends it where it runs, for a killed ssh client leaves it running. ssh's
 * own failures also exit 255: the command's own 255 says so.
 */
const remoteScript: Script = {
  name: "remote",
  body: `export LC_ALL=C.UTF-8
timeout -k 5 "$@"
status=$?
[ "$status" -ne 255 ] || echo '${ended255}' >&2
exit "$status"`,
};

/** Find a peer that is not there within 10 s, and a dead one within 45 s. */
export const sshPatience: readonly string[] = [
  "ConnectTimeout=10",
  "ServerAliveInterval=15",
  "ServerAliveCountMax=3",
  "LogLevel=ERROR",
];

/** Options of every ssh call to the hypervisor: never ask, never allocate a terminal, have patience. */
export const sshOptions: readonly string[] = [
  "-T",
  ...["BatchMode=yes", ...sshPatience].flatMap((option) => ["-o", option]),
];

/** The line that the other side's shell splits into exactly `command.argv`. */
export function remoteLine(command: Command): string {
  const limit = Math.ceil((command.timeoutMs ?? defaultTimeoutMs) / 1000) + timeoutSlack;
  return scriptArgv(remoteScript, String(limit), ...command.argv)
    .map(quoted)
    .join(" ");
}

/** What a command that went through ssh gave. @throws TransportError when ssh itself failed, by `errorOf` if given */
export function sshResult(
  target: string,
  peer: string,
  result: CommandResult,
  errorOf = sshError,
): CommandResult {
  if (result.exitCode !== 255) return result;
  const marked = result.stderr.replace(new RegExp(`${ended255}\\n?$`), "");
  if (marked !== result.stderr) return { ...result, stderr: marked };
  throw errorOf(target, peer, result.stderr);
}

/** ssh's own error, with a hint. */
export function sshError(
  target: string,
  peer: string,
  stderr: string,
  hintOf: (message: string, peer: string) => string | undefined = hintFor,
): TransportError {
  const message = lastLines(stderr).replace(/^ssh: /, "") || "the connection was lost";
  return new TransportError(target, `${peer} cannot be reached by ssh: ${message}`, {
    hint: hintOf(message, peer),
  });
}

function hintFor(message: string, peer: string): string | undefined {
  if (/Permission denied/.test(message))
    return `phoenix never asks for passwords: let \`ssh ${peer}\` work with a key`;
  if (/Host key verification failed|HOST IDENTIFICATION HAS CHANGED/.test(message))
    return `\`ssh ${peer}\` by hand shows the key; accept it only if it is the right one`;
  if (/Could not resolve hostname/.test(message)) return "name an address, or a Host of ~/.ssh/config";
  return undefined;
}
