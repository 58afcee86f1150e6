/**
 * Rules that a real Traefik was given (3.0.4 and 3.7.15, which agree): whether its API called the router enabled. The
 * product's grammar and the lab's, which know nothing of each other, must answer the same.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RuleError, ruleMatcher } from "../../lab/traefik/match.ts";
import { readRule } from "../../src/formats/traefik/rule.ts";

const cases: Readonly<Record<string, readonly string[]>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "../cases/traefik/rules.json"), "utf8"),
);
const accepted = cases.accepted ?? [];
// A star stands for one label from 3.7.0 on; before, it is a literal star.
const neverMatching = cases["accepted, but never matches"] ?? [];
const refused = cases.refused ?? [];

test("there are enough cases", () => {
  expect([accepted.length, refused.length].map((length) => length > 60)).toEqual([true, true]);
});

describe("the product", () => {
  test.each(accepted)("accepts %j", (rule) => {
    expect(readRule(rule).faults).toEqual([]);
  });

  test.each([...neverMatching, ...refused])("reports %j", (rule) => {
    expect(readRule(rule).faults).toHaveLength(1);
  });
});

describe("the lab", () => {
  test.each([...accepted, ...neverMatching])("accepts %j", (rule) => {
    expect(typeof ruleMatcher(rule)).toBe("function");
  });

  test.each(refused)("refuses %j", (rule) => {
    expect(() => ruleMatcher(rule)).toThrow(RuleError);
  });
});
