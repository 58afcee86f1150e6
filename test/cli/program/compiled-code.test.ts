/** The code that the build saves compiled only makes starts faster: a program without it, or with another's, works as well. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const home = mkdtempSync(join(tmpdir(), "phoenix-compiled-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A copy of the program, with the paths of its compiled code. */
function copy(name: string): { readonly main: string; readonly compiled: readonly string[] } {
  const dist = join(home, name);
  cpSync(join(root, "dist"), dist, { recursive: true });
  const compiled = readdirSync(dist).filter((each) => each.endsWith(".cache"));
  return { main: join(dist, "main.js"), compiled: compiled.map((each) => join(dist, each)) };
}

function check(main: string) {
  const site = join(root, "examples/homelab");
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, "check", "--site", site], {
    encoding: "utf8",
  });
  return { status, stderr, stdout: stdout.replace(/[\d.]+ m?s$/m, "T") };
}

const said = {
  status: 0,
  stderr: "",
  stdout: "0 errors, 0 warnings · 10 guests, 14 services, 8 stacks · T\n",
};

test("the build saves the product's compiled code for the Node that runs it", () => {
  const { main, compiled } = copy("whole");
  expect(compiled).toEqual([join(home, "whole", `product.js.${process.version}-${process.arch}.cache`)]);
  expect(check(main)).toEqual(said);
});

test.each([
  ["is missing", (path: string) => rmSync(path)],
  ["was cut short", (path: string) => truncateSync(path, 100_000)],
  ["is empty", (path: string) => truncateSync(path, 0)],
  ["is of something else", (path: string) => writeFileSync(path, "x".repeat(10_000))],
])("the program works when its compiled code %s", (name, damage) => {
  const { main, compiled } = copy(name);
  expect(compiled).not.toEqual([]);
  for (const path of compiled) damage(path);
  expect(check(main)).toEqual(said);
});

test("the program writes nothing beside itself", () => {
  const { main, compiled } = copy("read-only");
  for (const path of compiled) rmSync(path);
  const before = readdirSync(join(home, "read-only"));
  expect(check(main)).toEqual(said);
  expect(readdirSync(join(home, "read-only"))).toEqual(before);
});

test("the program says that the lab is missing, and does without it elsewhere", () => {
  const { main } = copy("product");
  rmSync(join(home, "product/lab"), { recursive: true });
  expect(check(main)).toEqual(said);
  const args = ["lab", "init", join(home, "lab"), "--site", join(root, "examples/homelab")];
  const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
  expect(status).not.toBe(0);
  expect(stderr).toContain("the lab is not part of this installation");
});
