/** A hypervisor reached by the system's own OpenSSH, so that ~/.ssh/config, agents, jump hosts and host keys just work. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pLimit from "p-limit";
import { interrupted } from "./clock.ts";
import type { Exec } from "./host.ts";
import { commandEnvironment, localExec } from "./local.ts";
import type { ConnectResult, Network } from "./network.ts";
import { remoteLine, sshError, sshOptions, sshResult } from "./ssh-command.ts";
import { type SshForward, sshForward } from "./ssh-forward.ts";

/** Sessions on one connection: OpenSSH's server allows ten (MaxSessions), and others may use the same connection. */
const sessionLimit = 8;

/** How long the shared connection outlives its last session if Phoenix cannot close it, in seconds. */
const persistSeconds = 60;

/** A socket's path may have 104 bytes on some systems, and ssh adds 17 while it creates one. */
const longestDirectory = 70;

export interface Ssh {
  readonly exec: Exec;
  readonly forward: SshForward["route"];
  /** Opens a TCP connection from the hypervisor itself: behind a tunnel every connection seems to succeed. */
  readonly connect: Network["connect"];
  /** Opens a connection of its own to the target, and closes it. @throws TransportError */
  readonly reconnect: () => Promise<void>;
  close(): Promise<void>;
}

/** One shared connection to `target` ("root@pve", or a Host of ~/.ssh/config), opened when the first command runs. */
export function openSsh(target: string, signal: AbortSignal): Ssh {
  const local = localExec(signal);
  const limit = pLimit(sessionLimit);
  let directory: Promise<string> | undefined;
  let socket: Promise<string> | undefined;

  const open = async (): Promise<string> => {
    directory ??= mkdtemp(join(tmpdir().length > longestDirectory ? "/tmp" : tmpdir(), "phx-"));
    const path = join(await directory, "s");
    const shared = ["ControlMaster=yes", `ControlPath=${path}`, `ControlPersist=${persistSeconds}`];
    const options = [...sshOptions, ...shared.flatMap((option) => ["-o", option])];
    await startMaster(["ssh", ...options, "--", target, "true"], target, signal);
    return path;
  };
  const ready = (): Promise<string> => (socket ??= open());
  const argvOn = (path: string, ...more: readonly string[]): readonly string[] => [
    "ssh",
    ...sshOptions,
    ...["-o", "ControlMaster=no", "-o", `ControlPath=${path}`],
    ...more,
  ];

  const exec: Exec = async (command) => {
    const path = await ready();
    const result = await limit(() =>
      local({ ...command, argv: argvOn(path, "--", target, remoteLine(command)) }),
    );
    return sshResult("pve", target, result);
  };
  let forward: SshForward | undefined;

  return {
    exec,
    forward: async (to) => {
      const path = await ready();
      forward ??= sshForward(dirname(path), async (near, address, port) => {
        const argv = argvOn(path, "-O", "forward", "-L", `${near}:${address}:${port}`, "--", target);
        const { exitCode, stderr } = await local({ argv, effect: "read" });
        if (exitCode !== 0) throw sshError("pve", target, stderr);
      });
      return forward.route(to);
    },
    connect: (address, port, timeoutMs) => connectFrom(exec, address, port, timeoutMs),
    reconnect: () => connectAnew(local, target),
    close: async () => {
      await forward?.close();
      if (directory === undefined) return;
      const path = await socket?.catch(() => undefined);
      if (path !== undefined) {
        const unsignalled = localExec(new AbortController().signal);
        await unsignalled({
          argv: argvOn(path, "-O", "exit", "--", target),
          effect: "read",
          timeoutMs: 5_000,
        }).catch(() => {});
      }
      await rm(await directory, { recursive: true, force: true });
    },
  };
}

/** How long a connection of its own may take, with jump hosts and keys, in milliseconds. */
const reconnectMs = 10_000;

async function connectAnew(local: Exec, target: string): Promise<void> {
  // Of an option that is given twice, ssh takes the first.
  const options = ["ConnectTimeout=3", "ControlMaster=no", "ControlPath=none"];
  const argv = ["ssh", ...options.flatMap((option) => ["-o", option]), ...sshOptions, "--", target, "true"];
  const { exitCode, stderr } = await local({ argv, effect: "read", timeoutMs: reconnectMs });
  if (exitCode !== 0) throw sshError("pve", target, stderr);
}

/** How long the last output of an ended ssh may take to arrive, in milliseconds. */
const lastOutputMs = 500;

/**
 * Resolves when the connection is open. Waits for the process to end, not for its outputs to close: the connection in the
 * background may keep them open (OpenSSH before 8.5).
 */
function startMaster(argv: readonly string[], target: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(interrupted());
    const [program = "ssh", ...args] = argv;
    const child = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
      env: commandEnvironment(),
    });
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const onAbort = (): void => {
      child.kill();
      reject(interrupted());
    };
    const fail = (): void => {
      child.stderr.destroy();
      reject(sshError("pve", target, output));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    child.on("error", (error) => reject(sshError("pve", target, error.message)));
    child.on("exit", (code) => {
      signal.removeEventListener("abort", onAbort);
      if (code !== 0) {
        const timer = setTimeout(fail, lastOutputMs);
        child.on("close", () => {
          clearTimeout(timer);
          fail();
        });
        return;
      }
      child.stderr.destroy();
      resolve();
    });
  });
}

/** How long a connection may take to open unless given. Milliseconds. */
const connectMs = 3_000;

async function connectFrom(
  exec: Exec,
  address: string,
  port: number,
  timeoutMs = connectMs,
): Promise<ConnectResult> {
  const { exitCode, stderr } = await exec({
    argv: [
      ...["timeout", String(timeoutMs / 1000), "bash", "-c", 'exec 3<>"/dev/tcp/$0/$1"'],
      ...[address, String(port)],
    ],
    effect: "read",
  });
  if (exitCode === 0) return { ok: true };
  if (exitCode === 124) return { ok: false, reason: "timeout" };
  return { ok: false, reason: /refused/i.test(stderr) ? "refused" : "unreachable" };
}
