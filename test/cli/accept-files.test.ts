/** Accepted drift is written into all files or none, each as a whole. */
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeAccepted } from "../../src/cli/accept-files.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "phoenix-accept-"));
  writeFileSync(join(root, "a"), "1");
  writeFileSync(join(root, "b"), "2");
});
afterEach(() => rmSync(root, { recursive: true }));

const text = (name: string): string => readFileSync(join(root, name), "utf8");

test("modes and links stay, and nothing is left beside the files", async () => {
  chmodSync(join(root, "a"), 0o640);
  symlinkSync("b", join(root, "link"));
  await writeAccepted(root, [
    { name: "a", before: "1", after: "one" },
    { name: "link", before: "2", after: "two" },
  ]);
  expect([text("a"), text("b")]).toEqual(["one", "two"]);
  expect(statSync(join(root, "a")).mode & 0o777).toBe(0o640);
  expect(readdirSync(root).sort()).toEqual(["a", "b", "link"]);
});

test("a file that somebody edited meanwhile keeps all of them as they are", async () => {
  const changes = [
    { name: "a", before: "1", after: "one" },
    { name: "b", before: "not this", after: "two" },
  ];
  await expect(writeAccepted(root, changes)).rejects.toThrow("b was changed meanwhile; nothing was written");
  expect([text("a"), text("b")]).toEqual(["1", "2"]);
});
