/** The process's edge as the commands see it: two outputs, one input, the environment. Nothing leaves with a secret in it. */
import { redactor, type Secret } from "../secret.ts";

/** One of the process's streams; writing to one that nobody reads any more does nothing. */
export interface RawOutput {
  write(text: string): void;
  readonly tty: boolean;
  /** Absent when it is no terminal. */
  readonly columns: number | undefined;
  readonly rows: number | undefined;
}

export interface RawInput {
  readonly tty: boolean;
  /** The next line without its end; undefined at the end of the input, or when `signal` is aborted. */
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
  /** From now on these secrets are replaced in everything that is written. */
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

function redacted(output: RawOutput, redact: (text: string) => string): RawOutput {
  return {
    write: (text) => output.write(redact(text)),
    tty: output.tty,
    get columns() {
      return output.columns;
    },
    get rows() {
      return output.rows;
    },
  };
}

/** Lines, each with its end. */
export function writeLines(output: RawOutput, lines: readonly string[]): void {
  if (lines.length > 0) output.write(`${lines.join("\n")}\n`);
}
