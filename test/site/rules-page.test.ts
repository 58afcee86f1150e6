/** docs/rules.md tells every code of the site's reader, in order, and each of them has a case that brings it out. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cases } from "./tree.ts";

const root = join(import.meta.dirname, "../..");
const codesIn = (text: string): readonly string[] => [...new Set(text.match(/PHX\d{4}/g) ?? [])].sort();
const source = readdirSync(join(root, "src/site"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(join(root, "src/site", name), "utf8"))
  .join("\n");
const page = readFileSync(join(root, "docs/rules.md"), "utf8");
const listed = [...page.matchAll(/^\| (PHX\d{4}) \|/gm)].map(([, code]) => code ?? "");

test("the page lists every code once, in order", () => {
  expect(listed).toEqual([...new Set(listed)].sort());
  expect(codesIn(source).filter((code) => !listed.includes(code))).toEqual([]);
});

test("each code has a case", () => {
  const folder = join(cases, "problems");
  const told = readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
  const nasty = readFileSync(join(import.meta.dirname, "nasty.test.ts"), "utf8");
  const proven = new Set(codesIn(told + nasty));
  expect(codesIn(source).filter((code) => !proven.has(code))).toEqual([]);
});
