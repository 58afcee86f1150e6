/** Texts that nest without end: each ends in a problem with a place, and none in the words of the program's own stack. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadSite } from "../../src/site/load.ts";
import { inDirectory, layOut, problemText } from "./tree.ts";

const compose = "stacks/wiki/docker-compose.yml";
const config = "stacks/wiki/phoenix.json";
const n = 20_000;

const underImage = (lines: string) => (text: string) =>
  text.replace(/^ {4}image:.*$/m, (image) => `${image}\n${lines}`);
const label = (value: string) => (text: string) =>
  text.replace('"traefik.enable=true"', () => `"traefik.enable=true",${JSON.stringify(value)}`);
const rule = (value: string) => label(`traefik.http.routers.deep.rule=${value}`);

test.each<[string, string, (text: string) => string]>([
  ["JSON", config, () => '{"a":'.repeat(n)],
  ["lists of YAML", compose, underImage(`    command: ${"[".repeat(n)}`)],
  ["closed lists of YAML", compose, underImage(`    x-deep: ${"[".repeat(n)}${"]".repeat(n)}`)],
  ["mappings of YAML", compose, underImage(`    x-deep: ${"{a: ".repeat(n)}1${"}".repeat(n)}`)],
  [
    "blocks of YAML",
    compose,
    (text) =>
      `${text}x-deep:\n${Array.from({ length: 2_000 }, (_, at) => `${" ".repeat(at + 1)}a:`).join("\n")}\n`,
  ],
  ["items of YAML", compose, (text) => `${text}x-deep:\n  ${"- ".repeat(n)}1\n`],
  ["defaults of variables", compose, underImage(`    command: ${"${A:-".repeat(n)}x${"}".repeat(n)}`)],
  ["defaults of variables in a label", config, label(`a=${"${A:-".repeat(n)}x${"}".repeat(n)}`)],
  ["brackets of a rule", config, rule(`${"(".repeat(n)}Host(\`a.lab.example.net\`)${")".repeat(n)}`)],
  ["negations of a rule", config, rule(`${"!".repeat(n)}Host(\`a.lab.example.net\`)`)],
  [
    "alternatives of a rule",
    config,
    rule(Array.from({ length: n }, () => "Host(`a.lab.example.net`)").join(" || ")),
  ],
  ["groups of a regular expression", config, rule(`HostRegexp(\`${"(".repeat(n)}a${")".repeat(n)}\`)`)],
  ["parts of a label's key", config, label(`traefik.http.middlewares.m.${"a.".repeat(n)}b=1`)],
  [
    "parts of a Compose label's key",
    compose,
    underImage(`    labels:\n      - traefik.http.services.${"a.".repeat(n)}b=1`),
  ],
  [
    "quotes of a command",
    "etc/certificate-manifest.json",
    (text) =>
      text.replace(
        /"common_name"/,
        () => `"post_renewal_command": ${JSON.stringify(`'"`.repeat(n))}, "common_name"`,
      ),
  ],
])(
  "%s",
  async (_, file, spoil) => {
    await inDirectory(async (directory) => {
      layOut(directory, "");
      const path = join(directory, file);
      writeFileSync(path, spoil(readFileSync(path, "utf8")));
      const started = performance.now();
      const { problems } = await loadSite(directory);
      const told = problems.map(problemText).join("\n");
      expect(told).not.toMatch(/call stack|RangeError|string length/);
      expect(performance.now() - started).toBeLessThan(5_000);
    });
  },
  20_000,
);
