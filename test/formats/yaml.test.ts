/** YAML that no editor wrote, and YAML that is a slip: each ends in a fault at its place, in our words, without the text's content. */
import { describe, expect, test } from "vitest";
import { readCompose } from "../../src/formats/compose/index.ts";
import { largestYaml } from "../../src/formats/yaml/index.ts";

const faultsOf = (text: string) =>
  readCompose(text, new Map()).faults.map(({ message, place }) => [place.line, message] as const);
const service = (lines: string): string => `services:\n  app:\n    image: nginx:1.27\n${lines}`;

describe("an alias without an anchor", () => {
  test.each([
    ["a value", "    environment: {DB_PASSWORD: *Sup3rS3cret!}\n"],
    ["a value in block form", "    environment:\n      DB_PASSWORD: *Sup3rS3cret!\n"],
    ["a mapping", "    environment: *Sup3rS3cret\n"],
    ["an item", "    ports: [*Sup3rS3cret]\n"],
    ["an extension", "    x-a: *Sup3rS3cret\n"],
    ["a key", "    environment: {*Sup3rS3cret : a}\n"],
    ["a part of a key", "    environment:\n      ? [*Sup3rS3cret]\n      : a\n"],
    ["a merge", "    <<: *Sup3rS3cret\n"],
    ["before its anchor", "    x-a: *Sup3rS3cret\n    x-b: &Sup3rS3cret 1\n"],
  ])("%s is a fault at its place, and is not quoted", (_, lines) => {
    const faults = faultsOf(service(lines));
    expect(faults).toHaveLength(1);
    expect(faults[0]?.[0]).toBeGreaterThan(3);
    expect(faults[0]?.[1]).not.toContain("Sup3r");
  });
});

describe("what Compose refuses", () => {
  test.each([
    ["two merges in one mapping", "    <<: {tty: true}\n    <<: {init: true}\n", "twice"],
    ["a key twice", "    image: nginx\n", 'key "image" is there twice'],
    ["a key that is a list", "    ? [a, b]\n    : c\n", "a key must be text"],
    ["a key that is a number", "    environment: {5: a}\n", "a key must be text"],
    ["a tab", "\ttty: true\n", "tab"],
    ["an anchor within itself", "    x-a: &a {b: *a}\n", "contains itself"],
    ["several documents", "---\nservices: {}\n", "several YAML documents"],
  ])("%s", (_, lines, words) => {
    const faults = faultsOf(service(lines));
    expect(faults).toHaveLength(1);
    expect(faults[0]?.[1]).toContain(words);
  });
});

const many = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join("");
const bomb = (): string => {
  const levels = many(9, (at) => `  - &a${at + 1} [${`*a${at}, `.repeat(9)}x]\n`);
  return `x-a:\n  - &a0 x\n${levels}${service("    labels: *a9\n")}`;
};
const mebibyte = 1024 * 1024;
/** Texts up to 1 MiB, and whether they are refused as YAML. */
const hostile: readonly (readonly [what: string, text: string, words: string | undefined])[] = [
  ["nested complex keys", `${"? ".repeat(5_000)}a`, "nested"],
  ["a few nested complex keys", `${"? ".repeat(24)}a`, "a key must be text"],
  ["complex keys between brackets", `${"{? ".repeat(60)}a${"}".repeat(60)}`, "a key must be text"],
  ["brackets without end", "[".repeat(90_000), "nested"],
  ["nested brackets", `${"[".repeat(200)}${"]".repeat(200)}`, "nested more than"],
  ["nested mappings", many(300, (at) => `${" ".repeat(at)}a:\n`), "nested more than"],
  ["closing braces", "}".repeat(largestYaml), "invalid YAML"],
  ["an alias bomb", bomb(), "aliases add more than"],
  ["anchors that hold themselves", `x: &a [*a, *a]\ny: &b {c: *b}\n`, "contains itself"],
  ["more than there may be", `x:\n${"- a\n".repeat(mebibyte / 4)}`, "KiB of YAML"],
  ["many items", `x-a:\n${"- a\n".repeat(largestYaml / 4 - 9)}`, undefined],
  ["many keys", service(`    environment:\n${many(5_200, (at) => `      K${at}: v\n`)}`), undefined],
  [
    "many variables",
    service(`    environment:\n${many(3_400, (at) => `      K${at}: "\${X:-$${at}}"\n`)}`),
    undefined,
  ],
  ["one value of many variables", service(`    command: "${"${X:-}".repeat(14_000)}"\n`), undefined],
  ["nested defaults", service(`    command: "${"${X:-".repeat(10_000)}${"}".repeat(10_000)}"\n`), undefined],
  ["braces that do not match", service(`    command: "${"${X:-{{".repeat(10_000)}}"\n`), undefined],
  [
    "many aliases",
    service(`    x-a:\n${many(3_500, (at) => `      - &a${at} b\n      - *a${at}\n`)}`),
    undefined,
  ],
  ["many ports", service(`    ports:\n${many(5_200, (at) => `      - "${at}:80"\n`)}`), undefined],
  [
    "many services",
    `services:\n${many(1_200, (at) => `  s${at}: {image: "a:1", depends_on: [s${at + 1}]}\n`)}`,
    undefined,
  ],
];

describe("a hostile text of up to 1 MiB is judged within a second", () => {
  test.each(hostile)("%s", (_, text, words) => {
    const started = process.cpuUsage();
    const faults = faultsOf(text);
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1_000, "milliseconds of processor time").toBeLessThan(1_000);
    if (words !== undefined) expect(faults[0]?.[1]).toContain(words);
    expect(faults.every(([line]) => line > 0)).toBe(true);
  });
});
