/** What only this machine's `Exec` can be asked: process groups, interruption, limits, environment. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CommandError, InterruptedError, TransportError } from "../../src/errors.ts";
import type { Command } from "../../src/hosts/host.ts";
import { localExec } from "../../src/hosts/local.ts";
import { scriptArgv } from "../../src/hosts/script.ts";
import { createHost } from "../../src/hosts/script-host.ts";
import { writeFiles } from "../../src/hosts/scripts.ts";
import { bytesOf, textOf } from "../../src/hosts/text.ts";
import { failure, recorded } from "./recorded.ts";

const sh = (text: string, ...parameters: string[]): Command => ({
  argv: ["sh", "-c", text, "sh", ...parameters],
  effect: "read",
});
const exec = localExec(new AbortController().signal);
const made: string[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
  vi.unstubAllEnvs();
});
const temporary = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "phoenix-local-"));
  made.push(directory);
  return directory;
};
/** Whether a process runs, a zombie not counted. */
const lives = async (pid: string): Promise<boolean> =>
  (await exec(sh('grep -q "^State:.[^Z]" "/proc/$1/status"', pid))).exitCode === 0;

describe("ending", () => {
  test("a timeout ends the children as well", async () => {
    const directory = temporary();
    const error = await failure(
      exec({ ...sh('sleep 50 & echo $! >"$1/pid"; wait', directory), timeoutMs: 1_000 }),
    );
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toBe("sh on pve did not end within 1 s");
    const pid = (await exec({ argv: ["cat", join(directory, "pid")], effect: "read" })).stdout.trim();
    await vi.waitFor(async () => expect(await lives(pid)).toBe(false), { timeout: 10_000 });
  });

  test("one that ignores SIGTERM is killed a little later", async () => {
    const directory = temporary();
    await failure(
      exec({
        ...sh('trap "" TERM; echo $$ >"$1/pid"; while :; do sleep 0.1; done', directory),
        timeoutMs: 1_000,
      }),
    );
    const pid = (await exec({ argv: ["cat", join(directory, "pid")], effect: "read" })).stdout.trim();
    expect(await lives(pid)).toBe(true);
    await vi.waitFor(async () => expect(await lives(pid)).toBe(false), { timeout: 10_000, interval: 200 });
  });

  test("an interruption ends it at once, and nothing starts afterwards", async () => {
    const controller = new AbortController();
    const interruptible = localExec(controller.signal);
    const running = failure(interruptible({ argv: ["sleep", "50"], effect: "read" }));
    setTimeout(() => controller.abort(), 50);
    expect(await running).toBeInstanceOf(InterruptedError);
    expect(await failure(interruptible({ argv: ["true"], effect: "read" }))).toBeInstanceOf(InterruptedError);
  });

  test("a write that is interrupted leaves nothing behind", async () => {
    const directory = temporary();
    const controller = new AbortController();
    // Two files and content for one: the script waits for the other line until it is ended.
    const parameters = ["a", "b"].flatMap((name) => [join(directory, name), "", "", "0", ""]);
    const argv = ["sh", "-c", '(sleep 50) | "$@"', "sh", ...scriptArgv(writeFiles, ...parameters)];
    const running = failure(localExec(controller.signal)({ argv, effect: "change" }));
    await vi.waitFor(() => expect(readdirSync(directory)).toHaveLength(1), { timeout: 10_000 });
    controller.abort();
    expect(await running).toBeInstanceOf(InterruptedError);
    await vi.waitFor(() => expect(readdirSync(directory)).toEqual([]), { timeout: 10_000 });
  });
});

test("a command that never stops talking is ended", async () => {
  const error = await failure(exec({ argv: ["cat", "/dev/zero"], effect: "read" }));
  expect(error).toBeInstanceOf(TransportError);
  expect((error as Error).message).toContain("printed more than 32 MiB");
});

test("an argument that the kernel does not take is a transport error", async () => {
  const error = await failure(exec({ argv: ["true", "x".repeat(200_000)], effect: "read" }));
  expect(error).toBeInstanceOf(TransportError);
  expect((error as Error).message).toContain("cannot start");
});

test("a file that may not be executed gives 126", async () => {
  expect((await exec({ argv: ["/etc/passwd"], effect: "read" })).exitCode).toBe(126);
});

test("secrets in our environment do not come along; the way out and UTF-8 do", async () => {
  vi.stubEnv("PORTAINER_PASSWORD", "poison");
  vi.stubEnv("https_proxy", "http://proxy:3128");
  const { stdout } = await exec({ argv: ["env"], effect: "read" });
  expect(stdout).not.toContain("poison");
  expect(stdout).toContain("https_proxy=http://proxy:3128\n");
  expect(stdout).toContain("LC_ALL=C.UTF-8\n");
  expect(stdout).toMatch(/^PATH=.*\/usr\/sbin/m);
});

describe("errors of file operations", () => {
  const host = (exitCode: number, stderr: string) =>
    createHost("pve", recorded({ exitCode, stderr, stdout: "denied\n" }).exec);

  test.each([
    [
      83,
      "base64: write error: No space left on device\nfile 1\n",
      "cannot write /b on pve: its content cannot be written: base64: write error: No space left on device",
      "df -h",
    ],
    [81, "mktemp: failed: Read-only file system\nfile 0\n", "cannot write /etc/pve/a on pve", "read-only"],
    [81, "mktemp: failed: Permission denied\nfile 0\n", "cannot write /etc/pve/a on pve", "pvecm status"],
    [81, "mktemp: failed: Permission denied\nfile 1\n", "cannot write /b on pve", "as root"],
    [87, "file 0\n", "cannot write /etc/pve/a on pve: /etc/pve is not mounted", "pve-cluster"],
  ])("writing, %i %j", async (code, stderr, message, hint) => {
    const files = ["/etc/pve/a", "/b"].map((path) => ({ path, text: "poison" }));
    const error = await failure(host(code, stderr).writeFiles(files));
    expect(error).toBeInstanceOf(CommandError);
    expect((error as CommandError).message).toContain(message);
    expect((error as CommandError).message).not.toContain("poison");
    expect((error as CommandError).hint).toContain(hint);
  });

  test("reading without permission", async () => {
    const error = await failure(host(0, "/root/x: Permission denied\n").readFiles(["/root/x"]));
    expect(error).toBeInstanceOf(CommandError);
    expect((error as CommandError).message).toBe("cannot read /root/x on pve: /root/x: Permission denied");
  });

  test("an answer that broke off is an error, not an absent file", async () => {
    const cut = createHost("pve", recorded({ stdout: "absent\n" }).exec);
    const error = await failure(cut.readFiles(["/a", "/b"]));
    expect((error as Error).message).toBe("cannot read /b on pve: the answer is incomplete");
  });

  test("a relative path is a bug", async () => {
    await expect(createHost("pve", exec).readFiles(["etc/hosts"])).rejects.toThrow("not an absolute path");
  });
});

describe("writing", () => {
  test("what a killed run left behind goes, and nothing younger", async () => {
    const directory = temporary();
    const [old, young] = [join(directory, ".phx.aaaaaa"), join(directory, ".phx.bbbbbb")];
    await exec({ argv: ["touch", "-d", "10 minutes ago", old], effect: "change" });
    await exec({ argv: ["touch", young], effect: "change" });
    await createHost("pve", exec).writeFiles([{ path: join(directory, "file"), text: "x" }]);
    expect(readdirSync(directory).sort()).toEqual([".phx.bbbbbb", "file"]);
  });

  test("content that is not what was sent never gets into place", async () => {
    const directory = temporary();
    const path = join(directory, "file");
    const argv = scriptArgv(writeFiles, path, "", "", "0".repeat(64), "");
    const result = await exec({ argv, stdin: "eA==\n", effect: "change" });
    expect(result.exitCode).toBe(84);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("an unmounted /etc/pve is refused", async () => {
    if ((await exec({ argv: ["test", "-e", "/etc/pve/.version"], effect: "read" })).exitCode === 0) return;
    const argv = scriptArgv(writeFiles, "/etc/pve/firewall/phoenix-test.fw", "", "", "", "");
    expect((await exec({ argv, stdin: "\n", effect: "change" })).exitCode).toBe(87);
    expect((await exec({ argv: ["test", "-e", "/etc/pve/firewall"], effect: "read" })).exitCode).toBe(1);
  });
});

test("any bytes survive as text", () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const mixed = Buffer.concat([
    all,
    Buffer.from("é 世 \u{1F525} \ufffd"),
    all.subarray(0xc0),
    Buffer.from([0xe4]),
  ]);
  expect(bytesOf(textOf(mixed)).equals(mixed)).toBe(true);
});
