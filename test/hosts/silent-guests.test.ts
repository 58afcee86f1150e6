/** A guest that hangs: after the first command that does not end, the next ones ask first, once for all of them. */
import { expect, test } from "vitest";
import { timedOut } from "../../src/hosts/command-limits.ts";
import type { Command } from "../../src/hosts/host.ts";
import { askedFirst } from "../../src/hosts/silent-guests.ts";

const ls: Command = { argv: ["ls"], effect: "read" };

function guest() {
  const seen: string[] = [];
  const state = { hangs: true, seen };
  const exec = askedFirst("lxc/101", async (command) => {
    seen.push(command.argv.join(" "));
    if (state.hangs) throw timedOut("lxc/101", "pct", command);
    return { exitCode: 0, stdout: "", stderr: "" };
  });
  return { state, exec };
}

test("only the first command waits for its whole time; the next ones are not started while nothing answers", async () => {
  const { state, exec } = guest();
  await expect(exec(ls)).rejects.toThrow("did not end within 30 s");
  await Promise.all([1, 2].map(() => expect(exec(ls)).rejects.toThrow(/lxc\/101 does not answer/)));
  expect(state.seen).toEqual(["ls", "true"]);
});

test("a guest that answers again runs commands as before", async () => {
  const { state, exec } = guest();
  await expect(exec(ls)).rejects.toThrow();
  state.hangs = false;
  await exec(ls);
  await exec(ls);
  expect(state.seen).toEqual(["ls", "true", "ls", "ls"]);
});

test("a command that fails in another way is no reason to ask", async () => {
  const seen: string[] = [];
  const exec = askedFirst("vm/201", async ({ argv }) => {
    seen.push(argv.join(" "));
    throw new Error("not running");
  });
  await expect(exec(ls)).rejects.toThrow("not running");
  await expect(exec(ls)).rejects.toThrow("not running");
  expect(seen).toEqual(["ls", "ls"]);
});
