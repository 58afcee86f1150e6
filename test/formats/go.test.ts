/** Go's values: regular expressions against a port of RE2, numbers and durations against what Go documents. */
import fc from "fast-check";
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { describe, expect, test } from "vitest";
import { regexpFault } from "../../src/formats/go/regexp.ts";
import { parseBool, parseDuration, parseInt64 } from "../../src/formats/go/values.ts";

function isCompiled(expression: string): boolean {
  try {
    RE2JS.compile(expression);
    return true;
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return false;
    throw error;
  }
}

describe("regular expressions", () => {
  const pieces = fc.constantFrom(
    ..."a b 0 - . ^ $ * + ? | ( ) [ ] { } , : < > = ! # \\ / é".split(" "),
    ...["(?i)", "(?:", "(?P<n>", "(?<m>", "(?=", "(?!", "(?<=", "(?i-s:", "(?-", "(?P=n)", "(?#", "(?>"],
    ...["{2}", "{2,}", "{2,5}", "{5,2}", "{1001}", "{,3}", "{01}", "{100}", "*?", "++", "??"],
    ...["[a-z]", "[^a]", "[[:alpha:]]", "[[:^word:]]", "[[:no:]]", "[\\d-z]", "[z-a]", "[]a]", "[a-\\d]"],
    ...["\\d", "\\W", "\\b", "\\A", "\\z", "\\Z", "\\h", "\\1", "\\12", "\\07", "\\8", "\\x41", "\\x{1F600}"],
    ...["\\xg", "\\x{110000}", "\\pL", "\\pX", "\\p{Greek}", "\\P{^Lu}", "\\p{Klingon}", "\\p{Greek", "\\C"],
    ...["\\Q*\\E", "\\Q", "\\E", "\\n", "\\e", "\\.", "\\_", "\\é", "\\K"],
  );

  test("are taken and refused as RE2 does", () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const expression = parts.join("");
        expect(regexpFault(expression) === undefined, expression).toBe(isCompiled(expression));
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    ["^/(?!api)", "invalid or unsupported Perl syntax: `(?!`"],
    ["(?<!x)a", "invalid named capture: `(?<!x)a`"],
    ["(x)\\1", "invalid escape sequence: `\\1`"],
    ["^/(x", "missing closing ): `^/(x`"],
    ["^/[x", "missing closing ]: `[x`"],
    ["x++", "invalid nested repetition operator: `++`"],
    ["(x{100}){100}", "invalid repeat count: `{100}`"],
  ])("%s: %s", (expression, fault) => {
    expect(regexpFault(expression)).toBe(fault);
  });

  test("a thousand parentheses are fine, more are not", () => {
    const nested = (depth: number): string => `${"(".repeat(depth)}x${")".repeat(depth)}`;
    expect(regexpFault(nested(900))).toBeUndefined();
    expect(regexpFault(nested(5_000))).toBe("expression nests too deeply");
  });
});

test.each([
  ["5", 5n],
  ["+5", 5n],
  ["-9223372036854775808", -(2n ** 63n)],
  ["9223372036854775807", 2n ** 63n - 1n],
  ["9223372036854775808", undefined],
  [" 5", undefined],
  ["1_000", undefined],
  ["0x10", undefined],
  ["1.0", undefined],
  ["", undefined],
])("the number %j", (text, value) => {
  expect(parseInt64(text)).toBe(value);
});

test.each([
  ["1", true],
  ["T", true],
  ["True", true],
  ["f", false],
  ["FALSE", false],
  ["tRUE", undefined],
  [" true", undefined],
  ["yes", undefined],
  ["", undefined],
])("the boolean %j", (text, value) => {
  expect(parseBool(text)).toBe(value);
});

test.each([
  ["1h2m3s4ms5us6ns", 3_723_004_005_006],
  ["-1.5s", -1.5e9],
  ["+.5h", 1.8e12],
  ["5.s", 5e9],
  ["5µs", 5_000],
  ["0", 0],
  ["10", undefined],
  ["1d", undefined],
  ["10 s", undefined],
  ["10S", undefined],
  ["s", undefined],
  ["1s ", undefined],
  ["", undefined],
  ["9999999999h", undefined],
])("the duration %j", (text, nanoseconds) => {
  expect(parseDuration(text)).toBe(nanoseconds);
});
