/** Guests keep the host contract, behind stand-ins for `pct` and `qm` that run the command on this machine. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { TransportError } from "../../src/errors.ts";
import { realClock } from "../../src/hosts/clock.ts";
import type { CommandResult, Exec } from "../../src/hosts/host.ts";
import { localExec } from "../../src/hosts/local.ts";
import { type WorldParts, worldOf } from "../../src/hosts/open.ts";
import { createNetwork } from "../../src/hosts/real-network.ts";
import type { GuestName } from "../../src/resource.ts";
import { hostContract } from "./host.ts";

const { signal } = new AbortController();
const local = localExec(signal);
const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true });
});

const afterDashes = (argv: readonly string[]): readonly string[] => argv.slice(argv.indexOf("--") + 1);

/** lxc-attach gives the command's own exit code, also for a program that is not there. */
const pct: Exec = async (command) => {
  const result = await local({ ...command, argv: afterDashes(command.argv) });
  if (result.exitCode !== 127 || !result.stderr.includes("command not found")) return result;
  const stderr = `lxc-attach: 102: ../src/lxc/attach.c: lxc_attach_run_command: 1841 ${"No such file or directory"} - Failed to exec "x"\n`;
  return { ...result, stderr };
};

/** qm answers in JSON, always exits 0 when the agent answers, and shows bytes as Latin-1 characters. */
const qm: Exec = async (command) => {
  const ok = (answer: Record<string, unknown>): CommandResult => ({
    exitCode: 0,
    stdout: JSON.stringify(answer, null, 3),
    stderr: "",
  });
  if (command.argv[2] === "exec-status") return ok({ exited: 0 });
  const seconds = Number(command.argv[command.argv.indexOf("--timeout") + 1]);
  try {
    const result = await local({ ...command, argv: afterDashes(command.argv), timeoutMs: seconds * 1000 });
    if (result.exitCode === 127 && result.stderr.includes("command not found")) {
      const stderr =
        "Agent error: Guest agent command failed, error was 'Failed to execute child process “x” (No such file or directory)'\n";
      return { exitCode: 255, stdout: "", stderr };
    }
    const raw = (text: string): string => Buffer.from(text).toString("latin1");
    return ok({
      ...(result.exitCode > 128 && result.exitCode < 160
        ? { signal: result.exitCode - 128 }
        : { exitcode: result.exitCode }),
      exited: 1,
      ...(result.stdout === "" ? {} : { "out-data": raw(result.stdout) }),
      ...(result.stderr === "" ? {} : { "err-data": raw(result.stderr) }),
    });
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { ...ok({ pid: 99_999_999 }), stderr: "timeout reached, returning pid\n" };
  }
};

const hypervisor: Exec = (command) =>
  command.argv[0] === "pct" ? pct(command) : command.argv[0] === "qm" ? qm(command) : local(command);

for (const name of ["lxc/102", "vm/1001"] satisfies GuestName[]) {
  hostContract(
    name,
    async () => {
      const directory = mkdtempSync(join(tmpdir(), "phoenix-guest-"));
      made.push(directory);
      const parts: WorldParts = {
        description: "stand-ins",
        hypervisorExec: hypervisor,
        network: createNetwork(),
        clock: realClock(signal),
        close: async () => {},
      };
      return { host: worldOf(parts).host(name), directory };
    },
    { root: process.getuid?.() === 0 },
  );
}
