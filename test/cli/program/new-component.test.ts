/** A component is one folder and one line: a copy of the sources gets a new one, and everything that lists components knows it. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { options } from "../../../script/esbuild-options.mjs";
import { exitCodes } from "../../../src/errors.ts";

const root = join(import.meta.dirname, "../../..");
const copy = mkdtempSync(join(tmpdir(), "phoenix-new-component-"));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const folder = `/** motd: the message of the day on the hypervisor. */
import type { Component } from "../../component.ts";

export const motd: Component = {
  name: "motd",
  after: [],
  compile: () => [{ id: "motd/text", host: "pve", text: "Phoenix keeps this host\\n", units: { line: "Phoenix" } }],
  read: async () => [],
  apply: async () => {},
  verify: async () => [],
};
`;
const line = '  motd: async () => (await import("./motd/index.ts")).motd,\n';

/** Runs the program that was built from the copy. */
function phoenix(command: string): Promise<{ code: unknown; stdout: string }> {
  const env = { PATH: process.env.PATH, PHOENIX_LAB: join(copy, "lab-directory") };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(copy, "dist/main.js"), ...command.split(" ")],
      { env },
      (error, stdout) => resolve({ code: error?.code ?? 0, stdout }),
    );
  });
}

beforeAll(async () => {
  for (const name of ["src", "lab", "package.json"])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "src/components/motd"));
  writeFileSync(join(copy, "src/components/motd/index.ts"), folder);
  const table = join(copy, "src/components/index.ts");
  const [head, tail] = readFileSync(table, "utf8").split(/^(?=};$)/m, 2);
  writeFileSync(table, `${head}${line}${tail}`);
  const entryPoints = [join(copy, "src/main.ts")];
  await build({ ...options, absWorkingDir: copy, entryPoints, outdir: join(copy, "dist"), splitting: true });
  await phoenix(`lab init --site ${join(root, "examples/homelab")}`);
});

test("plan", async () => {
  const { code, stdout } = await phoenix("plan motd");
  expect(code).toBe(exitCodes.pending);
  expect(stdout).toContain("+ motd  + text");
  expect(stdout).toContain("Plan: 1 to create");
});

test("help names its consent", async () => {
  expect((await phoenix("sync --help")).stdout).toContain("motd-shrink");
});

test.each(["sync mo", "plan --only dns,mo"])("completion of %s", async (words) => {
  expect((await phoenix(`__complete -- ${words}`)).stdout).toMatch(/^(?:dns,)?motd\n$/);
});

test("schemas", async () => {
  const { stdout } = await phoenix("schema output-plan");
  expect(JSON.parse(stdout).properties.components.items.properties.component.enum).toContain("motd");
});
