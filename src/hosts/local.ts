/** Running commands on this machine. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { setMaxListeners } from "node:events";
import { constants } from "node:os";
import { messageOf, TransportError } from "../errors.ts";
import { interrupted } from "./clock.ts";
import { programOf } from "./command-error.ts";
import { TooMuchOutputError, timedOut } from "./command-limits.ts";
import { type Command, type CommandResult, defaultTimeoutMs, type Exec } from "./host.ts";

/** Larger than any answer that Phoenix reads; guards against endless output. Bytes of both streams together. */
const outputLimit = 32 * 1024 * 1024;

/** How long a command may take to end after SIGTERM, in milliseconds. */
const graceMs = 2_000;

/**
 * The variables that a command inherits from our environment. Others may contain secrets (`env:NAME` references). apt and
 * docker need the proxies.
 */
const inherited = [
  "HOME",
  "USER",
  "LOGNAME",
  "TMPDIR",
  "SSH_AUTH_SOCK",
  "XDG_RUNTIME_DIR",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
];

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * An `Exec` on this machine. Each command leads its own process group, so that its children end with it.
 * @param target the name of this machine in errors
 */
export function localExec(signal: AbortSignal, target = "pve"): Exec {
  // Every running command listens; Node takes more than ten listeners for a leak, and says so on standard error.
  setMaxListeners(0, signal);
  return (command) => new Run(command, signal, target).result;
}

/** The environment that commands run in: UTF-8 without a country, since `pct` decodes its arguments by the locale. */
export function commandEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { LC_ALL: "C.UTF-8" };
  for (const name of inherited) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  const own = process.env.PATH;
  environment.PATH = own === undefined || own === "" ? systemPath : `${own}:${systemPath}`;
  return environment;
}

class Run {
  readonly result: Promise<CommandResult>;
  readonly #command: Command;
  readonly #target: string;
  #bytes = 0;

  constructor(command: Command, signal: AbortSignal, target: string) {
    this.#command = command;
    this.#target = target;
    this.result = new Promise((resolve, reject) => {
      if (signal.aborted) return reject(interrupted());
      const [program, ...args] = command.argv;
      if (program === undefined) throw new Error("a command without a program");
      const child = this.#spawn(program, args);
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const stop = (error: Error): void => {
        end();
        killGroup(child);
        reject(error);
      };
      const onAbort = (): void => stop(interrupted());
      const timeoutMs = command.timeoutMs ?? defaultTimeoutMs;
      const timer = setTimeout(() => stop(timedOut(target, programOf(command.argv), command)), timeoutMs);
      signal.addEventListener("abort", onAbort, { once: true });

      const stdout = this.#collect(child.stdout, stop);
      const stderr = this.#collect(child.stderr, stop);
      child.on("error", (error: NodeJS.ErrnoException) => {
        end();
        const exitCode = error.code === "ENOENT" ? 127 : error.code === "EACCES" ? 126 : undefined;
        if (exitCode === undefined) reject(this.#error(`cannot start: ${error.message}`));
        else resolve({ exitCode, stdout: "", stderr: `${program}: ${startFailures[exitCode]}\n` });
      });
      child.on("close", (code, by) => {
        end();
        const exitCode = code ?? 128 + (by === null ? 0 : constants.signals[by]);
        resolve({
          exitCode,
          stdout: Buffer.concat(stdout).toString("utf8"),
          stderr: Buffer.concat(stderr).toString("utf8"),
        });
      });
      // A command may end without reading its input.
      child.stdin.on("error", () => {});
      child.stdin.end(command.stdin ?? "");
    });
  }

  #spawn(program: string, args: readonly string[]): ChildProcessWithoutNullStreams {
    try {
      return spawn(program, args, { cwd: "/", detached: true, env: commandEnvironment() });
    } catch (error) {
      // E2BIG comes this way: one argument takes at most 128 KiB on Linux.
      throw this.#error(`cannot start: ${messageOf(error)}`);
    }
  }

  #collect(stream: NodeJS.ReadableStream, stop: (error: Error) => void): Buffer[] {
    const chunks: Buffer[] = [];
    const tooMuch = this.#describe(`printed more than ${outputLimit / 1024 / 1024} MiB`);
    stream.on("data", (chunk: Buffer) => {
      this.#bytes += chunk.length;
      if (this.#bytes <= outputLimit) chunks.push(chunk);
      else stop(new TooMuchOutputError(this.#target, tooMuch));
    });
    return chunks;
  }

  #error(what: string): TransportError {
    return new TransportError(this.#target, this.#describe(what));
  }

  #describe(what: string): string {
    return `${programOf(this.#command.argv)} on ${this.#target} ${what}`;
  }
}

const startFailures: Readonly<Record<number, string>> = {
  126: "permission denied",
  127: "command not found",
};

/** Asks the command and its children to end, and kills what is left a little later. */
function killGroup(child: ChildProcessWithoutNullStreams): void {
  const { pid } = child;
  child.stdout.destroy();
  child.stderr.destroy();
  child.stdin.destroy();
  if (pid === undefined) return;
  signalGroup(pid, "SIGTERM");
  setTimeout(() => signalGroup(pid, "SIGKILL"), graceMs).unref();
}

function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended already.
  }
}
