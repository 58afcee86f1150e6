/** A page that does not tell what happens is found out. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { followed } from "./session.ts";

const directory = mkdtempSync(join(tmpdir(), "phoenix-page-"));
afterAll(() => rmSync(directory, { recursive: true }));

const console = (...rows: readonly string[]): string => ["```console", ...rows, "```"].join("\n");

test.each([
  ["an exit code", console("$ false"), "exit code 1"],
  ["an exit code that is another one", console("$ false", "$ echo $?", "2"), "no such line"],
  ["a line that does not appear", console("$ echo one", "two"), "no such line"],
  ["a line in another order", console("$ printf 'one\\ntwo\\n'", "two", "one"), "no such line"],
  ["a line of the second of two equal commands", console("$ echo x", "x", "$ echo x", "y"), "no such line"],
  ["a number", console("$ echo 12 checks · 0.3 s", "13 checks · 0.1 s"), "no such line"],
  ["an option that is none", console("$ phoenix check --bogus"), "unknown option"],
  ["a text to replace", "```diff x.json\n-old\n+new\n```", "not exactly once"],
  ["a kind of block", "```python\nprint()\n```", "unknown kind"],
])("%s", async (_, page, what) => {
  writeFileSync(join(directory, "x.json"), "something else");
  expect((await followed(page, directory)).join("\n")).toContain(what);
});

test("durations, gaps and edits are understood", async () => {
  writeFileSync(join(directory, "x.json"), '{\n  "a": 1\n}\n');
  const page = [
    console("$ printf 'first\\nsecond\\n3 files · 12 ms\\n'", "…", "sec…", "3 files · 0.4 s"),
    '```diff x.json\n-  "a": 1\n+  "a": 1,\n+  "b": 2\n```',
    console(
      "$ export NAME=$PWD/x",
      "$ cat x.json; echo $NAME",
      '  "b": 2',
      "…/x",
      "$ false",
      "$ echo $?",
      "1",
    ),
  ].join("\n\n");
  expect(await followed(page, directory)).toEqual([]);
});
