/** Help: examples first, then what can be given, then what the exit code says. */
import { exitCodes } from "../errors.ts";
import { option } from "../option-names.ts";
import type { CommandDefinition } from "./command.ts";
import { globalOptions, type OptionDefinition } from "./options.ts";

const optionColumn = 28;

export async function commandHelp(definition: CommandDefinition): Promise<string> {
  const { name, summary, description = [], examples, options = [], exits } = definition;
  const more = typeof description === "function" ? await description() : description;
  const usage = ["phoenix", name, definition.arguments, "[options]"].filter((part) => part !== undefined);
  return sections([
    [`Usage: ${usage.join(" ")}`],
    [`${sentence(summary)}`, ...more],
    ["Examples:", ...examples.flatMap(([line, what]) => [`  ${line}`, `      ${what}`])],
    options.length === 0 ? [] : ["Options:", ...options.flatMap(optionLines)],
    ["Options of every command (before or after its name):", ...globalOptions.flatMap(optionLines)],
    ["EXIT STATUS", ...exits.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`)],
  ]);
}

/** Help for `phoenix` itself, or for a group of commands: `phoenix lab`. */
export function overviewHelp(definitions: readonly CommandDefinition[], group?: string): string {
  const shown = definitions.filter(
    ({ name, hidden }) => hidden !== true && (group === undefined || name.startsWith(`${group} `)),
  );
  const width = Math.max(...shown.map((one) => titleOf(one).length));
  const examples =
    group === undefined
      ? overviewExamples
      : shown.flatMap(({ examples: [first] }) => (first === undefined ? [] : [first]));
  return sections([
    [`Usage: phoenix ${group === undefined ? "" : `${group} `}<command> [options]`],
    group === undefined
      ? ["Brings a Proxmox VE host's service fabric to what its configuration declares, and proves it."]
      : [],
    ["Examples:", ...examples.flatMap(([line, what]) => [`  ${line}`, `      ${what}`])],
    ["Commands:", ...shown.map((one) => `  ${titleOf(one).padEnd(width)}  ${one.summary}`)],
    group === undefined
      ? [
          "Options (before or after the command):",
          ...globalOptions.flatMap(optionLines),
          ...otherOptions.flatMap(optionLines),
        ]
      : [],
    ["EXIT STATUS", ...overviewExits.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`)],
    [`\`phoenix <command> ${option.help}\` tells more about each.`],
  ]);
}

const overviewExamples: readonly (readonly [string, string])[] = [
  ["phoenix check", "prove that the site's files agree, before anything is touched"],
  ["phoenix plan", "show what a sync would change; changes nothing"],
  ["phoenix sync all", "bring everything to what the site declares, and prove it"],
  [
    "phoenix lab init /tmp/lab --site examples/homelab && phoenix --lab /tmp/lab sync all",
    "try it without any real machine",
  ],
];

const overviewExits: readonly (readonly [number, string])[] = [
  [exitCodes.converged, "everything is as declared"],
  [exitCodes.error, "an error; nothing was changed, or nothing new is in place"],
  [exitCodes.pending, "changes are pending (plan, status)"],
  [exitCodes.unverified, "applied, but not everything could be proven"],
  [exitCodes.partial, "applied in part; the same command goes on from there"],
  [exitCodes.refused, "refused by a guard; nothing was changed"],
  [exitCodes.locked, "another run holds the lock"],
  [exitCodes.rolledBack, "a change failed and was rolled back"],
  [exitCodes.usage, "the command line makes no sense"],
  [exitCodes.interrupted, "interrupted"],
];

const otherOptions: readonly OptionDefinition[] = [
  { flags: `-V, ${option.version}`, description: "print the version" },
  { flags: `-h, ${option.help}`, description: "print help" },
];

function titleOf(definition: CommandDefinition): string {
  return [definition.name, definition.arguments].filter((part) => part !== undefined).join(" ");
}

function optionLines({ flags, description, environment }: OptionDefinition): readonly string[] {
  const text = environment === undefined ? description : `${description} [${environment}]`;
  const head = `  ${flags.startsWith("-") && !flags.startsWith("--") ? flags : `    ${flags}`}`;
  return head.length < optionColumn
    ? [`${head.padEnd(optionColumn)}${text}`]
    : [head, `${" ".repeat(optionColumn)}${text}`];
}

function sentence(summary: string): string {
  return `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`;
}

function sections(parts: readonly (readonly string[])[]): string {
  return `${parts
    .filter((part) => part.length > 0)
    .map((part) => part.join("\n"))
    .join("\n\n")}\n`;
}
