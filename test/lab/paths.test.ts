/** No path of a lab host leads out of the lab, whatever it is made of. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createTrees } from "../../lab/tree.ts";
import { change, newLab, opened } from "./open.ts";

const base = mkdtempSync(join(tmpdir(), "phoenix-tree-"));
afterAll(() => rmSync(base, { recursive: true }));
const mounts = [
  { host: "pve", path: "/mnt/pve/data", tree: "pve", source: "/data" },
  { host: "lxc/101", path: "/etc/ssl", tree: "pve", source: "/data/ssl" },
  { host: "lxc/101", path: "/srv", tree: "pve", source: "/mnt/pve/data/srv" },
  { host: "lxc/102", path: "/loop", tree: "lxc-102", source: "/loop" },
] as const;
const trees = createTrees(base, mounts);
const inTree = (...path: string[]) => join(base, "hosts", ...path);
for (const path of ["pve/data/ssl", "pve/data/srv", "pve/etc", "lxc-101/etc", "lxc-102"])
  mkdirSync(inTree(path), { recursive: true });
symlinkSync("/etc", inTree("pve/data/srv/absolute"));
symlinkSync("../../../../../../etc", inTree("pve/data/srv/relative"));
symlinkSync("/srv/relative/passwd", inTree("lxc-101/etc/chain"));
symlinkSync("/etc/round", inTree("lxc-101/etc/round"));

describe("a path", () => {
  test.each([
    ["pve", "/etc/hosts", "pve/etc/hosts"],
    ["lxc/101", "/../../../etc/hosts", "lxc-101/etc/hosts"],
    ["lxc/101", "/etc/../../../x", "lxc-101/x"],
    ["lxc/101", "//etc/./hosts", "lxc-101/etc/hosts"],
    ["pve", "/mnt/pve/data/ssl/a", "pve/data/ssl/a"],
    ["lxc/101", "/etc/ssl/a", "pve/data/ssl/a"],
    ["lxc/101", "/etc/ssl/../hosts", "lxc-101/etc/hosts"],
    ["lxc/101", "/srv/a", "pve/data/srv/a"],
    ["lxc/101", "/srv/absolute/hosts", "lxc-101/etc/hosts"],
    ["lxc/101", "/srv/relative/hosts", "lxc-101/etc/hosts"],
    ["lxc/101", "/etc/chain", "lxc-101/etc/passwd"],
    ["pve", "/data/srv/absolute/hosts", "pve/etc/hosts"],
  ] as const)("%s %s is %s", (host, path, expected) => {
    expect(trees.locate(host, path)).toBe(inTree(expected));
  });

  test("is the link itself when its last link is not followed", () => {
    expect(trees.locate("lxc/101", "/etc/chain", false)).toBe(inTree("lxc-101/etc/chain"));
  });

  test("that turns in circles is an error", () => {
    expect(() => trees.locate("lxc/101", "/etc/round")).toThrow("Too many levels");
    expect(() => trees.locate("lxc/102", "/loop/x")).toThrow("Too many levels");
  });

  test("must be absolute", () => {
    expect(() => trees.locate("pve", "etc/hosts")).toThrow("not an absolute path");
  });
});

test("a shared directory that is replaced by a link still leads nowhere but into the lab", () => {
  rmSync(inTree("pve/data/ssl"), { recursive: true });
  symlinkSync("/etc", inTree("pve/data/ssl"));
  expect(trees.locate("lxc/101", "/etc/ssl/passwd")).toBe(inTree("pve/etc/passwd"));
});

test("programs write through links into the lab, never out of it", async () => {
  const lab = await newLab();
  const outside = mkdtempSync(join(tmpdir(), "phoenix-outside-"));
  writeFileSync(join(outside, "precious"), "as it was");
  const host = (await opened(lab)).host("lxc/101");
  await host.expect(change("ln", "-s", `../../../../../../../..${outside}`, "/etc/out"));
  await host.writeFiles([{ path: "/etc/out/precious", text: "overwritten" }]);
  await host.expect(change("rm", "-rf", "/etc/out/precious"));
  expect(readFileSync(join(outside, "precious"), "utf8")).toBe("as it was");
  rmSync(outside, { recursive: true });
});
