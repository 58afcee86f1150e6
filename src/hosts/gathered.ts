/**
 * One round trip for all reads of a guest at the same moment. Each command in a guest is a Perl program on the hypervisor
 * (`pct exec`, `qm guest exec`: half a second of processor time) and, in a virtual machine, a second's wait for its agent.
 */
import { isGuestName } from "../resource.ts";
import { isOfOneCommand } from "./command-limits.ts";
import type { Command, CommandResult, Exec } from "./host.ts";
import { type Script, scriptArgv } from "./script.ts";
import type { Decorator } from "./world.ts";

/**
 * Parameters: commands one after the other, each as the number of its words and the words. Runs them in this order and
 * prints a line for each: the base64 of its standard output with a last line that is its exit code, a space, and the
 * base64 of its standard error.
 */
const gather: Script = {
  name: "gather",
  // Standard output is passed on while the command runs; standard error follows when it has ended.
  body: `once() {
  errors=$({ { "$@" 3>&- 4>&-; printf '\\n%s' "$?"; } 2>&3 </dev/null | base64 | tr -d '\\n' >&4; } 3>&1 | base64 | tr -d '\\n')
  printf ' %s\\n' "$errors"
}
while [ "$#" -gt 0 ]; do
  count=$1 words= at=1
  shift
  while [ "$at" -le "$count" ]; do
    words="$words \\"\\\${$at}\\""
    at=$((at + 1))
  done
  eval "once $words" 4>&1
  shift "$count"
done`,
};

/** Longer commands run alone: the hypervisor's arguments and the agent's messages have limits. Characters. */
const mostText = 32_768;

/** Reads take milliseconds: when all of them take longer than this, they run one by one, each with its own limit. Milliseconds. */
const togetherMs = 10_000;

interface Waiting {
  readonly command: Command;
  readonly resolve: (result: CommandResult | PromiseLike<CommandResult>) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads of one guest at the same moment run together. Changes, and reads with input or their own time limit, run alone. */
export function gatheredReads(): Decorator {
  return {
    exec: (exec, host) => (isGuestName(host) ? gathering(exec) : exec),
    network: (network) => network,
  };
}

function gathering(exec: Exec): Exec {
  let waiting: Waiting[] = [];
  const leave = (): void => {
    const together = waiting;
    waiting = [];
    const [first, second] = together;
    if (first !== undefined && second === undefined) first.resolve(exec(first.command));
    else void askTogether(exec, together);
  };
  return (command) => {
    if (command.effect === "change" || command.stdin !== undefined || command.timeoutMs !== undefined)
      return exec(command);
    if (lengthOf([...waiting.map((each) => each.command), command]) > mostText) return exec(command);
    return new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(leave);
      waiting.push({ command, resolve, reject });
    });
  };
}

function lengthOf(commands: readonly Command[]): number {
  return commands.reduce((sum, { argv }) => sum + argv.join(" ").length, 0);
}

async function askTogether(exec: Exec, together: readonly Waiting[]): Promise<void> {
  const words = together.flatMap(({ command: { argv } }) => [String(argv.length), ...argv]);
  try {
    const { exitCode, stdout } = await exec({
      argv: scriptArgv(gather, ...words),
      effect: "read",
      timeoutMs: togetherMs,
    });
    const results = exitCode === 0 ? resultsOf(stdout, together.length) : undefined;
    together.forEach(({ command, resolve }, at) => {
      resolve(results?.[at] ?? exec(command));
    });
  } catch (error) {
    // A command that hangs or prints too much must not cost the others their answers.
    for (const { command, resolve, reject } of together)
      if (isOfOneCommand(error)) resolve(exec(command));
      else reject(error);
  }
}

/** Undefined when a guest has no base64, or its answer is incomplete. */
function resultsOf(stdout: string, count: number): readonly CommandResult[] | undefined {
  const lines = stdout.split("\n");
  if (lines.pop() !== "" || lines.length !== count) return undefined;
  const results = lines.flatMap((line) => {
    const [, out, errors = ""] = /^([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]*)$/.exec(line) ?? [];
    if (out === undefined) return [];
    // A killed shell has not written the exit code.
    const [, stdout, exitCode] = /^([\s\S]*)\n(\d+)$/.exec(decoded(out)) ?? [];
    if (stdout === undefined) return [];
    return [{ exitCode: Number(exitCode), stdout, stderr: decoded(errors) }];
  });
  return results.length === count ? results : undefined;
}

function decoded(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}
