/** What can come next on a command line: the hidden `phoenix __complete -- WORD...`, which the shells' scripts call. */
import { resolve } from "node:path";
import { componentNames } from "../components/index.ts";
import { defined } from "../defined.ts";
import { option } from "../option-names.ts";
import type { CommandDefinition } from "./command.ts";
import { type GlobalOptions, globalOptions, longName, type OptionDefinition, siteAround } from "./options.ts";
import { stackIds } from "./targets.ts";
import type { Edge } from "./terminal.ts";

/**
 * The candidates for the last of `words`, each optionally with a tab and a description; ":directories" or ":files" alone
 * leaves the shell to complete paths. Never fails: where nothing is known it offers nothing.
 * @param words what stands behind "phoenix", up to and including the word to complete (which may be empty)
 */
export async function complete(
  words: readonly string[],
  definitions: readonly CommandDefinition[],
  world: Pick<Edge, "env" | "directory">,
): Promise<readonly string[]> {
  const { before, current, prefix } = lastWord(words);
  const line = read(before, definitions);
  if (line.awaiting !== undefined) return prefixed(valuesOf(line.awaiting, current), current, prefix);
  if (current.startsWith("-")) {
    const options = [...(line.definition?.options ?? []), ...globalOptions];
    const candidates = options.map(({ flags, description }) => `${longName(flags)}\t${description}`);
    return prefixed(candidates, current, "");
  }
  const candidates =
    line.definition === undefined
      ? nextWords(line.positional, definitions)
      : [
          ...nextWords([...line.definition.name.split(" "), ...line.positional], definitions),
          ...(await argumentsOf(line.definition, line, current, world)),
        ];
  return prefixed(candidates, current, "");
}

interface Line {
  readonly definition: CommandDefinition | undefined;
  /** Words that are neither options nor their values, without the command's name once it is known. */
  readonly positional: readonly string[];
  /** The option whose value comes next. */
  readonly awaiting: OptionDefinition | undefined;
  readonly given: ReadonlyMap<string, string>;
}

/** Bash passes "--output=js" as three words; other shells as one. */
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
    // Of "certs" and "certs renew" the longer one is meant.
    definitions.findLast(({ name }) => name === positional.slice(0, name.split(" ").length).join(" "));
  let awaiting: OptionDefinition | undefined;
  for (const word of words) {
    if (awaiting !== undefined) {
      given.set(longName(awaiting.flags), word);
      awaiting = undefined;
    } else if (/^--[^=]+=/.test(word)) {
      given.set(word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1));
    } else if (word.startsWith("-")) {
      const all = [...globalOptions, ...(named()?.options ?? [])];
      const found = all.find(({ flags }) => flags.split(/[ ,]+/).includes(word));
      if (found?.flags.includes("<") === true) awaiting = found;
    } else if (word !== "=") positional.push(word);
  }
  const definition = named();
  const nameWords = definition?.name.split(" ").length ?? 0;
  return { definition, positional: positional.slice(nameWords), awaiting, given };
}

function nextWords(
  positional: readonly string[],
  definitions: readonly CommandDefinition[],
): readonly string[] {
  const depth = positional.length;
  const words = definitions
    .map(({ name, summary }) => ({ parts: name.split(" "), summary }))
    .filter(({ parts }) => parts.length > depth && positional.every((word, at) => parts[at] === word))
    .map(({ parts, summary }) => {
      const word = parts[depth] ?? "";
      return [word, `${word}\t${parts.length > depth + 1 ? `${word} commands` : summary}`] as const;
    });
  // The first one counts: "certs" is a command of its own before it is a group.
  return [...new Map([...words].reverse()).values()].reverse();
}

async function argumentsOf(
  { name, completes }: CommandDefinition,
  { positional, given }: Line,
  current: string,
  { env, directory }: Pick<Edge, "env" | "directory">,
): Promise<readonly string[]> {
  if (completes === undefined) return [];
  if (completes === "directories") return [":directories"];
  const siteOf = (): Pick<GlobalOptions, "site" | "lab"> => siteIn(given, env, directory);
  if (completes !== "targets") return completes(positional.length, { siteOf });
  if (!current.startsWith("stacks/")) {
    const all = name === "sync" ? ["all", ...componentNames] : componentNames;
    return all.filter((target) => !positional.includes(target));
  }
  return stackIds(siteOf());
}

/** The site and the lab that a line names. */
function siteIn(
  given: Line["given"],
  env: Edge["env"],
  directory: string,
): Pick<GlobalOptions, "site" | "lab"> {
  const path = (value: string | undefined) => (value ? resolve(directory, value) : undefined);
  const lab = path(given.get(option.lab) ?? env.PHOENIX_LAB);
  const named = path(given.get(option.site) ?? env.PHOENIX_SITE);
  const site = named ?? (lab === undefined ? siteAround(directory) : undefined);
  return defined({ site, lab });
}

function valuesOf({ choices, listOf, completes }: OptionDefinition, current: string): readonly string[] {
  if (completes !== undefined) return [`:${completes}`];
  if (listOf === undefined) return choices ?? [];
  const listed = current.slice(0, current.lastIndexOf(",") + 1);
  return listOf.filter((word) => !listed.split(",").includes(word)).map((word) => listed + word);
}

function prefixed(candidates: readonly string[], current: string, prefix: string): readonly string[] {
  const [first = ""] = candidates;
  if (first.startsWith(":")) return [first];
  return candidates
    .filter((candidate) => candidate.startsWith(current))
    .map((candidate) => prefix + candidate.replaceAll("\n", " "));
}
