/** The hypervisor's `Exec`: timers that are due, faults, time limits, and then the program. */
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TransportError } from "../src/errors.ts";
import { interrupted } from "../src/hosts/clock.ts";
import { programOf } from "../src/hosts/command-error.ts";
import { timedOut } from "../src/hosts/command-limits.ts";
import { type Command, type CommandResult, defaultTimeoutMs, type Exec } from "../src/hosts/host.ts";
import { scriptOf } from "../src/hosts/script.ts";
import type { HostName } from "../src/resource.ts";
import { isUp, nodeOf } from "./cluster.ts";
import { faultOn, faultsOf, forgetFault } from "./faults.ts";
import { isNode, type LabNode, type NodeHost } from "./nodes.ts";
import { failed, type Lab, type LabCommand } from "./parts.ts";
import { runDueTimers } from "./timers.ts";

/** How much longer everything takes with the fault `slow`, in milliseconds, unless it says so itself. */
const slowMs = 2_000;

/** @param afterChange lets the machines notice what a command changed (a watched directory) */
export function labExec(lab: Lab, entry: NodeHost, afterChange: () => Promise<void>): Exec {
  return (command) =>
    withinTime(lab.signal, command, async () => {
      await runDueTimers(lab);
      if (!isUp(lab, entry)) throw offline(nodeOf(lab, entry));
      const result = await runOn(lab, entry, command);
      if (command.effect === "change") await afterChange();
      return result;
    });
}

function offline({ address }: LabNode): TransportError {
  const words = `connect to host ${address} port 22: No route to host`;
  return new TransportError("pve", `root@${address} cannot be reached by ssh: ${words}`);
}

/** Runs a command on a host with the faults that hit it. A command of a guest or of another node is hit by that one's faults alone. */
export async function runOn(lab: Lab, host: HostName, command: LabCommand): Promise<CommandResult> {
  if (!isNode(host) || !isForOther(command.argv)) {
    await slowness(lab, host);
    if (lab.fault("hang", host) !== undefined) await forever();
    if (isActivation(command.argv)) await killed(lab, host);
    if (command.effect === "change" && lab.fault("exit-1", host) !== undefined)
      return failed(1, `${programOf(command.argv)}: fails because of the lab's fault exit-1`);
  }
  return lab.run(host, command);
}

/** Waits as long as the fault `slow` says. */
export async function slowness(lab: Pick<Lab, "fault" | "signal">, target: string): Promise<void> {
  const value = lab.fault("slow", target);
  if (value !== undefined)
    await delay(Number(value) || slowMs, undefined, { signal: lab.signal }).catch(() => {});
}

function isForOther([program = "", verb = "", action = ""]: readonly string[]): boolean {
  const name = basename(program);
  return (
    name === "ssh" ||
    (name === "pct" && verb === "exec") ||
    (name === "qm" && verb === "guest" && action.startsWith("exec"))
  );
}

/** Whether a command makes a written change live: a reload, a restart, a signal. */
export function isActivation(argv: readonly string[]): boolean {
  if (scriptOf(argv) !== undefined) return false;
  const [program = "", ...args] = argv;
  switch (basename(program)) {
    case "systemctl":
      return args.some((arg) => /^(try-)?(reload|restart|reload-or-restart|kill)$/.test(arg));
    case "docker":
      return args[0] === "restart" || args[0] === "kill";
    case "nginx":
      return args.includes("-s");
    case "sh":
    case "bash":
      return args.some((arg) => /\b(systemctl\s+(reload|restart)|docker\s+restart|nginx\s+-s)\b/.test(arg));
    default:
      return false;
  }
}

/** As if the power went: nothing of this process runs any more, nothing is cleaned up. */
async function killed(lab: Lab, host: HostName): Promise<void> {
  const fault = faultOn(faultsOf(lab.store), lab.facts, "killed-before-activation", host);
  if (fault === undefined) return;
  forgetFault(lab.store, fault);
  process.kill(process.pid, "SIGKILL");
  await forever();
}

function forever(): Promise<never> {
  return new Promise(() => {});
}

function withinTime(
  signal: AbortSignal,
  command: Command,
  action: () => Promise<CommandResult>,
): Promise<CommandResult> {
  const timeoutMs = command.timeoutMs ?? defaultTimeoutMs;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(interrupted());
    const onAbort = (): void => end(() => reject(interrupted()));
    const timer = setTimeout(
      () => end(() => reject(timedOut("pve", programOf(command.argv), command))),
      timeoutMs,
    );
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return action().then(
      (result) => end(() => resolve(result)),
      (error: unknown) => end(() => reject(error)),
    );
  });
}
