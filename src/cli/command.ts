/** What a command is: its words, its options, its help, and the function that it calls. */
import type { ExitCode } from "../errors.ts";
import type { Interruption } from "./interruption.ts";
import type { GlobalOptions, OptionDefinition } from "./options.ts";
import type { Terminal } from "./terminal.ts";

export interface CommandDefinition {
  /** "plan", "lab init". */
  readonly name: string;
  /** Its arguments as help shows them: "[component...]". */
  readonly arguments?: string;
  /** One line, an infinitive without a full stop. */
  readonly summary: string;
  /** More about it, for its own help; a function loads what it takes from elsewhere. */
  readonly description?: readonly string[] | (() => Promise<readonly string[]>);
  readonly options?: readonly OptionDefinition[];
  /** A command line and what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** Which exit codes it can end with, and what each means for it. */
  readonly exits: readonly (readonly [code: ExitCode, meaning: string])[];
  /** What its arguments can be, for completion. */
  readonly completes?: CompletionKind;
  /** Not shown in help. */
  readonly hidden?: true;
  readonly run: (call: Call) => Promise<ExitCode>;
}

export type CompletionKind = "targets" | "shells" | "schemas" | "codes" | "faults" | "directories";

/** One call of a command. */
export interface Call {
  readonly definition: CommandDefinition;
  readonly args: readonly string[];
  readonly options: GlobalOptions;
  /** The command's own options, by their long names in camel case. */
  readonly own: Readonly<Record<string, unknown>>;
  readonly terminal: Terminal;
  readonly interruption: Interruption;
}
