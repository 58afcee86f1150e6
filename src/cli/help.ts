/** Help: examples first, then options, then exit codes. */
import { exitCodes } from "../errors.ts";
import { option } from "../option-names.ts";
import { wrap } from "../render/layout.ts";
import type { CommandDefinition, ExitName } from "./command.ts";
import { globalOptions, longName, type OptionDefinition } from "./options.ts";

const optionColumn = 28;
const helpWidth = 110;

export async function commandHelp(definition: CommandDefinition): Promise<string> {
  const { summary, examples, exits } = definition;
  const shown = optionsOf(definition);
  return sections([
    [`Usage: phoenix ${titleOf(definition)} [options]`],
    [sentence(summary), ...(await descriptionOf(definition))],
    ["Examples:", ...examples.flatMap(([line, what]) => [`  ${line}`, `      ${what}`])],
    shown.length === 0 ? [] : ["Options:", ...shown.flatMap(optionLines)],
    [`Global options: \`phoenix ${option.help}\``],
    exitLines(exits),
  ]);
}

/** The options that its help shows: its own, and the global ones that matter most to it. */
export function optionsOf({ options = [], uses = [] }: CommandDefinition): readonly OptionDefinition[] {
  const used = globalOptions.filter(({ flags }) => uses.some((name) => option[name] === longName(flags)));
  return [...options, ...used];
}

export async function descriptionOf({ description = [] }: CommandDefinition): Promise<readonly string[]> {
  return typeof description === "function" ? await description() : description;
}

/** A summary as a sentence. */
export function sentence(summary: string): string {
  return `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`;
}

/** What Phoenix is for, in one sentence. */
export const purpose =
  "Brings a Proxmox VE host's service fabric to what its configuration declares, and proves it.";

/** Help for `phoenix` itself, or for a group of commands: `phoenix lab`. */
export function overviewHelp(definitions: readonly CommandDefinition[], group?: string): string {
  const shown = definitions.filter(({ name }) => group === undefined || name.startsWith(`${group} `));
  const width = Math.max(...shown.map((one) => titleOf(one).length));
  const examples =
    group === undefined
      ? overviewExamples
      : shown.flatMap(({ examples: [first] }) => (first === undefined ? [] : [first]));
  return sections([
    [`Usage: phoenix ${group === undefined ? "" : `${group} `}<command> [options]`],
    group === undefined ? [purpose] : [],
    ["Examples:", ...examples.flatMap(([line, what]) => [`  ${line}`, `      ${what}`])],
    ["Commands:", ...shown.map((one) => `  ${titleOf(one).padEnd(width)}  ${one.summary}`)],
    group === undefined
      ? [
          "Global options (before or after the command):",
          ...globalOptions.flatMap(optionLines),
          ...otherOptions.flatMap(optionLines),
        ]
      : [],
    exitLines(Object.keys(exitMeanings) as ExitName[]),
    [`\`phoenix <command> ${option.help}\` describes a command.`],
  ]);
}

export const overviewExamples: readonly (readonly [string, string])[] = [
  ["phoenix check", "prove that the site's files agree, before anything is touched"],
  ["phoenix plan", "show what a sync would change"],
  ["phoenix sync all", "bring everything to what the site declares, and prove it"],
  [
    "phoenix lab init /tmp/lab --site examples/homelab && phoenix --lab /tmp/lab sync all",
    "try it without real machines",
  ],
];

/** What an exit code means in general. */
export const exitMeanings: Readonly<Record<ExitName, string>> = {
  converged: "everything is as declared",
  error: "an error; nothing was changed",
  pending: "changes are pending (plan, status)",
  unverified: "applied, but verification failed",
  partial: "partly applied; run the same command again to continue",
  refused: "refused by a guard; nothing was changed",
  locked: "another run holds the lock",
  rolledBack: "a change failed and was rolled back",
  usage: "usage error",
  interrupted: "interrupted",
};

/** The codes of these exits, each with what it means. */
export function exitTable(exits: CommandDefinition["exits"]): readonly (readonly [number, string])[] {
  return exits.map((exit) => {
    const [name, meaning] = typeof exit === "string" ? [exit, exitMeanings[exit]] : exit;
    return [exitCodes[name], meaning];
  });
}

function exitLines(exits: CommandDefinition["exits"]): readonly string[] {
  const lines = exitTable(exits).map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`);
  return ["EXIT STATUS", ...lines];
}

/** What every command takes besides the global options. */
export const otherOptions: readonly OptionDefinition[] = [
  { flags: `-V, ${option.version}`, description: "print the version" },
  { flags: `-h, ${option.help}`, description: "print help" },
];

/** "plan [component...]". */
export function titleOf(definition: CommandDefinition): string {
  return [definition.name, definition.arguments].filter((part) => part !== undefined).join(" ");
}

function optionLines({ flags, description, environment }: OptionDefinition): readonly string[] {
  const text = environment === undefined ? description : `${description} [${environment}]`;
  const head = flags.startsWith("--") ? `      ${flags}` : `  ${flags}`;
  const [first = "", ...rest] = wrap(text, helpWidth - optionColumn);
  const indent = " ".repeat(optionColumn);
  const lines = rest.map((line) => indent + line);
  return head.length < optionColumn
    ? [head.padEnd(optionColumn) + first, ...lines]
    : [head, indent + first, ...lines];
}

function sections(parts: readonly (readonly string[])[]): string {
  return `${parts
    .filter((part) => part.length > 0)
    .map((part) => part.join("\n"))
    .join("\n\n")}\n`;
}
