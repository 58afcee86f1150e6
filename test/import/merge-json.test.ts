/** Merging an import into a site that a person has edited: what they wrote stays, with its comments. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergedJson } from "../../src/import/merge/json.ts";
import { type JsonNode, parseJson } from "../../src/site/text/json.ts";

const base = `{
  "domain_name": "lan.example.net", // /etc/dnsmasq.conf:3
  "network": { "interfaces": { "name": "vmbr0", "address": "10.0.0.2/24" } },
  "vms": {
    // /etc/pve/nodes/pve/qemu-server/310.conf
    "310": { "name": "apps", "start_at_boot": true }
  }
}
`;

const own = base
  .replace('"start_at_boot": true', '"start_at_boot": false')
  .replace("// /etc/pve/nodes/pve/qemu-server/310.conf", "// The machine of the children.");

const merge = (found: string, mine = own, before: string | undefined = base) =>
  mergedJson(before, mine, found)!;

describe("a value that the host changed", () => {
  test("is changed where nobody edited it, and nothing else is", () => {
    const found = base.replace("10.0.0.2/24", "10.0.0.3/24");
    expect(merge(found)).toEqual({
      text: own.replace("10.0.0.2/24", "10.0.0.3/24"),
      conflicts: [],
      gone: [],
      removed: [],
    });
  });

  test("is told where a person changed it too, and theirs stays", () => {
    const mine = own.replace('"apps"', '"my-apps"');
    const { text, conflicts } = merge(base.replace('"apps"', '"apps-two"'), mine);
    expect(text).toBe(mine);
    expect(conflicts).toEqual([{ path: "vms.310.name", line: 6, own: '"my-apps"', found: '"apps-two"' }]);
  });

  test("is no conflict where both changed it alike", () => {
    const found = base.replace('"apps"', '"a"');
    expect(merge(found, own.replace('"apps"', '"a"'))).toMatchObject({ conflicts: [], gone: [] });
  });

  test("that a person removed stays removed", () => {
    const mine = own.replace('"domain_name": "lan.example.net", // /etc/dnsmasq.conf:3\n  ', "");
    expect(merge(base, mine)).toMatchObject({ text: mine, conflicts: [], removed: ["domain_name"] });
    expect(merge(base.replace("lan.example", "x.example"), mine)).toMatchObject({
      text: mine,
      conflicts: [{ path: "domain_name", own: "removed" }],
    });
  });
});

describe("what is new on the host", () => {
  test("comes with its comments, in its place", () => {
    const found = base.replace(
      '"start_at_boot": true }\n',
      '"start_at_boot": true },\n    // 311.conf\n    "311": {\n      "name": "two" // 311.conf:4\n    }\n',
    );
    expect(merge(found).text).toBe(
      own.replace(
        '"start_at_boot": false }\n',
        '"start_at_boot": false },\n    // 311.conf\n    "311": {\n      "name": "two" // 311.conf:4\n    }\n',
      ),
    );
  });

  test("keeps the comment behind the entry that it follows", () => {
    const short = '{\n  "a": 1 // one\n}\n';
    expect(merge('{\n  "a": 1,\n  "b": 2 // two\n}\n', short, short).text).toBe(
      '{\n  "a": 1, // one\n  "b": 2 // two\n}\n',
    );
  });

  test("goes into empty objects, lists on one line, and before the first entry", () => {
    expect(merge('{ "a": { "x": 1 } }', '{ "a": {} }', '{ "a": {} }').text).toBe('{ "a": {\n  "x": 1\n} }');
    expect(plainOf(merge('{ "a": [1, 2, 3] }', '{ "a": [1, 9] }', '{ "a": [1] }').text)).toEqual({
      a: [1, 2, 3, 9],
    });
    expect(
      plainOf(merge('{\n  "z": 0,\n  "a": 1\n}', '{\n  // first\n  "a": 2\n}', '{ "a": 1 }').text),
    ).toEqual({
      z: 0,
      a: 2,
    });
  });
});

test("what the host has no more stays, and is told", () => {
  const found = base.replace(/ {4}\/\/ .*\n {4}"310".*\n/, "");
  expect(merge(found)).toEqual({ text: own, conflicts: [], gone: ["vms.310"], removed: [] });
});

test("without a last import everything of a person's stays", () => {
  const { text, conflicts } = mergedJson(undefined, '{ "a": 1 }', '{ "a": 2, "b": 3 }')!;
  expect(plainOf(text)).toEqual({ a: 1, b: 3 });
  expect(conflicts).toMatchObject([{ path: "a", own: "1", found: "2" }]);
});

test("a person's own rule in the middle, and the host's new one at the end", () => {
  const list = (...ports: string[]) =>
    `{\n  "rules": [\n    ${ports.map((port) => `{ "action": "ACCEPT", "port": "${port}" }`).join(",\n    ")}\n    // Mine, at the end.\n  ]\n}\n`;
  expect(merge(list("22", "443", "8443"), list("22", "80", "443"), list("22", "443"))).toMatchObject({
    text: list("22", "80", "443", "8443"),
    conflicts: [],
    removed: [],
  });
});

test("rules that the host put in another order follow it, unless a person changed the list", () => {
  const list = (...ports: number[]) => `{ "name": "x", "rules": ${JSON.stringify(ports)} }`;
  const edited = list(1, 2).replace('"x"', '"mine"');
  expect(plainOf(merge(list(2, 1), edited, list(1, 2)).text)).toEqual({ name: "mine", rules: [2, 1] });
  expect(merge(list(2, 1), list(1, 9, 2), list(1, 2))).toMatchObject({
    text: list(1, 9, 2),
    conflicts: [{ path: "rules", own: "[1,9,2]", found: "[2,1]" }],
  });
  expect(merge(list(1, 2), list(2, 1), list(1, 2))).toMatchObject({ text: list(2, 1), conflicts: [] });
});

test("a renamed key stays renamed, and a comment before the comma stays one", () => {
  const mine = '{\n  "b": 1 // mine\n  , "c": 3\n}\n';
  const { text, removed } = merge('{ "a": 1, "b": 1, "d": 4, "c": 3 }', mine, '{ "a": 1, "b": 1, "c": 3 }');
  expect(plainOf(text)).toEqual({ b: 1, d: 4, c: 3 });
  expect(text).toContain("// mine");
  expect(removed).toEqual(["a"]);
});

test("rules of a firewall are told apart by all that they say", () => {
  const rule = (port: string) => `{ "type": "in", "action": "ACCEPT", "port": "${port}", "name": "x" }`;
  const list = (...ports: string[]) => `{\n  "rules": [\n    ${ports.map(rule).join(",\n    ")}\n  ]\n}\n`;
  expect(merge(list("22", "80", "443"), list("22", "443"), list("22", "443")).text).toBe(
    list("22", "80", "443"),
  );
});

function plainOf(text: string): unknown {
  return dataOf(parseJson(text).root);
}

function dataOf(node: JsonNode): unknown {
  if (node.kind === "object")
    return Object.fromEntries([...node.members.values()].map(({ key, value }) => [key, dataOf(value)]));
  if (node.kind === "array") return node.items.map(dataOf);
  return node.kind === "null" ? null : node.value;
}

describe("any values", () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom("x", "y", true),
      fc.array(tie("any"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "b", "c", "name"), tie("any"), { maxKeys: 3 }),
    ),
  })).any;
  const object = fc.dictionary(fc.constantFrom("a", "b", "c"), value);
  const indent = fc.constantFrom(undefined, 2);

  test("merge into JSON that a second merge leaves alone", () => {
    fc.assert(
      fc.property(object, object, object, indent, indent, (before, mine, found, one, two) => {
        const next = JSON.stringify(found, undefined, one);
        const once = mergedJson(JSON.stringify(before), JSON.stringify(mine, undefined, two), next)!;
        expect(mergedJson(next, once.text, next)).toMatchObject({
          text: once.text,
          conflicts: [],
          gone: [],
        });
      }),
    );
  });

  test("and any comments of a person's merge into JSON that says the same", () => {
    const comment = fc.constantFrom(
      "",
      " ",
      "\n",
      " // one\n",
      " /* two */ ",
      "/* a\n b */",
      "\t//\n  /**/ ",
    );
    const comments = fc.array(comment, { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(
        object,
        object,
        object,
        comments,
        fc.boolean(),
        (before, mine, found, between, trailing) => {
          let at = 0;
          const next = () => between[at++ % between.length];
          const commented = JSON.stringify(mine).replace(/[{}[\],:]/g, (sign) => `${next()}${sign}${next()}`);
          const text = trailing ? commented.replace(/(?<=[\d"e])(?=\s*\}$)/, ",") : commented;
          const [old, theirs] = [JSON.stringify(before), JSON.stringify(found)];
          const plainly = mergedJson(old, JSON.stringify(mine), theirs)!;
          const merged = mergedJson(old, text, theirs)!;
          expect(plainOf(merged.text)).toEqual(plainOf(plainly.text));
          const count = (one: string) => one.match(/one|two|a\n b/g)?.length ?? 0;
          if (merged.text.length >= text.length) expect(count(merged.text)).toBeLessThanOrEqual(count(text));
        },
      ),
    );
  });

  test("of the host come whole where a person changed nothing, but for what is gone", () => {
    fc.assert(
      fc.property(object, object, indent, (before, more, one) => {
        const found = { ...before, ...more };
        const text = JSON.stringify(before, undefined, one);
        const merged = mergedJson(text, text, JSON.stringify(found));
        expect(merged?.conflicts).toEqual([]);
        if (merged?.gone.length === 0)
          expect(mergedJson(merged.text, merged.text, JSON.stringify(found))?.text).toBe(merged.text);
      }),
    );
  });
});
