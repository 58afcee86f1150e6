/** How a failed call ends: what went wrong and what to do, never a stack trace; a bug leaves its trace in a private file. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adviceOn, type ExitCode, exitCodes, PhoenixError } from "../errors.ts";
import { errorLines } from "../render/errors.ts";
import { documentText, errorDocument } from "../render/json.ts";
import type { GlobalOptions } from "./options.ts";
import { viewOf } from "./output.ts";
import { type Terminal, writeLines } from "./terminal.ts";
import { version } from "./version.ts";

/** Says what went wrong. Returns the exit code. */
export async function report(
  error: unknown,
  terminal: Terminal,
  options: Pick<GlobalOptions, "output" | "color" | "full" | "jsonInto">,
): Promise<ExitCode> {
  const told = error instanceof PhoenixError ? error : await internal(error, terminal);
  const { name, message, exitCode } = told;
  const hint = error instanceof PhoenixError ? adviceOn(error) : told.hint;
  writeLines(terminal.stderr, errorLines({ message, hint }, viewOf(terminal.stderr, terminal, options)));
  const document = errorDocument({ name, message, hint, exitCode });
  if (options.output !== "text") terminal.stdout.write(documentText(document, options.output));
  if (options.jsonInto !== undefined)
    await intoFile(options.jsonInto, terminal.redact(documentText(document, "json")));
  if (!(error instanceof PhoenixError) && terminal.env.PHOENIX_DEBUG === "1")
    terminal.stderr.write(`${stackOf(error)}\n`);
  return exitCode;
}

/** A reader of the file must not take the document of an earlier run for this one's. */
async function intoFile(path: string, text: string): Promise<void> {
  const { replaceFile } = await import("./json-file.ts");
  // That it cannot be written may be the very error that was told.
  await replaceFile(path, text).catch(() => {});
}

interface Told {
  readonly name: string;
  readonly message: string;
  readonly hint: string;
  readonly exitCode: ExitCode;
}

async function internal(error: unknown, terminal: Terminal): Promise<Told> {
  const [first = ""] = stackOf(error).split("\n");
  return {
    name: "InternalError",
    message: `internal error: ${first}`,
    hint: `this is a bug in phoenix ${version}; please report it with ${await traceFile(error, terminal)}`,
    exitCode: exitCodes.error,
  };
}

/** The trace goes into a directory of its own that nobody else may enter, and holds no secret of the site. */
async function traceFile(error: unknown, terminal: Terminal): Promise<string> {
  const text = [
    `phoenix ${version}`,
    `node ${process.version}`,
    new Date().toISOString(),
    stackOf(error),
    "",
  ];
  try {
    const path = join(await mkdtemp(join(tmpdir(), "phoenix-trace-")), "trace.txt");
    await writeFile(path, terminal.redact(text.join("\n")), { mode: 0o600, flag: "wx" });
    return path;
  } catch {
    return "the output of the same command with PHOENIX_DEBUG=1";
  }
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? `${error.name}: ${error.message}`}${cause}`;
}
