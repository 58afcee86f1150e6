/** `qm guest exec` exits 0 whatever happened: what its recorded answers mean (qemu-server 9.2). */
import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/component.ts";
import { TransportError, WrongHostError } from "../../src/errors.ts";
import { NotOnNodeError } from "../../src/hosts/guest-errors.ts";
import { qmExec } from "../../src/hosts/qm.ts";
import { type Answer, failure, type Recorded, recorded } from "./recorded.ts";

const ls = { argv: ["ls"], effect: "read" } as const;

function machine(...answers: readonly Answer[]): Recorded & { clock: Clock; sleeps: number[] } {
  let now = 0;
  const sleeps: number[] = [];
  const clock: Clock = {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
      sleeps.push(ms);
    },
  };
  return { ...recorded(...answers), clock, sleeps };
}

const pretty = (members: Record<string, unknown>): string =>
  `${JSON.stringify(members, null, 3).replaceAll('": ', '" : ')}\n`;

async function answered(answer: Answer) {
  const { exec, clock } = machine(answer);
  return qmExec(exec, 1001, clock)(ls);
}

describe("the call", () => {
  test("the command goes behind --, with a limit in seconds", async () => {
    const { exec, clock, asked } = machine({ stdout: '{\n   "exitcode" : 0,\n   "exited" : 1\n}\n' });
    await qmExec(exec, 1001, clock)({ argv: ["ls", "-la"], effect: "change", timeoutMs: 5_000 });
    expect(asked[0]).toMatchObject({
      argv: ["qm", "guest", "exec", "1001", "--timeout", "5", "--", "ls", "-la"],
      effect: "change",
    });
    expect(asked[0]?.stdin).toBeUndefined();
    expect(asked[0]?.timeoutMs).toBeGreaterThan(5_000);
  });

  test("standard input goes along only when there is one", async () => {
    const { exec, clock, asked } = machine({ stdout: pretty({ exitcode: 0, exited: 1 }) });
    await qmExec(exec, 1001, clock)({ ...ls, stdin: "in" });
    expect(asked[0]?.argv).toEqual([
      ...["qm", "guest", "exec", "1001", "--timeout", "30", "--pass-stdin", "1", "--", "ls"],
    ]);
    expect(asked[0]?.stdin).toBe("in");
  });

  test("more than 1 MiB of input is refused before anything runs", async () => {
    const { exec, clock, asked } = machine({});
    const error = await failure(qmExec(exec, 1001, clock)({ ...ls, stdin: "é".repeat(600_000) }));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toContain("1.1 MiB of input; the guest agent takes 1 MiB");
    expect(asked).toEqual([]);
  });
});

describe("a command that ended", () => {
  test.each([
    ["success", { exitcode: 0, exited: 1, "out-data": "hi\n" }, { exitCode: 0, stdout: "hi\n", stderr: "" }],
    ["failure", { "err-data": "no\n", exitcode: 3, exited: 1 }, { exitCode: 3, stdout: "", stderr: "no\n" }],
    ["a signal", { exited: 1, signal: 9 }, { exitCode: 137, stdout: "", stderr: "" }],
    ["booleans of another version", { exitcode: 0, exited: true }, { exitCode: 0, stdout: "", stderr: "" }],
    [
      "bytes shown as Latin-1",
      { exitcode: 0, exited: 1, "out-data": Buffer.from("Grüße, 世界 \u{1F525}").toString("latin1") },
      { exitCode: 0, stdout: "Grüße, 世界 \u{1F525}", stderr: "" },
    ],
    [
      "NUL bytes",
      { exitcode: 0, exited: 1, "out-data": "a\u0000b\u0000" },
      { exitCode: 0, stdout: "a\0b\0", stderr: "" },
    ],
  ])("%s", async (_, members, result) => {
    expect(await answered({ stdout: pretty(members) })).toEqual(result);
  });

  test.each([
    ["is not there", "No such file or directory", 127],
    ["may not run", "Permission denied", 126],
  ])("a program that %s is the command's own failure", async (_, reason, exitCode) => {
    const stderr = `Agent error: Guest agent command failed, error was 'Failed to execute child process “ls” (${reason})'\n`;
    expect(await answered({ exitCode: 255, stderr })).toEqual({
      exitCode,
      stdout: "",
      stderr: `ls: ${reason}\n`,
    });
  });
});

describe("an answer that proves nothing is never success", () => {
  test.each([
    ["nothing", ""],
    ["no JSON", "ok\n"],
    ["half of it", '{\n   "exitcode" : 0,\n   "exi'],
    ["a list", "[]"],
    ["neither code nor signal", pretty({ exited: 1, "out-data": "hi" })],
    ["a code that is no number", pretty({ exited: 1, exitcode: "0" })],
    ["output that is no text", pretty({ exited: 1, exitcode: 0, "out-data": 5 })],
    ["an end that is no yes", pretty({ exited: 2, exitcode: 0 })],
    ["nothing about the end", pretty({ exitcode: 0 })],
  ])("%s", async (_, stdout) => {
    const error = await failure(answered({ stdout }));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toContain("cannot read qm's answer");
  });

  // Older agents name the key only when something was dropped, with the value 0 all the same; newer ones always name it.
  test.each([
    ["out", 1, "some"],
    ["err", 1, "some"],
    ["out", 0, "x".repeat(16 * 1024 * 1024)],
    ["err", 0, "x".repeat(16 * 1024 * 1024)],
  ])("%s-truncated is %i, and the stream at its limit", async (stream, value, text) => {
    const answer = { exited: 1, exitcode: 0, [`${stream}-data`]: text, [`${stream}-truncated`]: value };
    const error = await failure(answered({ stdout: pretty(answer) }));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toContain("16 MiB");
  });

  test("a newer agent's word that nothing was dropped", async () => {
    const answer = {
      "err-data": "e",
      "err-truncated": 0,
      exitcode: 0,
      exited: 1,
      "out-data": "o",
      "out-truncated": 0,
    };
    const { stdout, stderr } = await answered({ stdout: pretty(answer) });
    expect({ stdout, stderr }).toEqual({ stdout: "o", stderr: "e" });
  });

  test("running, and no number to ask for", async () => {
    const error = await failure(answered({ stdout: pretty({ exited: 0 }) }));
    expect(error).toBeInstanceOf(TransportError);
  });
});

describe("refusals", () => {
  test.each([
    ["No QEMU guest agent configured\n", "has no guest agent configured", "qm set 1001 --agent 1"],
    ["VM 1001 is not running\n", "vm/1001 is not running", "qm start 1001"],
    ["VM 1001 not running\n", "vm/1001 is not running", "qm start 1001"],
    ["QEMU guest agent is not running\n", "its guest agent does not answer", "qemu-guest-agent"],
    [
      "VM 1001 qga command 'guest-exec' failed - got timeout\n",
      "did not answer in time",
      "it is unknown what the command did",
    ],
    [
      "Agent error: Command guest-exec has been disabled: the command is not allowed\n",
      "not allowed to run commands",
      "FILTER_RPC_ARGS",
    ],
    [
      "Agent error: Command guest-exec has been disabled: the agent is in frozen state\n",
      "file systems frozen",
      "backup",
    ],
    ["Agent error: PID ld does not exist\n", "no longer knows how the command ended", "lost"],
    ["Agent error: Invalid parameter 'pid'\n", "no longer knows how the command ended", "lost"],
  ])("%j", async (stderr, message, hint) => {
    const error = await failure(answered({ exitCode: 255, stderr }));
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ target: "vm/1001" });
    expect((error as TransportError).message).toContain(message);
    expect((error as TransportError).hint).toContain(hint);
  });

  test("no Proxmox is one error, whatever the guest", async () => {
    const error = await failure(answered({ exitCode: 127, stderr: "qm: command not found\n" }));
    expect(error).toBeInstanceOf(WrongHostError);
    expect(error).toMatchObject({ message: "this is not a Proxmox VE host: qm is not installed" });
  });

  test("another node's machine", async () => {
    const stderr = "Configuration file 'nodes/pve1/qemu-server/1001.conf' does not exist\n";
    expect(await failure(answered({ exitCode: 2, stderr }))).toBeInstanceOf(NotOnNodeError);
  });

  test("words that nobody foresaw are passed on", async () => {
    const error = await failure(answered({ exitCode: 25, stderr: "cluster not ready - no quorum?\n" }));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toContain("no quorum?");
  });
});

describe("a command that takes long", () => {
  const gaveUp: Answer = { stdout: '{\n   "pid" : 1234\n}\n', stderr: "timeout reached, returning pid\n" };
  const running: Answer = { stdout: pretty({ exited: 0 }) };
  const ended: Answer = { stdout: pretty({ exited: 1, exitcode: 4, "out-data": "done" }) };

  test("it is asked for by its number until it ends", async () => {
    const { exec, clock, asked, sleeps } = machine(gaveUp, running, running, ended);
    const result = await qmExec(exec, 1001, clock)({ ...ls, stdin: "x", timeoutMs: 300_000 });
    expect(result).toEqual({ exitCode: 4, stdout: "done", stderr: "" });
    expect(asked[0]?.argv).toContain("60");
    expect(asked[1]).toMatchObject({ argv: ["qm", "guest", "exec-status", "1001", "1234"], effect: "read" });
    expect(asked[1]?.stdin).toBeUndefined();
    expect(sleeps).toEqual([1_000, 1_000]);
  });

  test("an agent that is busy or frozen for a while is asked again", async () => {
    const busy: Answer = { exitCode: 255, stderr: "QEMU guest agent is not running\n" };
    const { exec, clock } = machine(gaveUp, busy, busy, ended);
    expect((await qmExec(exec, 1001, clock)(ls)).exitCode).toBe(4);
  });

  test("a machine that stopped meanwhile ends it", async () => {
    const stopped: Answer = { exitCode: 255, stderr: "VM 1001 is not running\n" };
    const { exec, clock, sleeps } = machine(gaveUp, stopped);
    expect(await failure(qmExec(exec, 1001, clock)(ls))).toBeInstanceOf(TransportError);
    expect(sleeps).toEqual([]);
  });

  test("when the time is up it is killed in the guest, and that is an error", async () => {
    const { exec, clock, asked } = machine(gaveUp, running);
    const error = await failure(qmExec(exec, 1001, clock)({ ...ls, timeoutMs: 3_000 }));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toBe("ls on vm/1001 did not end within 3 s");
    expect(clock.now()).toBe(3_000);
    expect(asked.at(-1)?.argv.slice(-3)).toEqual(["kill", "-KILL", "1234"]);
  });
});
