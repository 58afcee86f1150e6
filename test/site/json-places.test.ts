/** Edits of a JSON text with comments touch nothing else. */
import { expect, test } from "vitest";
import { pathAt, withEdits } from "../../src/site/text/json-places.ts";

const text = `{
  // who
  "a": [
    { "name": "one", "ip": "1" }, // first
    { "name": "two", "ip": "2" }
  ],
  "flat": ["x", "y", "z"]
}
`;

test("a place leads to its entry", () => {
  expect(pathAt(text, { line: 5, column: 7 })).toEqual(["a", 1, "name"]);
  expect(pathAt(text, { line: 7, column: 3 })).toEqual(["flat"]);
  expect(pathAt(text, { line: 2, column: 3 })).toBeUndefined();
});

test("values, removals and additions at once", () => {
  const edited = withEdits(text, [
    { kind: "set", path: ["a", 0, "ip"], value: "9" },
    { kind: "remove", path: ["a", 1] },
    { kind: "add", path: ["a"], value: { name: "three", ip: "3" } },
    { kind: "remove", path: ["flat", 1] },
    { kind: "add", path: [], key: "rules", value: [{ type: "in" }] },
  ]);
  expect(edited).toBe(`{
  // who
  "a": [
    { "name": "one", "ip": "9" }, // first
    { "name": "three", "ip": "3" }
  ],
  "flat": ["x", "z"],
  "rules": [
    { "type": "in" }
  ]
}
`);
});

test("removing the first, the last and all entries leaves valid JSON", () => {
  for (const gone of [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]]) {
    const edited = withEdits(
      text,
      gone.map((at) => ({ kind: "remove", path: ["flat", at] })),
    );
    const left = ["x", "y", "z"].filter((_, at) => !gone.includes(at));
    expect(JSON.parse(edited.replace(/\/\/.*/g, "")).flat).toEqual(left);
  }
});

test("what comes first goes before the others; no edit leaves any text alone", () => {
  expect(withEdits('{ "l": [\n  1\n] }', [{ kind: "add", path: ["l"], after: -1, value: 0 }])).toBe(
    '{ "l": [\n  0,\n  1\n] }',
  );
  expect(withEdits("not JSON", [])).toBe("not JSON");
});
