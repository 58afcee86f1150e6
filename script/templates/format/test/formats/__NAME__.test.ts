import fc from "fast-check";
import { expect, test } from "vitest";
import { check__Name__, parse__Name__, print__Name__ } from "../../src/formats/__NAME__/index.ts";

test("what is printed reads back as it was, and has no fault", () => {
  const entry = fc.record({ key: fc.stringMatching(/^\w+$/), value: fc.stringMatching(/^[\w./:-]*$/) });
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      expect(parse__Name__(print__Name__(entries))).toEqual(entries);
      expect(check__Name__(print__Name__(entries))).toEqual([]);
    }),
  );
});

test("a fault has its line", () => {
  expect(check__Name__("# x\na = b\n?\n")).toMatchObject([{ place: 3, message: "expected KEY = VALUE" }]);
});
