/** The documentation site's sidebar. The built site is judged in test/script/docs.test.ts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { groups } from "../../docs/.vitepress/pages.mjs";
import { docsFiles } from "./files.ts";

test("the sidebar has every page of docs/ once", () => {
  const listed = groups.flatMap(({ pages }) => pages).map((page) => `${page}.md`);
  expect(listed.toSorted()).toEqual(docsFiles.toSorted());
});

test.each(docsFiles)("%s has a title", (path) => {
  expect(readFileSync(join(import.meta.dirname, "../../docs", path), "utf8")).toMatch(/^# \S/m);
});
