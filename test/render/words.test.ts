import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { columnsOf } from "../../src/render/columns.ts";
import { clip, table, wrap } from "../../src/render/layout.ts";
import { placeOf } from "../../src/render/text-changes.ts";
import { clean, count, duration, flat, list, oneLine, shortList, span } from "../../src/render/words.ts";
import { withoutSecrets } from "../../src/secret-spans.ts";

describe("numbers in human units", () => {
  test.each([
    [0, "0 ms"],
    [41.4, "41 ms"],
    [412, "0.4 s"],
    [8_312, "8.3 s"],
    [9_960, "10 s"],
    [31_000, "31 s"],
    [59_700, "1 min 0 s"],
    [125_000, "2 min 5 s"],
    [12_000_000, "3 h 20 min"],
  ])("%d ms is %s", (ms, words) => {
    expect(duration(ms)).toBe(words);
  });

  test.each([
    [-5, "0 s"],
    [20_000, "20 s"],
    [180_000, "3 min"],
    [54_000_000, "15 h"],
    [1_036_800_000, "12 days"],
  ])("%d ms ago is %s ago", (ms, words) => {
    expect(span(ms)).toBe(words);
  });

  test("one is singular", () => {
    expect([count(1, "check"), count(0, "check"), count(2, "entry", "entries")]).toEqual([
      "1 check",
      "0 checks",
      "2 entries",
    ]);
  });

  test("lists", () => {
    expect([list([]), list(["a"]), list(["a", "b", "c"]), shortList(["a", "b", "c"], 2)]).toEqual([
      "",
      "a",
      "a, b and c",
      "a, b and 1 more",
    ]);
  });
});

describe("text from outside", () => {
  test("cannot move the cursor, ring the bell or turn the reading direction", () => {
    const dirty = "\u001b[2Ja\u0007\u202eb\u009bc\rd\ue000\ud800";
    expect(clean(dirty)).toBe("\\u001b[2Ja\\u0007\\u202eb\\u009bc\\u000dd\ue000\\ud800");
  });

  test("on one line", () => {
    expect(oneLine("a\n\tb\r\n")).toBe("a\\n\\tb");
    expect(flat(" a\n   b\n")).toBe("a b");
  });

  test("never fails and never lets a control character through", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
        expect(oneLine(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });
});

describe("layout", () => {
  test("a line is broken between words and never inside a command", () => {
    expect(wrap("run `phoenix sync stacks` then look", 20)).toEqual([
      "run",
      "`phoenix sync stacks`",
      "then look",
    ]);
  });

  test("wrapping loses no word", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,12}$/)),
        fc.integer({ min: 1, max: 30 }),
        (words, width) => {
          expect(wrap(words.join(" "), width).join(" ").split(" ")).toEqual(words.join(" ").split(" "));
        },
      ),
    );
  });

  test.each([
    "plain",
    "naïve · … ->",
    "Ωмега",
    "日本語",
    "한국어",
    "ｆｕｌｌ",
    "e\u0301",
    "🚀 up",
    "👩‍🚀",
    "❤️",
    "\u001b[31mred\u001b[39m",
  ])("%s is as wide as string-width says", (text) => {
    expect(columnsOf(text)).toBe(stringWidth(text));
  });

  test("so is any text of the scripts that people name machines in", () => {
    const letters = fc.constantFrom(
      ..."abz09-_. äßÇøłŽ№§°µ×ΑωДя한글日本語かなカナ漢字，。（）［］“”–…·→│",
      "e\u0301",
      "\u001b[1mx\u001b[22m",
    );
    fc.assert(
      fc.property(fc.array(letters), (parts) => {
        expect(columnsOf(parts.join(""))).toBe(stringWidth(parts.join("")));
      }),
    );
  });

  test("wide characters count as two columns", () => {
    expect(clip("日本語日本語", 7)).toBe("日本語…");
    expect(
      table(
        [
          ["日本", "x"],
          ["abcdef", "y"],
        ],
        [{}, {}],
        80,
      ),
    ).toEqual(["日本    x", "abcdef  y"]);
  });
});

describe("an excerpt of a site that is not understood", () => {
  test.each([
    [
      '  "admin_password": "hunter2 \\" x", "ip": "10.0.0.1"',
      '  "admin_password": "(secret)", "ip": "10.0.0.1"',
    ],
    ["PORTAINER_TOKEN=abc.def", "PORTAINER_TOKEN=(secret)"],
    ["api_key: 'k e y' # note", "api_key: '(secret)' # note"],
    [
      '"admin_password": ["hunter2", "x"], "ip": "10.0.0.1"',
      '"admin_password": ["(secret)", "(secret)"], "ip": "10.0.0.1"',
    ],
    ['"admin_password": [["hunter2"', '"admin_password": [["(secret)"'],
    ['"admin_password": { "value": "hunter2" }, "a": 1', '"admin_password": { (secret) }, "a": 1'],
    [
      '{ "name": "API_KEY", "val": "hunter2" }, { "name": "PORT", "value": "80" }',
      '{ "name": "API_KEY", "val": "(secret)" }, { "name": "PORT", "value": "80" }',
    ],
    [
      '{ "value": "hunter2", "name": "MY TOKEN" }, { "name": "PORT", "value": "80" }',
      '{ "value": "(secret)", "name": "MY TOKEN" }, { "name": "PORT", "value": "80" }',
    ],
    ['"name": "DB_PASSWORD", "value": "file:db"', '"name": "DB_PASSWORD", "value": "file:db"'],
    ['"admin_password": "env:ADMIN"', '"admin_password": "env:ADMIN"'],
    ['"ip": "10.0.0.1"', '"ip": "10.0.0.1"'],
  ])("%s", (line, shown) => {
    expect(withoutSecrets(line)).toBe(shown);
  });
});

test("names of files and directories are made safe as well", () => {
  expect(placeOf({ file: "stacks/\u001b[2Jx\u202e/phoenix.json", line: 1, column: 2 })).toBe(
    "stacks/\\u001b[2Jx\\u202e/phoenix.json:1:2",
  );
});
