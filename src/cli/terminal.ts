/** The process's edge as the commands see it: two outputs, one input, the environment. Secrets are redacted in all output. */
import { type Redact, redacted, redactor } from "../redaction.ts";
import type { Secret } from "../secret.ts";
import { withoutSecretLooks } from "../secret-spans.ts";

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

/** Shows text with the user's pager; false when that did not start, and the text is to be written instead. */
export type Pager = (
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
) => Promise<boolean>;

export interface Edge {
  readonly stdout: RawOutput;
  readonly stderr: RawOutput;
  readonly stdin: RawInput;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory that relative paths start from. */
  readonly directory: string;
  /** Absent where nobody reads along. */
  readonly page?: Pager;
}

export interface Terminal extends Edge {
  /** From now on these secrets are redacted in all output. */
  conceal(secrets: readonly Secret[]): void;
  /**
   * A text, or a value with every text in it, without these secrets and without what looks like one. Values are redacted before they
   * are rendered; what is written to the outputs passes a second, coarser net.
   */
  redact<T>(value: T): T;
  /** Writes a document to standard output whose values were redacted before it was serialized. */
  print(document: string): void;
}

export function openTerminal(edge: Edge): Terminal {
  const { page } = edge;
  let clean: Redact = withoutSecretLooks;
  let net: Redact = (text) => text;
  const known: Secret[] = [];
  return {
    ...edge,
    stdout: netted(edge.stdout, (text) => net(text)),
    stderr: netted(edge.stderr, (text) => net(text)),
    ...(page === undefined ? {} : { page: (text, env, signal) => page(net(text), env, signal) }),
    conceal: (secrets) => {
      known.push(...secrets);
      const byValue = redactor(known);
      clean = (text) => withoutSecretLooks(byValue(text));
      net = byValue.distinctive;
    },
    redact: (value) => redacted(value, clean),
    print: (document) => edge.stdout.write(document),
  };
}

/** The same output, whose size may still change, with redacted text. */
function netted(output: RawOutput, redact: Redact): RawOutput {
  return Object.create(output, { write: { value: (text: string) => output.write(redact(text)) } });
}

/** Writes lines, each with a line end. */
export function writeLines(output: RawOutput, lines: readonly string[]): void {
  if (lines.length > 0) output.write(`${lines.join("\n")}\n`);
}
