/** The process's edge as the commands see it: two outputs, one input, the environment. Secrets are redacted in all output. */
import { redactor, type Secret } from "../secret.ts";

/** One of the process's streams; writing to a stream that was closed does nothing. */
export interface RawOutput {
  write(text: string): void;
  readonly tty: boolean;
  /** Undefined when it is not a terminal. */
  readonly columns: number | undefined;
  readonly rows: number | undefined;
}

export interface RawInput {
  readonly tty: boolean;
  /** The next line without its line end; undefined at the end of the input, or when `signal` is aborted. */
  readLine(signal: AbortSignal): Promise<string | undefined>;
}

export interface Edge {
  readonly stdout: RawOutput;
  readonly stderr: RawOutput;
  readonly stdin: RawInput;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory that relative paths start from. */
  readonly directory: string;
}

export interface Terminal extends Edge {
  /** From now on these secrets are redacted in all output. */
  conceal(secrets: readonly Secret[]): void;
  redact(text: string): string;
}

export function openTerminal(edge: Edge): Terminal {
  let clean: (text: string) => string = (text) => text;
  const known: Secret[] = [];
  const redact = (text: string): string => clean(text);
  return {
    ...edge,
    stdout: redacted(edge.stdout, redact),
    stderr: redacted(edge.stderr, redact),
    conceal: (secrets) => {
      known.push(...secrets);
      clean = redactor(known);
    },
    redact,
  };
}

/** The same output, whose size may still change, with redacted text. */
function redacted(output: RawOutput, redact: (text: string) => string): RawOutput {
  return Object.create(output, { write: { value: (text: string) => output.write(redact(text)) } });
}

/** Writes lines, each with a line end. */
export function writeLines(output: RawOutput, lines: readonly string[]): void {
  if (lines.length > 0) output.write(`${lines.join("\n")}\n`);
}
