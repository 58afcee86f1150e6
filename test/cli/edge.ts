/** Calling phoenix from tests: in this process with streams that remember, or the built program as a user would start it. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { runCommandLine } from "../../src/cli/cli.ts";
import { Interruption } from "../../src/cli/interruption.ts";
import type { RawOutput } from "../../src/cli/terminal.ts";

const program = join(import.meta.dirname, "../../bin/phoenix");

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls phoenix in this process: an empty environment, and no terminal unless there is an answer to its question. */
export async function call(
  argv: readonly string[],
  env: Record<string, string> = {},
  answer?: () => Promise<string>,
  directory = "/",
): Promise<Said> {
  const said = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr"): RawOutput => ({
    write: (text) => {
      said[name] += text;
    },
    tty: false,
    columns: undefined,
    rows: undefined,
  });
  const edge = {
    stdout: output("stdout"),
    stderr: output("stderr"),
    stdin: { tty: answer !== undefined, readLine: async () => answer?.() },
    env,
    directory,
  };
  const code = await runCommandLine(argv, edge, new Interruption());
  return { code, ...said };
}

export interface StartOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** Called once, when the program has been started. */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void;
  /** Called with everything written to standard error so far, each time something is. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Starts the built program and waits for its end. */
export function start(argv: readonly string[], options: StartOptions = {}): Promise<Said> {
  const { PHOENIX_SITE: _, PHOENIX_LAB: __, NO_COLOR: ___, FORCE_COLOR: ____, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...argv], {
      env: { ...env, ...options.env },
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
    });
    options.onStart?.((signal) => child.kill(signal));
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
      options.onStderr?.(stderr, (signal) => child.kill(signal));
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
