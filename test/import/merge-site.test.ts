/** Merging the files of an import into those of a site: texts, secrets, and files that a person removed or made. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergedSite, remembered } from "../../src/import/merge/site.ts";
import { mergedText } from "../../src/import/merge/text.ts";
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
