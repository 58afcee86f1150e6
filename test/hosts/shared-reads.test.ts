/** Reads that several ask for at the same time. */
import { describe, expect, test } from "vitest";
import type { Command, CommandResult, Exec } from "../../src/hosts/host.ts";
import type { Network } from "../../src/hosts/network.ts";
import { sharedReads } from "../../src/hosts/shared-reads.ts";

/** Commands that end when the test says so, each with its number as its answer. */
class Commands {
  readonly ends: ((fails?: Error) => void)[] = [];
  readonly exec: Exec = () =>
    new Promise<CommandResult>((resolve, reject) => {
      const stdout = String(this.ends.length);
      this.ends.push((fails) =>
        fails === undefined ? resolve({ exitCode: 0, stdout, stderr: "" }) : reject(fails),
      );
    });
}

const read: Command = { argv: ["cat", "/etc/hosts"], effect: "read" };
const change: Command = { argv: ["touch", "/etc/hosts"], effect: "change" };
const said = async (result: Promise<CommandResult>): Promise<string> => (await result).stdout;

function shared() {
  const commands = new Commands();
  const decorator = sharedReads();
  return {
    commands,
    decorator,
    pve: decorator.exec(commands.exec, "pve"),
    other: decorator.exec(commands.exec, "lxc/101"),
  };
}

describe("shared reads", () => {
  test("whoever asks while the same is asked gets the one answer; who asks later asks anew", async () => {
    const { commands, pve } = shared();
    const both = [pve(read), pve(read)];
    expect(commands.ends).toHaveLength(1);
    commands.ends[0]?.();
    expect(await Promise.all(both.map(said))).toEqual(["0", "0"]);
    const later = pve(read);
    commands.ends[1]?.();
    expect(await said(later)).toBe("1");
  });

  test("another host, other input and another patience are other questions", () => {
    const { commands, pve, other } = shared();
    void pve(read);
    void other(read);
    void pve({ ...read, stdin: "x" });
    void pve({ ...read, timeoutMs: 1 });
    expect(commands.ends).toHaveLength(4);
  });

  test("a failure is everybody's, and is not remembered", async () => {
    const { commands, pve } = shared();
    const both = [pve(read), pve(read)];
    commands.ends[0]?.(new Error("gone"));
    for (const one of both) await expect(one).rejects.toThrow("gone");
    void pve(read);
    expect(commands.ends).toHaveLength(2);
  });

  test("nobody who asks during or after a change gets what began before it", async () => {
    const { commands, pve, other } = shared();
    void pve(read);
    const changing = other(change);
    void pve(read);
    expect(commands.ends).toHaveLength(3);
    commands.ends[1]?.();
    await changing;
    void pve(read);
    expect(commands.ends).toHaveLength(4);
  });

  test("a request that changes something counts as a change; changes are never shared", async () => {
    const { commands, decorator, pve } = shared();
    const answer = { status: 204, headers: {}, text: "" };
    const network = decorator.network({ request: async () => answer } as unknown as Network);
    void pve(read);
    await network.request({ method: "PUT", url: "http://10.0.0.1/", effect: "change" });
    void pve(read);
    await network.request({ method: "GET", url: "http://10.0.0.1/", effect: "read" });
    void pve(read);
    expect(commands.ends).toHaveLength(2);
    void pve(change);
    void pve(change);
    expect(commands.ends).toHaveLength(4);
  });
});
