/** Merging the files of an import into those of a site: texts, secrets, and files that a person removed or made. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergedText } from "../../src/formats/text/merge.ts";
import { mergedSite, remembered } from "../../src/import/merge/site.ts";
import type { SiteFile } from "../../src/import/write.ts";

const file = (path: string, text: string, isSecret?: true): SiteFile =>
  isSecret ? { path, text, isSecret, places: [] } : { path, text, places: [] };

const merge = (last: SiteFile[], present: Record<string, string>, next: SiteFile[]) =>
  mergedSite(remembered(last), new Map(Object.entries(present)), next);

describe("a text", () => {
  const base = "a\nb\nc\nd\ne\n";

  test("gets the host's lines between a person's", () => {
    expect(mergedText(base, base.replace("a", "A # mine"), base.replace("d", "D"))).toBe(
      "A # mine\nb\nc\nD\ne\n",
    );
    expect(mergedText(base, `# mine\n${base}`, `${base}f\n`)).toBe(`# mine\n${base}f\n`);
  });

  test("is a conflict where both changed a line, and none where they did the same", () => {
    expect(mergedText(base, base.replace("b", "x"), base.replace("b", "y"))).toBeUndefined();
    expect(mergedText(base, base.replace("b", "x"), base.replace("b", "x"))).toBe(base.replace("b", "x"));
  });

  test("is whole where one side changed nothing", () => {
    const lines = fc.array(fc.constantFrom("a", "b", "c", ""), { maxLength: 8 }).map((all) => all.join("\n"));
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        expect(mergedText(before, before, after)).toBe(after);
        expect(mergedText(before, after, before)).toBe(after);
        expect(mergedText(before, after, after)).toBe(after);
      }),
    );
  });
});

describe("a file", () => {
  test("that is new on the host is made, and one that a person removed stays removed", () => {
    const [a, b] = [file("a.yml", "1\n"), file("b.yml", "2\n")];
    const merges = merge([b], {}, [a, b]);
    expect(merges.map(({ path, verb }) => [path, verb])).toEqual([
      ["a.yml", "create"],
      ["b.yml", "unchanged"],
    ]);
    expect(merges.map(({ removed }) => removed)).toEqual([[], ["b.yml"]]);
  });

  test("comes back where the host has changed it", () => {
    expect(merge([file("a.yml", "1\n")], {}, [file("a.yml", "2\n")])).toMatchObject([
      { verb: "create", after: "2\n" },
    ]);
  });

  test("of a person's is not touched, whatever the host has", () => {
    const [merged] = merge([], { "a.yml": "mine\n" }, [file("a.yml", "theirs\n")]);
    expect(merged).toMatchObject({ verb: "unchanged", after: "mine\n", conflicts: [{ own: "1 line" }] });
  });

  test("that the host has no more stays", () => {
    expect(merge([file("a.yml", "1\n")], { "a.yml": "1\n" }, [])).toMatchObject([
      { verb: "unchanged", gone: ["a.yml"] },
    ]);
  });
});

describe("a file of another editor", () => {
  const crlf = (text: string) => text.replaceAll("\n", "\r\n");
  const [base, found] = [
    '{\n  "a": 1, // one\n  "b": 2\n}\n',
    '{\n  "a": 9, // one\n  "b": 2,\n  "c": 3\n}\n',
  ];

  test.each([
    ["CRLF", crlf],
    ["a byte order mark", (text: string) => `\uFEFF${text}`],
    ["both", (text: string) => `\uFEFF${crlf(text)}`],
  ])("keeps its %s, and gets what is new", (_, styled) => {
    const own = base.replace('"b": 2', '"b": 5');
    const [json] = merge([file("a.json", base)], { "a.json": styled(own) }, [file("a.json", found)]);
    expect(json).toMatchObject({ after: styled(found.replace('"b": 2', '"b": 5')), conflicts: [] });
    const [same] = merge([file("a.json", base)], { "a.json": styled(base) }, [file("a.json", base)]);
    expect(same).toMatchObject({ verb: "unchanged", after: styled(base), removed: [] });
    const [text] = merge([file("a.yml", "a\nb\nc\n")], { "a.yml": styled("a # mine\nb\nc\n") }, [
      file("a.yml", "a\nb\nC\n"),
    ]);
    expect(text).toMatchObject({ after: styled("a # mine\nb\nC\n"), conflicts: [] });
  });
});

test("a .gitignore gets the lines that it lacks, and none that a person took out", () => {
  const [last, next] = [file(".gitignore", "/secrets/\n/x\n"), file(".gitignore", "/secrets/\n/x\n/y\n")];
  expect(merge([last], { ".gitignore": "/secrets/\n/mine" }, [next])).toMatchObject([
    { verb: "update", after: "/secrets/\n/mine\n/y\n", conflicts: [] },
  ]);
});

describe("a secret", () => {
  const secret = (text: string) => file("secrets/x", text, true);

  test("is remembered by a fingerprint alone, and follows the host until a person changes it", () => {
    expect(JSON.stringify([...remembered([secret("hidden\n")])])).not.toContain("hidden");
    expect(merge([secret("1\n")], { "secrets/x": "1\n" }, [secret("2\n")])).toMatchObject([
      { verb: "update", after: "2\n", isPrivate: true, isSecret: true },
    ]);
    expect(merge([secret("1\n")], { "secrets/x": "mine\n" }, [secret("2\n")])).toMatchObject([
      { verb: "unchanged", after: "mine\n", conflicts: [{}] },
    ]);
  });
});
