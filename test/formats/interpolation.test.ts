/** Environment files as compose-go reads them. */
import { expect, test } from "vitest";
import { parseEnvFile } from "../../src/formats/compose/env-file.ts";

test.each([
  ["A=plain", "plain"],
  ["export A = b  # a comment", "b"],
  ["# before\n\nA=a#b", "a#b"],
  ["A='$HOME # kept'", "$HOME # kept"],
  ['A="x $B y"', "x filled y"],
  ['A="a \\"quoted\\" word"', 'a "quoted" word'],
  ["A='it\\'s'", "it's"],
  ['A="\\$B and \\\\ and \\n"', "$B and \\ and \n"],
  ['A="two\nlines" # a comment\nC=1', "two\nlines"],
  ["A=$$B", "$B"],
  ["A=", ""],
])("%j", (text, value) => {
  expect(parseEnvFile(text, new Map([["B", "filled"]])).get("A")).toBe(value);
});

test("what Compose refuses is refused", () => {
  expect(() => parseEnvFile('A="never ends\nB=1\n', new Map())).toThrow("unterminated quoted value");
  expect(() => parseEnvFile("no assignment\n", new Map())).toThrow("cannot contain a space");
});
