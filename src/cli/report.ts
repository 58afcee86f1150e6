/** How a failed call ends: a message and a hint, never a stack trace; a bug leaves its trace in a private file. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adviceOn, type ExitCode, exitCodes, PhoenixError } from "../errors.ts";
import { errorLines } from "../render/errors.ts";
import { documentText, errorDocument, type ShownError } from "../render/json.ts";
import { withoutSecrets } from "../secret-spans.ts";
import type { GlobalOptions } from "./options.ts";
import { viewOf } from "./output.ts";
import { type Terminal, writeLines } from "./terminal.ts";
import { version } from "./version.ts";

/** Reports an error. Returns the exit code. */
export async function report(
  error: unknown,
  terminal: Terminal,
  options: Pick<GlobalOptions, "output" | "color" | "full" | "jsonInto">,
): Promise<ExitCode> {
  const isExpected = error instanceof PhoenixError;
  const {
    name,
    message,
    hint = adviceOn(error),
    exitCode,
  } = isExpected ? error : await internal(error, terminal);
  const shown = { name, exitCode, ...terminal.redact({ message, hint }) };
  writeLines(terminal.stderr, errorLines(shown, viewOf(terminal.stderr, terminal, options)));
  const document = errorDocument(shown);
  if (options.output !== "text") terminal.print(documentText(document, options.output));
  if (options.jsonInto !== undefined) await intoFile(options.jsonInto, documentText(document, "json"));
  if (!isExpected && terminal.env.PHOENIX_DEBUG === "1")
    terminal.stderr.write(`${terminal.redact(stackOf(error))}\n`);
  return exitCode;
}

/** Replaces the document of an earlier run, which a reader could take for the document of this run. */
async function intoFile(path: string, text: string): Promise<void> {
  const { replaceFile } = await import("./json-file.ts");
  // That the file cannot be written may be the reported error itself.
  await replaceFile(path, text).catch(() => {});
}

async function internal(error: unknown, terminal: Terminal): Promise<ShownError> {
  const [first = ""] = stackOf(error).split("\n");
  return {
    name: "InternalError",
    // A library's error may quote the text that it was reading.
    message: withoutSecrets(`internal error: ${first}`),
    hint: `this is a bug in phoenix ${version}; please report it with ${await traceFile(error, terminal)}`,
    exitCode: exitCodes.error,
  };
}

/** The trace goes into a private directory, and contains no secret of the site. */
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
    await writeFile(path, withoutSecrets(terminal.redact(text.join("\n"))), { mode: 0o600, flag: "wx" });
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
