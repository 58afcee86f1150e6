/**
 * What script/new adds to a copy of the checkout passes script/check and its own tests; a component that it adds is known
 * everywhere at once, by one folder and one line.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { options } from "../../script/esbuild-options.mjs";

const root = join(import.meta.dirname, "../..");
const home = mkdtempSync(join(tmpdir(), "phoenix-new-"));
const copy = join(home, "copy");
const { VITEST: _, VITEST_POOL_ID: __, VITEST_WORKER_ID: ___, NODE_ENV: ____, ...env } = process.env;

async function run(program: string, ...args: readonly string[]): Promise<string> {
  const started = promisify(execFile)(join(copy, program), args, { cwd: copy, env });
  const { stdout } = await started.catch((error: { stdout: string; stderr: string }) => {
    throw Object.assign(new Error(`${program} failed:\n${error.stdout}${error.stderr}`), error);
  });
  return stdout;
}

beforeAll(async () => {
  const left = /^(?:node_modules|dist|\.git)$|\/node_modules$/;
  cpSync(root, copy, { recursive: true, filter: (path) => !left.test(relative(root, path)) });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  await run("script/new", "component", "mail-relay");
  await run("script/new", "format", "ini-file");
  await run("script/new", "rule", "example-guest", "PHX0598", "guest called example");
  await run("script/new", "code", "PHX0399", "unusual name");
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

test("script/check and the tests that come with it pass", { timeout: 600_000 }, async () => {
  await run("script/check");
  const tests = ["lab/mail-relay-component", "formats/ini-file", "fabric/example-guest"];
  const said = await run("node_modules/.bin/vitest", "run", ...tests.map((name) => `test/${name}.test.ts`));
  expect(said).toMatch(/^6 passed, 0 failed, 0 skipped$/m);
});

test("names that are taken or invalid are refused, and nothing is written", async () => {
  const refused = async (...args: readonly string[]) =>
    run("script/new", ...args).then(
      () => "",
      ({ stderr }: { stderr: string }) => stderr,
    );
  expect(await refused("component", "Mail")).toMatch(/^Usage: /);
  expect(await refused("format", "ini-file")).toMatch(/^Error: \S*ini-file\S* exists/);
  expect(await refused("rule", "other", "PHX0598", "words")).toMatch(/^Error: PHX0598 is in use: see src\//);
  expect(readFileSync(join(copy, "src/fabric/rules.ts"), "utf8")).not.toContain("other");
});

describe("a component", () => {
  beforeAll(async () => {
    const entryPoints = [join(copy, "src/main.ts")];
    await build({
      ...options,
      absWorkingDir: copy,
      entryPoints,
      outdir: join(copy, "dist"),
      splitting: true,
    });
    await run("bin/phoenix", "lab", "init", join(home, "lab"), "--site", "examples/homelab");
  });

  test.each([
    ["help", ["sync", "--help"], "mail-relay-shrink"],
    ["completion", ["__complete", "--", "plan", "mail"], "mail-relay"],
    ["the schemas", ["schema", "output-plan"], '"mail-relay"'],
    ["the result of a sync", ["sync", "--quiet", "mail-relay", "--lab", join(home, "lab")], "mail-relay "],
    ["a plan", ["plan", "--output", "json", "mail-relay", "--lab", join(home, "lab")], '"mail-relay"'],
  ])("is in %s", async (_name, argv, words) => {
    expect(await run("bin/phoenix", ...argv)).toContain(words);
  });
});
