/** The recorded answers of real systems belong to the inputs beside them: each input has an answer of each version, and no answer is left over. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readCases } from "../script/record/cases.mjs";

const root = join(import.meta.dirname, "cases/recorded");

test.each([
  ["compose/documents", /^recorded-[\d.]+\.json$/, 2],
  ["traefik/files", /^recorded-files-[\d.]+\.json$/, 2],
  ["traefik/labels", /^recorded-labels-[\d.]+\.json$/, 2],
  ["pve-firewall/files", /^recorded-files-[\d.]+\.json$/, 1],
  ["swarm/cases", /^recorded-[\d.]+\.json$/, 1],
])("every case of %s has its answers", (inputs, pattern, versions) => {
  const names = readCases(join(root, inputs), "main").map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expectAnswers(inputs, pattern, versions, names);
});

test("every line of a firewall file has its answer", () => {
  const lines = readdirSync(join(root, "pve-firewall/lines")).flatMap((file) =>
    readFileSync(join(root, "pve-firewall/lines", file), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => `${file.replace(".txt", "")}/${line}`),
  );
  expectAnswers("pve-firewall/lines", /^recorded-lines-[\d.]+\.json$/, 1, lines);
});

function expectAnswers(inputs: string, pattern: RegExp, versions: number, names: readonly string[]): void {
  const folder = join(root, inputs, "..");
  const recordings = readdirSync(folder).filter((file) => pattern.test(file));
  expect(recordings).toHaveLength(versions);
  for (const file of recordings) {
    const { answers } = JSON.parse(readFileSync(join(folder, file), "utf8")) as { answers: object };
    expect(Object.keys(answers).sort(), file).toEqual([...names].sort());
  }
}
