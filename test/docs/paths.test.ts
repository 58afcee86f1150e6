/** Pages name files that exist, and the answers of docs/architecture.md stand in the files that it names for them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { docsFiles } from "./files.ts";

const root = join(import.meta.dirname, "../..");
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...docsFiles.map((path) => `docs/${path}`),
];
/** Files that examples of `script/new` would add. */
const invented = /mail-relay|ini-file/;

/** The paths below the checkout that a page names, and the targets of its links. */
function pathsIn(page: string, text: string): readonly string[] {
  const rooms = "src|lab|test|docs|examples|bench|testbed|script|bin|\\.github|\\.ci";
  const named = [...text.matchAll(new RegExp(`(?<![\\w/.-])(?:\\./)?((?:${rooms})/[\\w./-]*)`, "g"))];
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)];
  return [
    ...named.map(([, path = ""]) => path.replace(/\.$/, "")),
    ...links.map(([, path = ""]) => join(dirname(page), path)),
  ].filter((path) => !invented.test(path));
}

test.each(pages)("%s names files that exist", (page) => {
  const paths = pathsIn(page, readFileSync(join(root, page), "utf8"));
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("each question of the architecture is answered in one or two files", () => {
  const rows = readFileSync(join(root, "docs/architecture.md"), "utf8").matchAll(
    /^\| ([^|]*\?) \| ([^|]*) \| ([^|]*) \|$/gm,
  );
  const spans = (cell: string): readonly string[] =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span);
  const answers = [...rows].map(([, question = "", answer = "", files = ""]) => {
    const texts = spans(files).map((path) => readFileSync(join(root, path), "utf8"));
    const absent = spans(answer).filter((span) => !texts.some((text) => text.includes(span)));
    return { question, files: texts.length, absent };
  });
  expect(answers).toHaveLength(10);
  expect(answers.filter(({ files, absent }) => files < 1 || files > 2 || absent.length > 0)).toEqual([]);
});
