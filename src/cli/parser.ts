/** The command line, read by commander from the table of commands. */
import { Command, CommanderError, Option } from "commander";
import { UsageError } from "../errors.ts";
import { option } from "../option-names.ts";
import type { CommandDefinition } from "./command.ts";
import { commandHelp, overviewHelp } from "./help.ts";
import { globalOptions, type OptionDefinition } from "./options.ts";

export type Parsed =
  | {
      readonly kind: "call";
      readonly definition: CommandDefinition;
      readonly args: readonly string[];
      /** Every option that was given, the global ones too, by long names in camel case. */
      readonly found: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "help"; readonly text: string | Promise<string>; readonly asked: boolean }
  | { readonly kind: "version" };

/**
 * @param argv without the program's name
 * @throws UsageError
 */
export function parse(argv: readonly string[], definitions: readonly CommandDefinition[]): Parsed {
  if (argv[0] === "help") return parse(asHelp(argv.slice(1), definitions), definitions);
  if (argv[0] === "version") return { kind: "version" };
  const seen: Seen = { help: "" };
  const program = programOf(definitions, seen);
  const isVersion = () => program.opts().version === true;
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (isVersion()) return { kind: "version" };
    const asked = error.code === "commander.helpDisplayed";
    if (asked || error.code === "commander.help") return { kind: "help", text: seen.help, asked };
    throw usageError(error);
  }
  if (isVersion()) return { kind: "version" };
  return seen.call ?? { kind: "help", text: overviewHelp(definitions), asked: false };
}

/** What commander came across while it read a command line. */
interface Seen {
  call?: Parsed;
  help: string | Promise<string>;
}

function programOf(definitions: readonly CommandDefinition[], seen: Seen): Command {
  const prepared = (command: Command, text: () => Seen["help"]): Command => {
    const formatHelp = (): string => {
      seen.help = text();
      return "";
    };
    return command
      .exitOverride()
      .configureOutput({ writeOut: () => {}, writeErr: () => {} })
      .configureHelp({ formatHelp })
      .helpCommand(false)
      .helpOption(`-h, ${option.help}`);
  };
  const program = prepared(new Command("phoenix"), () => overviewHelp(definitions));
  for (const definition of globalOptions) program.addOption(optionOf(definition));
  program.option(`-V, ${option.version}`);
  const groups = new Map<string, Command>();
  for (const definition of definitions) {
    const [first = "", second] = definition.name.split(" ");
    let parent = program;
    if (second !== undefined) {
      parent = groups.get(first) ?? prepared(program.command(first), () => overviewHelp(definitions, first));
      groups.set(first, parent);
    }
    const command = prepared(parent.command(second ?? first), () => commandHelp(definition));
    // "certs" alone is a command, and the group of "certs renew" as well.
    if (second === undefined) groups.set(first, command);
    if (definition.arguments !== undefined) command.arguments(definition.arguments);
    for (const own of definition.options ?? []) command.addOption(optionOf(own));
    command.action(() => {
      seen.call = { kind: "call", definition, args: command.args, found: command.optsWithGlobals() };
    });
  }
  return program;
}

/** "phoenix help sync" means "phoenix sync --help". */
function asHelp(words: readonly string[], definitions: readonly CommandDefinition[]): readonly string[] {
  const [first = option.help] = words;
  const isKnown = first.startsWith("-") || definitions.some(({ name }) => name.split(" ")[0] === first);
  // Without --help an unknown command is refused, and the nearest one offered.
  return isKnown ? [...words, option.help] : words;
}

function optionOf({ flags, description, choices, repeatable }: OptionDefinition): Option {
  const option = new Option(flags, description);
  if (choices !== undefined) option.choices(choices);
  if (repeatable === true) {
    const check = option.parseArg as ((value: string, before: unknown) => unknown) | undefined;
    option.argParser<readonly string[]>((value, before) => {
      check?.(value, undefined);
      return [...(Array.isArray(before) ? before : []), value];
    });
  }
  return option;
}

/** "error: unknown command 'plna'\n(Did you mean plan?)" becomes a message and a hint. */
function usageError(error: CommanderError): UsageError {
  const [message = "", suggestion] = error.message.split("\n");
  const hint =
    suggestion === undefined
      ? `\`phoenix ${option.help}\` lists the commands and options`
      : suggestion.replace(/^\(D/, "d").replace(/\)$/, "");
  return new UsageError(message.replace(/^error: /, ""), { hint });
}
