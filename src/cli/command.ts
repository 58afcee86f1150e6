/** What a command is: its words, its options, its help, and the function that it calls. */
import type { ExitCode, exitCodes } from "../errors.ts";
import type { OptionName } from "../option-names.ts";
import type { Interruption } from "./interruption.ts";
import type { GlobalOptions, OptionDefinition } from "./options.ts";
import type { Terminal } from "./terminal.ts";

export interface CommandDefinition {
  /** "plan", "lab init". */
  readonly name: string;
  /** Its arguments as help shows them: "[component...]". */
  readonly arguments?: string;
  /** One line, an imperative without a full stop. */
  readonly summary: string;
  /** More about it, for its own help; a function loads what it takes from elsewhere. */
  readonly description?: readonly string[] | (() => Promise<readonly string[]>);
  /** Options that only this command has. */
  readonly options?: readonly OptionDefinition[];
  /** The global options that matter most to it: its help shows them. */
  readonly uses?: readonly OptionName[];
  /** A command line and what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** The exit codes it can end with, each with a meaning where the general one does not say enough. */
  readonly exits: readonly (ExitName | readonly [ExitName, meaning: string])[];
  readonly completes?: ArgumentCandidates;
  /** Its text goes through the user's pager where it is longer than the terminal. */
  readonly isPaged?: true;
  readonly run: (call: Call) => Promise<ExitCode>;
}

export type ExitName = keyof typeof exitCodes;

/** What its arguments can be, for completion: a function gets the number of arguments that are already there. */
export type ArgumentCandidates =
  | "targets"
  | "directories"
  | ((position: number, world: ArgumentWorld) => readonly string[] | Promise<readonly string[]>);

/** What the candidates for an argument may depend on. */
export interface ArgumentWorld {
  /** The site and the lab that the line so far, the environment and the directory name. */
  siteOf(): Pick<GlobalOptions, "site" | "lab">;
}

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
