/** The man pages, from the table of commands, the shapes of the site's files and the table of problem codes. */
import type { CommandDefinition, ExitName } from "../../src/cli/command.ts";
import { commands } from "../../src/cli/commands.ts";
import {
  descriptionOf,
  exitMeanings,
  exitTable,
  optionsOf,
  otherOptions,
  overviewExamples,
  purpose,
  sentence,
  titleOf,
} from "../../src/cli/help.ts";
import { defaultSite, globalOptions, type OptionDefinition } from "../../src/cli/options.ts";
import { journalDirectory } from "../../src/journal/store.ts";
import { problemCodes } from "../../src/problem-codes/index.ts";
import type { ProblemKind } from "../../src/problem-codes/kind.ts";
import { fileShapes } from "../../src/site/shapes/schemas.ts";
import type { Shape } from "../../src/site/shapes/shape.ts";
import { firstVersion, type Key, type KeyObject, keyObjects } from "../reference/keys.ts";
import { headingOf, type Notation, valueWords } from "../reference/shapes.ts";
import { heading, item, type Page, paragraph, section, subheading, verbatim } from "./roff.ts";

/** Every page: phoenix(1), one for each command, phoenix-site(5), phoenix-problems(7). */
export async function manPages(): Promise<readonly Page[]> {
  const ofCommands = await Promise.all(commands.map(commandPage));
  return [overviewPage(), ...ofCommands, sitePage(), problemsPage()];
}

/** "phoenix-lab-init". */
function pageNameOf({ name }: CommandDefinition): string {
  return `phoenix-${name.replaceAll(" ", "-")}`;
}

function overviewPage(): Page {
  const environment = globalOptions.flatMap(({ environment, flags }) =>
    environment === undefined ? [] : [item(environment, `The same as \`${flags}\`.`)],
  );
  return {
    name: "phoenix",
    section: 1,
    summary: "bring a Proxmox VE host's service fabric to what its configuration declares",
    body: [
      heading("Synopsis"),
      paragraph("`phoenix` command [options]"),
      heading("Description"),
      paragraph(purpose),
      heading("Commands"),
      ...commands.map((each) =>
        item(titleOf(each), `${sentence(each.summary)} See \`${pageNameOf(each)}\`(1).`),
      ),
      heading("Global options"),
      paragraph("They stand before or after the command."),
      ...[...globalOptions, ...otherOptions].map(optionItem),
      heading("Exit status"),
      ...exitItems(Object.keys(exitMeanings) as ExitName[]),
      heading("Environment"),
      ...environment,
      item("NO_COLOR", "No colors, unless an option asks for them."),
      item(
        "PHOENIX_PAGER, PAGER",
        "What shows long text on a terminal; `less` when neither is set, nothing when empty or `cat`.",
      ),
      heading("Files"),
      item(defaultSite, "The site, unless another is named. `phoenix-site`(5) describes its files."),
      item(
        journalDirectory,
        "The lock, the history, what Phoenix owns, and secrets that it generated: for root alone.",
      ),
      heading("Examples"),
      ...exampleItems(overviewExamples),
      seeAlso(
        ...commands.map((each) => `\`${pageNameOf(each)}\`(1)`),
        "`phoenix-site`(5)",
        "`phoenix-problems`(7)",
      ),
    ],
  };
}

async function commandPage(definition: CommandDefinition): Promise<Page> {
  const options = optionsOf(definition);
  return {
    name: pageNameOf(definition),
    section: 1,
    summary: definition.summary,
    body: [
      heading("Synopsis"),
      paragraph(`\`phoenix ${definition.name}\` ${definition.arguments ?? ""} [options]`.replace("  ", " ")),
      heading("Description"),
      paragraph(sentence(definition.summary)),
      ...described(await descriptionOf(definition)),
      heading("Options"),
      ...options.map(optionItem),
      paragraph("`phoenix`(1) describes the global options, which every command takes."),
      heading("Exit status"),
      ...exitItems(definition.exits),
      heading("Examples"),
      ...exampleItems(definition.examples),
      seeAlso("`phoenix`(1)", "`phoenix-site`(5)"),
    ],
  };
}

/** Lines of help: one that is indented, and more so than the line below it, is a term. */
function described(lines: readonly string[]): readonly string[] {
  const indent = (line = ""): number => line.length - line.trimStart().length;
  return lines.flatMap((line, at) => {
    if (indent(line) === 0) return [paragraph(line)];
    if (indent(lines[at + 1]) > indent(line)) return [item(line.trim(), (lines[at + 1] ?? "").trim())];
    const isMeaning = at > 0 && indent(lines[at - 1]) > 0 && indent(lines[at - 1]) < indent(line);
    return isMeaning ? [] : [verbatim([line.trim()])];
  });
}

function optionItem({ flags, description, environment, listOf }: OptionDefinition): string {
  const variable = environment === undefined ? "" : ` Variable: \`${environment}\`.`;
  const words = listOf === undefined ? "" : ` They are ${listOf.join(", ")}.`;
  return item(flags, `${sentence(description)}${words}${variable}`);
}

function exitItems(exits: CommandDefinition["exits"]): readonly string[] {
  return exitTable(exits).map(([code, meaning]) => item(String(code), sentence(meaning)));
}

function exampleItems(examples: CommandDefinition["examples"]): readonly string[] {
  return examples.map(([line, what]) => item(line, sentence(what)));
}

function seeAlso(...pages: readonly string[]): string {
  return [heading("See also"), paragraph(pages.join(", "))].join("\n");
}

const notation: Notation = { code: (word) => `\`${word}\``, object: ({ name }) => `${name} (below)` };

function sitePage(): Page {
  const files = [...keyObjects()].flatMap(([name, objects]) => [
    section(fileShapes[name].file),
    ...objects.flatMap(objectKeys),
  ]);
  return {
    name: "phoenix-site",
    section: 5,
    summary: "the files of a Phoenix site",
    body: [
      heading("Description"),
      paragraph(
        "A site is a directory with JSON files, which may have comments, trailing commas and a byte order mark:",
      ),
      ...Object.values(fileShapes).map(({ file, shape }) => item(file, fileWords(shape))),
      item("stacks/NAME/docker-compose.yml", "The stack's Compose file."),
      paragraph(
        "A key that is `null` counts as absent. Keys that begin with `$`, `_`, `//` or `#`, and `comment`, `description` and `notes` are notes for people. `phoenix check` proves that the files agree; `phoenix schema` prints a JSON Schema of each for editors. An object that is described once below is the same wherever its name stands.",
      ),
      ...files,
      seeAlso("`phoenix`(1)", "`phoenix-check`(1)", "`phoenix-schema`(1)", "`phoenix-problems`(7)"),
    ],
  };
}

function fileWords(shape: Shape): string {
  return shape.about ?? (shape.kind === "object" ? sentence(headingOf(shape.name)) : "");
}

function objectKeys({ shape, keys }: KeyObject): readonly string[] {
  return [subheading(headingOf(shape.name)), ...keys.map(keyItem)];
}

function keyItem({ name, shape, isRequired, preset, example, since, about }: Key): string {
  const aliases = (shape.aliases ?? []).map((alias) => `\`${alias}\``);
  const facts = [
    isRequired ? "Required." : "",
    sentence(valueWords(shape, notation)),
    about,
    preset === undefined ? "" : `Default: ${preset}.`,
    aliases.length === 0 ? "" : `Other names: ${aliases.join(", ")}.`,
    since === firstVersion ? "" : `Since ${since}.`,
  ];
  const text = facts.filter((fact) => fact !== "").join(" ");
  return example === undefined ? item(name, text) : item(name, text, `Example: ${example}`);
}

function problemsPage(): Page {
  const codes: readonly (readonly [string, ProblemKind])[] = Object.entries(problemCodes);
  return {
    name: "phoenix-problems",
    section: 7,
    summary: "the problem codes of phoenix check",
    body: [
      heading("Description"),
      paragraph(
        "What `phoenix check` reports. `phoenix explain PHX0401` prints one of them. An error keeps the site from being used; a warning does not.",
      ),
      heading("Codes"),
      ...codes.map(([code, { title, severity, meaning, fix }]) =>
        item(
          `${code}: ${title}`,
          `${severity === "both" ? "Error or warning" : sentence(severity).slice(0, -1)}. ${meaning}`,
          fix,
        ),
      ),
      seeAlso("`phoenix-check`(1)", "`phoenix-explain`(1)", "`phoenix-site`(5)"),
    ],
  };
}
