/** Reads of a guest that go together: real commands in a real shell, asked at once and one by one. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CommandError, TransportError } from "../../src/errors.ts";
import { TimedOutError, TooMuchOutputError } from "../../src/hosts/command-limits.ts";
import { gatheredReads } from "../../src/hosts/gathered.ts";
import type { Command, Exec } from "../../src/hosts/host.ts";
import { localExec } from "../../src/hosts/local.ts";
import { scriptOf } from "../../src/hosts/script.ts";
import { createHost } from "../../src/hosts/script-host.ts";
import { hostContract } from "../contract/host.ts";

const local = localExec(new AbortController().signal);
const read = (...argv: readonly string[]): Command => ({ argv, effect: "read" });
const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true });
});
const temporary = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "phoenix-gathered-"));
  made.push(directory);
  return directory;
};

/** An `Exec` with gathered reads over `inner`, and the commands that came through. */
function gathered(inner: Exec = local): { exec: Exec; asked: Command[] } {
  const asked: Command[] = [];
  const exec = gatheredReads().exec((command) => {
    asked.push(command);
    return inner(command);
  }, "vm/1001");
  return { exec, asked };
}

hostContract(
  "gathered reads",
  async () => ({ host: createHost("vm/1001", gathered().exec), directory: temporary() }),
  { root: process.getuid?.() === 0 },
);

const awkward: readonly Command[] = [
  read("printf", "two\nlines\n"),
  read("printf", "no line feed"),
  read("true"),
  read("sh", "-c", 'echo out; echo "its complaint" >&2; exit 3'),
  read("sh", "-c", "printf '\\n\\n'; exit 255"),
  read("no-such-program", "--flag"),
  read("echo", "$HOME `id` $(id)", "'", '"', "\\", "*", "", "a  b"),
  read("echo", ..."abcdefghijklmnopqrstuvwxyz"),
  read("cat"),
  read("head", "-c", "200000", "/dev/zero"),
  read("printf", "\\303\\244"),
];

const shells = ["dash", "bash", "busybox"].filter(
  (shell) => spawnSync(shell, ["--help"]).error === undefined,
);

describe.each(shells)("in %s", (shell) => {
  const within: Exec = (command) => {
    if (scriptOf(command.argv) === undefined) return local(command);
    if (shell !== "busybox") return local({ ...command, argv: [shell, ...command.argv.slice(1)] });
    const tools = temporary();
    const program = execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim();
    for (const tool of ["sh", "base64", "tr", "printf", "true", "cat", "head", "echo"])
      symlinkSync(program, join(tools, tool));
    return local({ ...command, argv: [join(tools, "sh"), ...command.argv.slice(1)] });
  };

  test("what is asked at once is one command, and answers as each would alone", async () => {
    const { exec, asked } = gathered(within);
    const together = await Promise.all(awkward.map((command) => exec(command)));
    expect(asked).toHaveLength(1);
    const alone = await Promise.all(awkward.map((command) => local(command)));
    const shown = together.map((result, at) => ({ argv: awkward[at]?.argv, ...result }));
    expect(shown).toEqual(
      // The words for a program that is missing are the shell's; its exit code is the same.
      alone.map((result, at) => ({
        argv: awkward[at]?.argv,
        ...result,
        ...(result.exitCode === 127 ? { stderr: expect.stringContaining("no-such-program") } : {}),
      })),
    );
  });
});

describe("gathered reads", () => {
  test("one alone goes as it is; later ones go in a later trip", async () => {
    const { exec, asked } = gathered();
    expect((await exec(read("echo", "1"))).stdout).toBe("1\n");
    await exec(read("echo", "2"));
    expect(asked.map(({ argv }) => argv)).toEqual([
      ["echo", "1"],
      ["echo", "2"],
    ]);
  });

  test("changes, input, own time limits and long arguments go alone", async () => {
    const { exec, asked } = gathered();
    await Promise.all([
      exec({ argv: ["true"], effect: "change" }),
      exec({ argv: ["cat"], effect: "read", stdin: "x" }),
      exec({ argv: ["true"], effect: "read", timeoutMs: 5_000 }),
      exec(read("echo", "x".repeat(40_000))),
    ]);
    expect(asked).toHaveLength(4);
    expect(asked.every(({ argv }) => scriptOf(argv) === undefined)).toBe(true);
  });

  test("the hypervisor's own commands are left as they are", async () => {
    const decorator = gatheredReads();
    expect(decorator.exec(local, "pve")).toBe(local);
  });

  test("each guest has trips of its own", async () => {
    const decorator = gatheredReads();
    const asked: string[] = [];
    const on = (name: "lxc/1" | "lxc/2"): Exec =>
      decorator.exec((command) => {
        asked.push(name);
        return local(command);
      }, name);
    const [one, two] = [on("lxc/1"), on("lxc/2")];
    await Promise.all([one(read("true")), two(read("true")), one(read("false"))]);
    expect(asked.sort()).toEqual(["lxc/1", "lxc/2"]);
  });

  const failing = (error: Error): ReturnType<typeof gathered> =>
    gathered((command) => (scriptOf(command.argv) === undefined ? local(command) : Promise.reject(error)));

  test.each([
    ["one that hangs", new TimedOutError("vm/1001", "gather did not end within 10 s")],
    ["one that talks too much", new TooMuchOutputError("pve", "pct on pve printed more than 32 MiB")],
    ["one that cannot be asked", new CommandError("vm/1001", 126, "an argument is not ASCII")],
  ])("%s does not keep the others from their answers", async (_, error) => {
    const { exec, asked } = failing(error);
    const results = await Promise.all([exec(read("echo", "1")), exec(read("echo", "2"))]);
    expect(results.map(({ stdout }) => stdout)).toEqual(["1\n", "2\n"]);
    expect(asked).toHaveLength(3);
  });

  test("a guest that is down says so to all, after one try", async () => {
    const { exec, asked } = failing(new TransportError("vm/1001", "vm/1001 is not running"));
    const results = await Promise.allSettled([exec(read("echo", "1")), exec(read("echo", "2"))]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(asked).toHaveLength(1);
  });

  test("a guest without the tools is asked one by one", async () => {
    const { exec, asked } = gathered((command) =>
      scriptOf(command.argv) === undefined
        ? local(command)
        : Promise.resolve({ exitCode: 0, stdout: " \n \n", stderr: "sh: base64: not found" }),
    );
    const results = await Promise.all([exec(read("echo", "1")), exec(read("echo", "2"))]);
    expect(results.map(({ stdout }) => stdout)).toEqual(["1\n", "2\n"]);
    expect(asked).toHaveLength(3);
  });
});
