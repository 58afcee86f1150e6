/** The words of docs/style.md, applied: no phrase of its right column stands in the product, the lab or the docs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const guide = "docs/style.md";
/** Directories that are read whole, and the top of the checkout; tests and golden texts follow what the product says. */
const rooms = ["src", "lab", "docs", "examples", "bench", "testbed", "script", "bin", ".github"];
const written = /\.(?:ts|mjs|md|ya?ml|json|sh)$|\/[^.]*$/;

const files: readonly string[] = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...rooms.flatMap(filesBelow),
].filter((path) => path !== guide && !isPython(path));

function filesBelow(room: string): readonly string[] {
  return readdirSync(join(root, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => written.test(path));
}

/** Python's `is None` is no phrase. */
function isPython(path: string): boolean {
  return /^#!.*python/.test(read(path));
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The phrases in the right column of the table "say / do not say". */
function phrasesOf(style: string): readonly string[] {
  const rows = style.slice(style.indexOf("| do not say |")).matchAll(/^\|.*\|(.*)\|$/gm);
  return [...rows].flatMap(([, right = ""]) =>
    [...right.matchAll(/`([^`]+)`/g)].map(([, phrase = ""]) => phrase),
  );
}

/** Matches a phrase as whole words in any case, across the line breaks of a paragraph or a comment. */
function patternOf(phrase: string): RegExp {
  const words = phrase.split(" ").map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(
    `(?<![\\w-])${words.join("\\s+(?:(?:\\*|//|#)\\s+)?")}${/\w$/.test(phrase) ? "(?![\\w-])" : ""}`,
    "gi",
  );
}

/** "path:line: phrase" of every phrase that the text contains. */
function found(phrases: readonly string[], path: string, text: string): readonly string[] {
  return phrases.flatMap((phrase) =>
    [...text.matchAll(patternOf(phrase))].map(
      ({ index }) => `${path}:${text.slice(0, index).split("\n").length}: ${phrase}`,
    ),
  );
}

const phrases = phrasesOf(read(guide));

describe("the words of docs/style.md", () => {
  test("are read from its table", () => {
    expect(phrases.length).toBeGreaterThan(30);
    expect(phrases).toContain("made anew");
  });

  test("a phrase is found as whole words, in any case, across lines", () => {
    const text = "/**\n * Lasts for\n * ever.\n */\nconst forever = 'For ever, for everybody';";
    expect(found(["for ever"], "planted.ts", text)).toEqual([
      "planted.ts:2: for ever",
      "planted.ts:5: for ever",
    ]);
  });

  test("each phrase of the table would be found if it were planted", () => {
    expect(phrases.filter((phrase) => found(phrases, "planted.ts", `"${phrase} x"`).length === 0)).toEqual(
      [],
    );
  });

  test("what not to say is said nowhere", () => {
    expect(files.flatMap((path) => found(phrases, path, read(path)))).toEqual([]);
  });
});
