/** `qm guest exec` and `exec-status`: what the guest agent ran, as the JSON that qm prints (qemu-server 9.2). */
import type { CommandResult } from "../../src/hosts/host.ts";
import { runOn } from "../exec.ts";
import type { LabGuest } from "../facts.ts";
import { done, failed, type ProgramCall } from "../parts.ts";
import { notEnough, perlJson } from "./proxmox.ts";

/** The most that --pass-stdin takes, in bytes. */
const inputLimit = 1024 * 1024;

/** How long qm waits by default, in seconds; 0 means without a limit. */
const defaultWait = 30;

/** Commands that qm did not wait for, by their number in the guest. The agent forgets one when it has told its end. */
const running = new Map<
  number,
  { readonly host: string; readonly ended: Promise<CommandResult>; result?: CommandResult }
>();
let lastPid = 4000;

export async function guestExec(
  { context, stdin, effect }: ProgramCall,
  { host }: LabGuest,
  options: ReadonlyMap<string, string>,
  argv: readonly string[],
): Promise<CommandResult> {
  const [program] = argv;
  if (program === undefined) return notEnough("qm guest exec <vmid> [<extra-args>] [OPTIONS]");
  const synchronous = options.get("synchronous") !== "0";
  if (!synchronous && options.has("timeout")) {
    return failed(
      255,
      "400 Parameter verification failed.\nsynchronous: needs to be set for 'timeout'\nqm guest exec <vmid> [<extra-args>] [OPTIONS]",
    );
  }
  const input = options.get("pass-stdin") === "1" ? stdin : "";
  if (Buffer.byteLength(input) > inputLimit)
    return failed(255, "'input-data' (STDIN) is limited to 1 MiB, aborting");
  if (!context.has(host, argv)) {
    return failed(
      255,
      `Agent error: Guest agent command failed, error was 'Failed to execute child process “${program}” (No such file or directory)'`,
    );
  }
  const ended = runOn(context, host, { argv, stdin: input, effect });
  const pid = register(host, ended);
  if (!synchronous) return done(json({ pid }));
  const wait = Number(options.get("timeout") ?? defaultWait);
  const result = await (wait === 0 ? ended : Promise.race([ended, after(wait * 1000)]));
  if (result === undefined) return done(json({ pid }), "timeout reached, returning pid\n");
  running.delete(pid);
  return done(json(answer(result)));
}

export function guestExecStatus({ host }: LabGuest, pid: string): CommandResult {
  const command = running.get(Number(pid));
  if (command === undefined || command.host !== host)
    return failed(255, "Agent error: PID ld does not exist");
  if (command.result === undefined) return done(json({ exited: 0 }));
  running.delete(Number(pid));
  return done(json(answer(command.result)));
}

function register(host: string, ended: Promise<CommandResult>): number {
  lastPid += 1;
  const pid = lastPid;
  const command: { host: string; ended: Promise<CommandResult>; result?: CommandResult } = { host, ended };
  running.set(pid, command);
  // Whoever waits for the command hears of its failure; nobody else needs to.
  ended.then(
    (result) => {
      command.result = result;
    },
    () => running.delete(pid),
  );
  return pid;
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms).unref());
}

function answer({ exitCode, stdout, stderr }: CommandResult): Readonly<Record<string, string | number>> {
  return {
    ...(stderr === "" ? {} : { "err-data": latin1(stderr) }),
    ...(exitCode > 128 ? {} : { exitcode: exitCode }),
    exited: 1,
    ...(stdout === "" ? {} : { "out-data": latin1(stdout) }),
    ...(exitCode > 128 ? { signal: exitCode - 128 } : {}),
  };
}

/** The agent's bytes, taken for Latin-1 characters one by one. */
function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function json(value: Readonly<Record<string, string | number>>): string {
  return `${perlJson(value)}\n`;
}
