/** What a person would have written for a Compose file that runs, when only the prepared text of it is known. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { preparedCompose } from "../../src/formats/compose/prepare.ts";
import { writtenBehind } from "../../src/formats/compose/written.ts";

const labels = (value: string) => new Map([["web", [{ key: "traefik.enable", value }]]]);

function prepared(text: string, value = "true", content = "a"): string {
  return preparedCompose(text, {
    variables: new Map(),
    labels: labels(value),
    directory: "/share/stacks/wiki",
    files: new Map([["web.conf", { content, destination: "/etc/web.conf" }]]),
  }).text;
}

const written = `# The wiki.
services:
  web:
    image: wiki:2 # the present one
    ports:
      - "80:80"
  database:
    image: postgres:16
`;

describe("what an earlier version said is found", () => {
  test.each([
    ["an image", written.replace("wiki:2", "wiki:1")],
    ["a comment", written.replace("# The wiki.\n", "")],
    ["an item beside the labels", written.replace('      - "80:80"\n', '      - "80:80"\n      - "81:81"\n')],
    ["a service less", written.replace(/ {2}database[\s\S]*/, "")],
  ])("%s", (_, earlier) => {
    expect(writtenBehind(prepared(earlier), written, prepared(written))).toBe(earlier);
  });
});

test("a service that goes is shown with what was added to it", () => {
  const earlier = `${written}  cache:\n    image: redis:7\n`;
  const found = writtenBehind(prepared(earlier), written, prepared(written)) ?? "";
  expect(found.startsWith(earlier)).toBe(true);
  expect(found.slice(earlier.length)).toContain("phoenix.files");
});

test("a difference in what preparing adds is not in it", () => {
  for (const running of [prepared(written, "false"), prepared(written, "true", "b")]) {
    expect(running).not.toBe(prepared(written));
    expect(writtenBehind(running, written, prepared(written))).toBe(written);
  }
});

test("every line of a person that differs is in it, and in its place", () => {
  const line = fc.constantFrom("    tty: true", "    init: true", "    user: nobody", "    hostname: wiki");
  fc.assert(
    fc.property(fc.uniqueArray(line), fc.uniqueArray(line), (before, after) => {
      const file = (lines: readonly string[]): string =>
        `services:\n  web:\n    image: a:1\n${lines.map((each) => `${each}\n`).join("")}`;
      const found = writtenBehind(prepared(file(before)), file(after), prepared(file(after))) ?? "";
      const own = found.split("\n").filter((each) => /tty|init|user|hostname/.test(each));
      expect(own).toEqual(before);
    }),
    { numRuns: 200 },
  );
});

test("two large texts that have nothing in common are given up in time", () => {
  const long = (word: string): string =>
    Array.from({ length: 30_000 }, (_, at) => `${word}${at * 7}`).join("\n");
  const started = performance.now();
  writtenBehind(long("a"), long("b"), long("c"));
  expect(performance.now() - started).toBeLessThan(5_000);
});
