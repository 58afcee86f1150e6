/**
 * Every command line of the pages is one that phoenix understands: the real parser reads it, and what names a component, a code, a
 * schema or a fault names one that exists. What a page shows for the lab is executed elsewhere: `test/lab/pages.test.ts`.
 */
import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { parseOptions } from "../../src/cli/options.ts";
import { parse } from "../../src/cli/parser.ts";
import { targetsOf } from "../../src/cli/targets.ts";
import { problemCodes } from "../../src/problem-codes/index.ts";
import { outputSchemas } from "../../src/render/output-schemas.ts";
import { fileShapes } from "../../src/site/shapes/schemas.ts";
import { blocksOf, callsIn, commandsIn, inlineCommands, pagePaths, readPage } from "./commands.ts";

/** What stands in for something else: the reader's own value, or any command. */
function concrete(words: readonly string[]): readonly string[] {
  const cut = words.findIndex((word) => /^(?:…|\.\.\.|\[)/.test(word));
  return (cut < 0 ? words : words.slice(0, cut)).map((word) =>
    word === "COMMAND" || word === "<command>" ? "plan" : word.replace(/,…|…$/, ""),
  );
}

/** Codes that an example of `script/new` adds. */
const invented = ["PHX0299"];

/** Why phoenix does not understand a call; undefined when it does. */
async function complaint(words: readonly string[]): Promise<string | undefined> {
  const argv = concrete(words);
  const name = argv.join(" ");
  // A command, or a group of commands, that is only named.
  if (commands.some((one) => one.name === name || one.name.startsWith(`${name} `)) || name === "")
    return undefined;
  try {
    const parsed = parse(argv, commands);
    if (parsed.kind !== "call") return undefined;
    const { definition, args, found } = parsed;
    return await unknownWord(definition.name, args, parseOptions(found, {}, "/"));
  } catch (error) {
    return String(error);
  }
}

async function unknownWord(
  name: string,
  args: readonly string[],
  options: Parameters<typeof targetsOf>[1],
): Promise<string | undefined> {
  const [first = ""] = args;
  // The reader's own: NAME, FILE.
  if (/^[A-Z]+$/.test(first) || first === "") return undefined;
  if (/^(?:plan|sync|verify)$/.test(name)) await targetsOf(args, options);
  if (name === "explain" && ![...Object.keys(problemCodes), ...invented].includes(first))
    return `unknown code ${first}`;
  if (name === "schema" && !(first in fileShapes) && !(first in outputSchemas))
    return `unknown schema ${first}`;
  return undefined;
}

/** "PAGE:LINE: command: why" of every command that phoenix does not understand. */
async function wrongIn(path: string, page: string): Promise<readonly string[]> {
  const inBlocks = blocksOf(page).flatMap((block) =>
    commandsIn(block).map((command) => ({ line: block.line, command })),
  );
  const calls = [...inBlocks, ...inlineCommands(page)].flatMap(({ line, command }) =>
    callsIn(command).map((words) => ({ line, words })),
  );
  const judged = await Promise.all(
    calls.map(async ({ line, words }) => ({ line, words, why: await complaint(words) })),
  );
  return judged.flatMap(({ line, words, why }) =>
    why === undefined ? [] : [`${path}:${line}: phoenix ${words.join(" ")}: ${why}`],
  );
}

describe("the commands of the pages", () => {
  test.each(pagePaths)("%s", async (path) => {
    expect(await wrongIn(path, readPage(path))).toEqual([]);
  });

  test("are found at all", () => {
    const count = (path: string): number => {
      const page = readPage(path);
      const inBlocks = blocksOf(page).flatMap(commandsIn).flatMap(callsIn).length;
      return inBlocks + inlineCommands(page).length;
    };
    expect(count("README.md")).toBeGreaterThan(15);
    expect(pagePaths.filter((path) => count(path) > 0).length).toBeGreaterThan(5);
  });

  test.each([
    ["```sh\nphoenix plna\n```", "unknown command"],
    ["```sh\nphoenix plan --ful && ls\n```", "unknown option"],
    ["```console\n$ phoenix sync dsn\nanything\n```", "unknown component"],
    ["Use `phoenix explain PHX9999`.", "unknown code"],
    ["Try:\n\n    phoenix schema nothing > x\n", "unknown schema"],
    ["```sh\nphoenix plan \\\n  --lab\n```", "argument missing"],
  ])("%j is found wrong", async (page, why) => {
    expect((await wrongIn("planted.md", page)).join("\n")).toContain(why);
  });
});
