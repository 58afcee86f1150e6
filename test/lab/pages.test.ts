/**
 * What the pages show for the lab, done as their readers do it. The tutorial begins with a site that `phoenix init` writes for one
 * container and one virtual machine, and converges; what it shows is what appears.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { blocksOf, commandsIn, pagePaths, readPage } from "../docs/commands.ts";
import { followed } from "../docs/session.ts";

const root = join(import.meta.dirname, "../..");
const patience = { timeout: 180_000 };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "phoenix-page-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("docs/tutorial.md", patience, async () => {
  expect(await followed(readPage("docs/tutorial.md"), directory)).toEqual([]);
});

/** The blocks of a page that make a lab, as a page of their own, with the lab in the test's directory. */
function labBlocks(path: string): string {
  const blocks = blocksOf(readPage(path)).filter((block) =>
    commandsIn(block).some((command) => /phoenix lab init/.test(command)),
  );
  const texts = blocks.map(({ text }) =>
    ["```sh", text.replaceAll("/tmp/lab", `${directory}/lab`), "```"].join("\n"),
  );
  return texts.join("\n\n");
}

const others = pagePaths.filter((path) => /^(?:README|examples\/.*)\.md$/.test(path));

test.each(others)("%s", patience, async (path) => {
  expect(labBlocks(path)).toContain("lab init");
  expect(await followed(labBlocks(path), root)).toEqual([]);
});
