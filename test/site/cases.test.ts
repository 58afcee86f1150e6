/** Each tolerated shape means what the base site means; each problem is told where it is, and how to end it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadSite } from "../../src/site/load.ts";
import { base, cases, expected, inDirectory, layOut, meaning, problemText } from "./tree.ts";

const casesIn = (folder: string): readonly string[] =>
  readdirSync(join(cases, folder))
    .filter((name) => name.endsWith(".case"))
    .map((name) => name.slice(0, -".case".length))
    .sort();

async function load(folder: string, name: string): Promise<{ meaning: string; problems: string }> {
  return inDirectory(async (directory) => {
    layOut(directory, readFileSync(join(cases, folder, `${name}.case`), "utf8"));
    const { site, problems } = await loadSite(directory);
    const told = problems.map(problemText).join("\n").replaceAll(directory, "ROOT");
    return { meaning: meaning(site, directory), problems: told === "" ? "" : `${told}\n` };
  });
}

test("the base site", async () => {
  const { site, problems } = await loadSite(base);
  expect(problems).toEqual([]);
  const { actual, wanted } = expected(join(cases, "base.json"), meaning(site, base));
  expect(actual).toBe(wanted);
});

describe("shapes that mean the same", () => {
  test.each(casesIn("same"))("%s", async (name) => {
    const loaded = await load("same", name);
    expect(loaded.problems).toBe("");
    expect(loaded.meaning).toBe(meaning((await loadSite(base)).site, base));
  });
});

describe("shapes that mean something of their own", () => {
  test.each(casesIn("meaning"))("%s", async (name) => {
    const loaded = await load("meaning", name);
    const { actual, wanted } = expected(
      join(cases, "meaning", `${name}.txt`),
      loaded.problems + changed(meaning((await loadSite(base)).site, base), loaded.meaning),
    );
    expect(actual).toBe(wanted);
  });
});

describe("problems", () => {
  test.each(casesIn("problems"))("%s", async (name) => {
    const { problems } = await load("problems", name);
    const { actual, wanted } = expected(join(cases, "problems", `${name}.txt`), problems);
    expect(actual).toBe(wanted);
  });
});

/** The lines of `after` that `before` does not have, and the other way round. */
function changed(before: string, after: string): string {
  const count = (text: string): Map<string, number> => {
    const lines = new Map<string, number>();
    for (const line of text.split("\n")) lines.set(line.trim(), (lines.get(line.trim()) ?? 0) + 1);
    return lines;
  };
  const [old, fresh] = [count(before), count(after)];
  const missing = (from: Map<string, number>, other: Map<string, number>, sign: string): string[] =>
    [...from].flatMap(([line, times]) =>
      Array(Math.max(0, times - (other.get(line) ?? 0))).fill(`${sign} ${line}`),
    );
  return `${[...missing(old, fresh, "-"), ...missing(fresh, old, "+")].join("\n")}\n`;
}
