/** The process's edge: arguments, signals, standard streams, the exit code. The only process.exit is here. */
import type { Interruption } from "./cli/interruption.ts";
import type { Edge, RawOutput } from "./cli/terminal.ts";

/** How long a run that was stopped may take to close what it opened, in milliseconds. */
const graceMs = 6_000;

void main(process.argv.slice(2)).then(async (exitCode) => {
  await drained(process.stdout);
  await drained(process.stderr);
  process.exit(exitCode);
});

async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    // Nothing else is loaded for it: scripts ask often.
    const { version } = await import("./cli/version.ts");
    process.stdout.write(`phoenix ${version}\n`);
    return 0;
  }
  const [{ Interruption }, { exitCodes }] = await Promise.all([
    import("./cli/interruption.ts"),
    import("./errors.ts"),
  ]);
  const interruption = new Interruption();
  // Node would end at the first signal; while a firewall is being changed that is the worst moment.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      if (signal !== "SIGINT" || interruption.hasKeyboard) onSignal(interruption, exitCodes.interrupted);
    });
  const { runCommandLine } = await import("./cli/cli.ts");
  return runCommandLine(argv, edge(), interruption);
}

function onSignal(interruption: Interruption, exitCode: number): void {
  if (interruption.now.aborted) {
    process.stderr.write("Interrupted again: ended at once. The next run finds out what was done.\n");
    process.exit(exitCode);
  }
  interruption.interrupt("signal");
  if (interruption.now.aborted) setTimeout(() => process.exit(exitCode), graceMs).unref();
}

function edge(): Edge {
  return {
    stdout: rawOutput(process.stdout),
    stderr: rawOutput(process.stderr),
    stdin: {
      // Opened on demand: it costs a start several milliseconds.
      get tty() {
        return process.stdin.isTTY === true;
      },
      readLine,
    },
    env: process.env,
    page: async (...call) => (await import("./cli/pager.ts")).pageOnTerminal(...call),
    directory: process.cwd(),
  };
}

/** A reader that closed the pipe (`phoenix plan | head`) must not end a run: later output is dropped. */
function rawOutput(stream: NodeJS.WriteStream): RawOutput {
  let gone = false;
  stream.on("error", () => {
    gone = true;
  });
  return {
    write: (text) => {
      if (!gone) stream.write(text);
    },
    tty: stream.isTTY === true,
    get columns() {
      return sizeOf(stream, "columns");
    },
    get rows() {
      return sizeOf(stream, "rows");
    },
  };
}

/** A terminal without a size reports 0, as in `docker run -t` and under expect: its size is unknown. */
function sizeOf(stream: NodeJS.WriteStream, side: "columns" | "rows"): number | undefined {
  return stream.isTTY && stream[side] > 0 ? stream[side] : undefined;
}

async function readLine(signal: AbortSignal): Promise<string | undefined> {
  // Loaded on demand: few calls ask a question, and every call would pay.
  const { createInterface } = await import("node:readline");
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin, signal });
    lines.once("line", (line) => {
      resolve(line);
      lines.close();
    });
    lines.once("close", () => resolve(undefined));
  });
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write("", () => resolve());
  });
}
