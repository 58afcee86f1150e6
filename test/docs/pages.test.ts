/** Generated pages are what the sources say, and each problem code has a case that brings it out. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exitMeanings } from "../../src/cli/help.ts";
import { exitCodes } from "../../src/errors.ts";
import { problemCodes } from "../../src/problem-codes/index.ts";
import { pages } from "./pages.ts";

const root = join(import.meta.dirname, "../..");

test.each(Object.entries(pages))("%s is what script/docs writes", (path, text) => {
  const file = join(root, path);
  if (process.env.UPDATE === "1") writeFileSync(file, text);
  expect(readFileSync(file, "utf8")).toBe(text);
});

test("the README's table of exit codes is that of the product", () => {
  const rows = readFileSync(join(root, "README.md"), "utf8").matchAll(/^\| (\d+) \| (.*) \|$/gm);
  const meanings = Object.entries(exitMeanings).map(([name, meaning]) => [
    String(exitCodes[name as keyof typeof exitCodes]),
    meaning,
  ]);
  expect([...rows].map(([, code, meaning]) => [code, meaning])).toEqual(meanings);
});

test("the codes are in order, and each has its texts", () => {
  const codes = Object.keys(problemCodes);
  expect(codes).toEqual([...codes].sort());
  const texts = Object.values(problemCodes).flatMap(({ title, meaning, fix }) => [title, meaning, fix]);
  expect(texts.filter((text) => text === "")).toEqual([]);
});

test("each code has a case", () => {
  const texts = ["test/cases/site/problems", "test/cases/rules", "test/site", "test/fabric"].flatMap(
    (folder) =>
      readdirSync(join(root, folder), { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => readFileSync(join(root, folder, name), "utf8")),
  );
  const proven = new Set(texts.join("\n").match(/PHX\d{4}/g));
  expect(Object.keys(problemCodes).filter((code) => !proven.has(code))).toEqual([]);
});
