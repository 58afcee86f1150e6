/** The answers of `qm guest exec` and `qm guest exec-status`. Pure. Facts: qemu-server 9.2. */
import { TransportError } from "../errors.ts";
import { isObject, type JsonObject, parseJson } from "../formats/json/index.ts";
import { TooMuchOutputError } from "./command-limits.ts";
import { errorLines, notHere } from "./guest-errors.ts";
import type { CommandResult } from "./host.ts";

export type QmAnswer =
  | { readonly kind: "ended"; readonly result: CommandResult }
  /** The command still runs; `pid` is its number in the guest when this answer has it. */
  | { readonly kind: "running"; readonly pid?: number };

/**
 * Reads an answer. `qm` exits 0 even when the command failed, so only the JSON counts.
 * @throws TransportError when it does not report the command's end
 */
export function qmAnswer(id: number, program: string, result: CommandResult): QmAnswer {
  if (result.exitCode !== 0) return refusal(id, program, result);
  const answer = parse(id, result.stdout);
  if (answer.exited === undefined && typeof answer.pid === "number") {
    return { kind: "running", pid: answer.pid };
  }
  if (isNo(answer.exited)) return { kind: "running" };
  if (!isYes(answer.exited)) throw unreadable(id, result.stdout);
  if (isCut(answer, "out") || isCut(answer, "err")) {
    throw new TooMuchOutputError(
      `vm/${id}`,
      `${program} on vm/${id} printed more than the guest agent keeps (16 MiB)`,
    );
  }
  const exitCode = exitCodeOf(answer);
  if (exitCode === undefined) throw unreadable(id, result.stdout);
  const stdout = streamOf(answer["out-data"]);
  const stderr = streamOf(answer["err-data"]);
  if (stdout === undefined || stderr === undefined) throw unreadable(id, result.stdout);
  return { kind: "ended", result: { exitCode, stdout, stderr } };
}

/** What the agent keeps of each stream, in bytes; the rest is dropped. */
const keptBytes = 16 * 1024 * 1024;

/**
 * Whether the agent dropped a part of a stream. Agents before QEMU 10.0.3 send the key only when they did, with a meaningless
 * value; newer ones (Debian 13's 10.0.13) send it with all output, and its value counts.
 */
function isCut(answer: JsonObject, stream: "out" | "err"): boolean {
  const flag = answer[`${stream}-truncated`];
  const text = answer[`${stream}-data`];
  return isYes(flag) || (isNo(flag) && typeof text === "string" && text.length >= keptBytes);
}

function parse(id: number, text: string): JsonObject {
  const value = parseJson(text);
  if (!isObject(value)) throw unreadable(id, text);
  return value;
}

function exitCodeOf({ exitcode, signal }: JsonObject): number | undefined {
  if (isCount(signal) && signal > 0) return 128 + signal;
  return isCount(exitcode) ? exitcode : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

/** PVE makes the agent's booleans 1 and 0; the API of other versions leaves them. */
function isYes(value: unknown): boolean {
  return value === 1 || value === true;
}

function isNo(value: unknown): boolean {
  return value === 0 || value === false;
}

/** Output arrives as bytes that were read as Latin-1 characters; absent means empty. */
function streamOf(value: unknown): string | undefined {
  if (value === undefined) return "";
  if (typeof value !== "string") return undefined;
  const bytes = Buffer.from(value, "latin1");
  return bytes.toString("latin1") === value ? bytes.toString("utf8") : value;
}

function unreadable(id: number, text: string): TransportError {
  const seen = text.trim() === "" ? "nothing" : JSON.stringify(text.trim().slice(0, 120));
  return new TransportError(`vm/${id}`, `cannot read qm's answer about vm/${id}: ${seen}`, {
    hint: "it is unknown what the command did; run phoenix again",
  });
}

/** Error texts of PVE and the agent, what they mean, and what helps. */
const refusals: readonly [RegExp, (id: number) => { reason: string; hint?: string }][] = [
  [
    /No QEMU guest agent configured/,
    (id) => ({
      reason: "has no guest agent configured",
      hint: `\`qm set ${id} --agent 1\`, install qemu-guest-agent in it, then stop and start it (a reboot is not enough)`,
    }),
  ],
  [/VM \d+ (is )?not running/, (id) => ({ reason: "is not running", hint: `start it: qm start ${id}` })],
  [
    /QEMU guest agent is not running/,
    (id) => ({
      reason: "runs, but its guest agent does not answer",
      hint: `it may still be starting; else, in the VM: \`systemctl enable --now qemu-guest-agent\`; \`qm guest cmd ${id} ping\` tests it`,
    }),
  ],
  [
    /has been disabled: the agent is in frozen state/,
    (id) => ({
      reason: "has its file systems frozen, as during a backup",
      hint: `wait for the backup; \`qm guest cmd ${id} fsfreeze-thaw\` ends a freeze that was left behind`,
    }),
  ],
  [
    /Command guest-exec(-status)? has been disabled/,
    () => ({
      reason: "has a guest agent that is not allowed to run commands",
      hint: "in the VM, /etc/sysconfig/qemu-ga: allow guest-exec and guest-exec-status (FILTER_RPC_ARGS, before that BLACKLIST_RPC), then restart qemu-guest-agent",
    }),
  ],
  [
    /(failed - got timeout|qga socket - timeout)/,
    () => ({
      reason: "has a guest agent that did not answer in time",
      hint: "it is unknown what the command did; the VM may be overloaded",
    }),
  ],
  [
    /(PID \S+ does not exist|Invalid parameter 'pid')/,
    () => ({
      reason: "no longer knows how the command ended",
      hint: "the one answer with its result was lost; it is unknown what the command did",
    }),
  ],
  [/is limited to 1 MiB/, () => ({ reason: "takes at most 1 MiB of standard input" })],
];

/** qemu-ga's message for a program that it cannot start: the command's own failure, as a shell would report it. */
const cannotExecute = /Failed to execute child process\s*.*\((.+)\)/;

function refusal(id: number, program: string, result: CommandResult): QmAnswer {
  const target = `vm/${id}` as const;
  const lines = errorLines(result);
  const text = lines.join("\n");
  const execute = cannotExecute.exec(text);
  if (execute !== null) {
    const exitCode = /No such file/.test(execute[1] ?? "") ? 127 : 126;
    return { kind: "ended", result: { exitCode, stdout: "", stderr: `${program}: ${execute[1]}\n` } };
  }
  const absence = notHere("qm", target, result);
  if (absence !== undefined) throw absence;
  for (const [pattern, explain] of refusals) {
    if (!pattern.test(text)) continue;
    const { reason, hint } = explain(id);
    throw new TransportError(target, `${target} ${reason}`, { hint });
  }
  const reason = lines.at(-1) ?? `exit ${result.exitCode}`;
  throw new TransportError(target, `qm guest exec ${id} failed: ${reason}`);
}
