/**
 * Options in messages, hints and pages exist. In prose an option alone, or behind `phoenix`, is one of phoenix; another
 * program's stands between backticks behind the program's name: `docker rm --force`. In the sources no prose spells an
 * option of phoenix by hand: it is taken from option-names.ts, where the compiler sees a misspelled one. Not prose are a
 * literal of one word (an argument of a command) and one over several lines (a script).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { globalOptions } from "../../src/cli/options.ts";
import { option } from "../../src/option-names.ts";

const root = join(import.meta.dirname, "../..");
const known = new Set<string>(Object.values(option));

/** The options in a text that are meant for phoenix: "--site". */
function optionsIn(text: string): readonly string[] {
  return text.split("`").flatMap((part, at) => {
    const isCode = at % 2 === 1;
    const owner = isCode ? /^(?:\S*=\S* )*(?:\.?\/?\S*\/)?([\w-]+)/.exec(part)?.[1] : undefined;
    const isForeign = owner !== undefined && !owner.startsWith("-") && owner !== "phoenix";
    return isForeign ? [] : [...part.matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map(([name]) => name);
  });
}

/** The literals of a source file that are prose, with "…" for each `${…}`. */
function proseOf(text: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) found.push(node.text);
    else if (ts.isTemplateExpression(node))
      found.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join("…"));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("x.ts", text, ts.ScriptTarget.Latest));
  return found.filter((one) => one.includes(" ") && !one.includes("\n"));
}

/** What is wrong with the options of a source file: unknown ones, and known ones that are spelled by hand. */
function wrongIn(source: string): readonly string[] {
  return proseOf(source).flatMap((text) => {
    const isExample = text.startsWith("phoenix ");
    return optionsIn(text)
      .filter((name) => !isExample || !known.has(name))
      .map((name) => `${name} in ${JSON.stringify(text)}`);
  });
}

/** Pages: the code between backticks, and in blocks the commands that are phoenix's. */
function wrongInPage(text: string): readonly string[] {
  const block = /^```[\s\S]*?^```|^ {4,}\S.*$/gm;
  const calls = [...text.matchAll(block)]
    .flatMap(([lines]) => lines.split(/\n|&&|\|/))
    .filter((line) => /^\s*(?:\S*\/)?phoenix\b/.test(line));
  const spans = [...text.replaceAll(block, "").matchAll(/`[^`]+`/g)].map(([span]) => span);
  return [...calls, ...spans].flatMap(optionsIn).filter((name) => !known.has(name));
}

function filesBelow(directory: string, ending: string): readonly string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(ending) && !path.includes("node_modules"))
    .map((path) => join(directory, path));
}

describe("the rule", () => {
  test.each([
    ['throw new UsageError("x", { hint: "name one with --hypervisor" })', ["--hypervisor"]],
    ["const hint = `see \\`phoenix plan --onyl ${name}\\``;", ["--onyl"]],
    ['const hint = "--yes answers for you";', ["--yes"]],
    ["const hint = `repeat it with ${option.allow} prune`;", []],
    ['const example = ["phoenix plan --full", "the whole plan"];', []],
    ['const example = ["phoenix plan --fulll", "the whole plan"];', ["--fulll"]],
    ['const argv = ["docker", "rm", "--force", "--format={{.Id}}"];', []],
    ["const hint = `remove it: \\`docker rm --force ${container}\\``;", []],
    ["const hint = `remove it: docker rm --force ${container}`;", ["--force"]],
  ])("%s", (source, names) => {
    expect(wrongIn(source).map((wrong) => wrong.split(" ", 1)[0])).toEqual(names);
  });

  test("reads pages", () => {
    const page =
      "Use `--sitee DIR`, not `docker run --name x`.\n```sh\n./bin/phoenix plan --ful && ls --all\n```\n";
    expect(wrongInPage(page)).toEqual(["--ful", "--sitee"]);
  });
});

test("the names are those of the option table", () => {
  const flags = [...globalOptions, ...commands.flatMap(({ options = [] }) => options)].map(
    (one) => one.flags,
  );
  const named = new Set(flags.map((one) => /--[\w-]+/.exec(one)?.[0]));
  expect([...known].filter((name) => !named.has(name)).sort()).toEqual(["--help", "--version"]);
});

describe("every option in prose exists", () => {
  test("in the sources, where it comes from option-names.ts", () => {
    const wrong = filesBelow("src", ".ts").flatMap((path) =>
      wrongIn(readFileSync(join(root, path), "utf8")).map((what) => `${path}: ${what}`),
    );
    expect(wrong).toEqual([]);
  });

  test("in the pages", () => {
    const pages = [...readdirSync(root).filter((name) => name.endsWith(".md")), ...filesBelow("docs", ".md")];
    const wrong = pages.flatMap((path) =>
      wrongInPage(readFileSync(join(root, path), "utf8")).map((name) => `${path}: ${name}`),
    );
    expect(wrong).toEqual([]);
  });
});
