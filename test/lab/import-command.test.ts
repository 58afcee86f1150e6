/** `phoenix import` as a user calls it: what it writes, says and ends with. */
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call } from "../cli/edge.ts";
import { hostLab, newDirectory } from "./open.ts";

interface Document {
  readonly format: string;
  readonly files: readonly string[];
  readonly left: readonly { readonly place: string; readonly what: string; readonly reason: string }[];
  readonly changes: readonly {
    readonly id: string;
    readonly units: readonly { readonly source?: string }[];
  }[];
}

test("writes a commented site, lists the rest, and says what a sync would change and why", async () => {
  const [lab, parent] = [await hostLab("firewall-groups"), await newDirectory()];
  const site = join(parent, "site");
  const { code, stdout, stderr } = await call(["import", site, "--lab", lab, "--output", "json"]);
  const document = JSON.parse(stdout) as Document;
  expect(document.format).toBe("phoenix.import/1");
  expect(code, stderr).toBe(2);
  for (const path of document.files) expect(existsSync(join(site, path)), path).toBe(true);
  const config = await readFile(join(site, "etc/phoenix_hypervisor_config.json"), "utf8");
  expect(config).toContain('"10.40.0.77" }, // line 43: admin_pc is 10.40.0.77');
  const report = await readFile(join(site, "IMPORT.md"), "utf8");
  for (const { place } of document.left) expect(report).toContain(place.replaceAll("|", "\\|"));
  expect(document.changes).not.toEqual([]);
  const sources = document.changes.flatMap(({ units }) => units.map(({ source }) => source));
  expect(sources.filter((source) => source === undefined)).toEqual([]);
  expect(sources).toContain("/etc/pve/firewall/cluster.fw:42");
});

test("text says what was written, what was left out and where a change comes from", async () => {
  const [lab, parent] = [await hostLab("firewall-groups"), await newDirectory()];
  const site = join(parent, "site");
  const { code, stdout } = await call(["import", site, "--lab", lab, "--quiet"]);
  expect(code).toBe(2);
  expect(stdout).toMatch(/^Wrote .*: 3 containers, 1 virtual machine and \d+ firewall rules$/m);
  expect(stdout).toMatch(/^IMPORT\.md lists \d+ things that were found and not declared\.$/m);
  expect(stdout.replace(/\s+/g, " ")).toContain(
    "! opens tcp 8006 from 10.40.0.0/24 to the hypervisor, which the host does not allow now",
  );
  expect(stdout).toMatch(/IN Ping\(ACCEPT\) .*# \/etc\/pve\/firewall\/cluster\.fw:42$/m);
});

test("a directory that holds something else is refused, and stays as it is", async () => {
  const lab = await hostLab("nothing");
  const { code, stderr } = await call(["import", lab, "--lab", lab]);
  expect(code).toBe(1);
  expect(stderr).toContain("is not empty");
  expect(statSync(join(lab, "lab.json")).isFile()).toBe(true);
});
