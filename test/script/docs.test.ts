/** The documentation site as script/docs builds it; a dead link fails the build. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { groups } from "../../docs/.vitepress/pages.mjs";

const root = join(import.meta.dirname, "../..");
const built = mkdtempSync(join(tmpdir(), "phoenix-docs-"));
afterAll(() => rmSync(built, { recursive: true, force: true }));

test("script/docs builds a site that asks no other server", { timeout: 300_000 }, async () => {
  await promisify(execFile)(join(root, "script/docs"), ["site", built]);
  const pages = groups.flatMap(({ pages }) => pages).map((page) => `${page}.html`);
  expect(
    readdirSync(built, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".html"))
      .toSorted(),
  ).toEqual([...pages, "404.html"].toSorted());
  const loads = /<(?:script|img|link)\b[^>]*?\b(?:src|href)="(?:https?:)?\/\/[^"]*"/g;
  for (const page of pages) expect(readFileSync(join(built, page), "utf8").match(loads), page).toBeNull();
});
