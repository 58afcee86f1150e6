/** __CODE__: a site that passes and one that fails. */
import { expect, test } from "vitest";
import { __name__ } from "../../src/fabric/__NAME__.ts";
import { labSite } from "../lab/site.ts";

test("the lab's site passes", () => {
  expect(__name__(labSite)).toEqual([]);
});

test("the problem has its code, its place and a hint", () => {
  const [guest, ...others] = labSite.guests;
  if (guest === undefined) throw new Error("the lab's site has no guest");
  const problems = __name__({ ...labSite, guests: [{ ...guest, name: "example" }, ...others] });
  expect(problems).toEqual([
    {
      code: "__CODE__",
      severity: "error",
      message: '__TITLE__: guest "example"',
      at: guest.from,
      hint: "rename the guest",
    },
  ]);
});
