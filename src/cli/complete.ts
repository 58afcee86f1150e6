/** What can come next on a command line: the hidden `phoenix __complete -- WORD...`, asked by the shells' scripts. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { componentNames } from "../components/index.ts";
import { option } from "../option-names.ts";
import type { CommandDefinition } from "./command.ts";
import { loadLab } from "./lab-package.ts";
import { consentNames, defaultSite, globalOptions, type OptionDefinition } from "./options.ts";

export interface CompletionWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
}

/**
 * The candidates for the last of `words`, each perhaps with a tab and a description; ":directories" or ":files" alone
 * leaves the shell to complete paths. Never fails: a completion that cannot be known is none.
 * @param words what stands behind "phoenix", up to and including the word to complete (which may be empty)
 */
export async function complete(
  words: readonly string[],
  definitions: readonly CommandDefinition[],
  world: CompletionWorld,
): Promise<readonly string[]> {
  const { before, current, prefix } = lastWord(words);
  const line = read(before, definitions);
  if (line.awaiting !== undefined) return prefixed(valuesOf(line.awaiting), current, prefix);
  if (current.startsWith("-")) {
    const options = [...(line.definition?.options ?? []), ...globalOptions];
    return prefixed(
      options.map(({ flags, description }) => `${longName(flags)}\t${description}`),
      current,
      "",
    );
  }
  const candidates =
    line.definition === undefined
      ? nextWords(line.positional, definitions)
      : await argumentsOf(line.definition, line, current, world);
  return prefixed(candidates, current, "");
}

interface Line {
  readonly definition: CommandDefinition | undefined;
  /** Words that are neither options nor their values; the command's name left out once it is known. */
  readonly positional: readonly string[];
  /** The option whose value comes next. */
  readonly awaiting: OptionDefinition | undefined;
  readonly given: ReadonlyMap<string, string>;
}

/** Bash hands "--output=js" over as three words; other shells as one. */
function lastWord(words: readonly string[]): { before: readonly string[]; current: string; prefix: string } {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  if (current === "=") return { before, current: "", prefix: "" };
  if (before.at(-1) === "=") return { before: before.slice(0, -1), current, prefix: "" };
  const equals = current.startsWith("--") ? current.indexOf("=") : -1;
  if (equals < 0) return { before, current, prefix: "" };
  const prefix = current.slice(0, equals + 1);
  return { before: [...before, current.slice(0, equals)], current: current.slice(equals + 1), prefix };
}

function read(words: readonly string[], definitions: readonly CommandDefinition[]): Line {
  const positional: string[] = [];
  const given = new Map<string, string>();
  const named = (): CommandDefinition | undefined =>
    definitions.find(({ name }) => name === positional.slice(0, name.split(" ").length).join(" "));
  let waiting: OptionDefinition | undefined;
  for (const word of words) {
    if (waiting !== undefined) {
      given.set(longName(waiting.flags), word);
      waiting = undefined;
    } else if (/^--[^=]+=/.test(word)) {
      given.set(word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1));
    } else if (word.startsWith("-")) {
      const all = [...globalOptions, ...(named()?.options ?? [])];
      const option = all.find(({ flags }) => flags.split(/[ ,]+/).includes(word));
      if (option?.flags.includes("<") === true) waiting = option;
    } else if (word !== "=") positional.push(word);
  }
  const definition = named();
  const nameWords = definition?.name.split(" ").length ?? 0;
  return { definition, positional: positional.slice(nameWords), awaiting: waiting, given };
}

function nextWords(
  positional: readonly string[],
  definitions: readonly CommandDefinition[],
): readonly string[] {
  const depth = positional.length;
  const fitting = definitions.filter(
    ({ name, hidden }) => hidden !== true && positional.every((word, at) => name.split(" ")[at] === word),
  );
  const words = fitting.flatMap(({ name, summary }) => {
    const parts = name.split(" ");
    const word = parts[depth];
    if (word === undefined) return [];
    return [parts.length > depth + 1 ? `${word}\tcommands of the lab` : `${word}\t${summary}`];
  });
  return [...new Set(words)];
}

async function argumentsOf(
  definition: CommandDefinition,
  line: Line,
  current: string,
  world: CompletionWorld,
): Promise<readonly string[]> {
  switch (definition.completes) {
    case "targets":
      return current.startsWith("stacks/")
        ? stackNames(line, world).map((name) => `stacks/${name}`)
        : [...(definition.name === "sync" ? ["all"] : []), ...componentNames].filter(
            (name) => !line.positional.includes(name),
          );
    case "shells":
      return ["bash", "zsh", "fish"];
    case "schemas":
      return [
        "output-check",
        "output-plan",
        "output-result",
        "output-status",
        "output-error",
        "output-event",
      ];
    case "codes": {
      const { problemCodes } = await import("../problem-codes/index.ts");
      return Object.entries(problemCodes).map(([code, { title }]) => `${code}\t${title}`);
    }
    case "faults":
      return faultWords(line.positional.length);
    case "directories":
      return [":directories"];
    default:
      return [];
  }
}

/** A fault, then its target; nothing in an installation without the lab. */
async function faultWords(position: number): Promise<readonly string[]> {
  const lab = await loadLab().catch(() => undefined);
  if (lab === undefined) return [];
  const { faultDescriptions, faultRoles } = lab;
  return position === 0
    ? Object.entries(faultDescriptions).map(([name, text]) => `${name}\t${text}`)
    : ["pve", ...faultRoles];
}

function valuesOf({ choices, completes }: OptionDefinition): readonly string[] {
  if (choices !== undefined) return choices;
  switch (completes) {
    case "components":
      return componentNames;
    case "consents":
      return consentNames;
    case "directories":
      return [":directories"];
    case "files":
      return [":files"];
    default:
      return [];
  }
}

function prefixed(candidates: readonly string[], current: string, prefix: string): readonly string[] {
  const [first = ""] = candidates;
  if (first.startsWith(":")) return [first];
  return candidates
    .filter((candidate) => candidate.startsWith(current))
    .map((candidate) => prefix + candidate.replaceAll("\n", " "));
}

function longName(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}

/** The directories below the site's stacks/. */
function stackNames({ given }: Line, { env, directory }: CompletionWorld): readonly string[] {
  const lab = given.get(option.lab) ?? env.PHOENIX_LAB;
  const named = given.get(option.site) ?? env.PHOENIX_SITE;
  const site = named ?? (lab === undefined ? undefined : siteOfLab(resolve(directory, lab))) ?? defaultSite;
  try {
    const entries = readdirSync(join(resolve(directory, site), "stacks"), { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function siteOfLab(lab: string): string | undefined {
  try {
    const { site } = JSON.parse(readFileSync(join(lab, "lab.json"), "utf8"));
    return typeof site === "string" ? site : undefined;
  } catch {
    return undefined;
  }
}
