/** What the members of a Swarm need of each other, and of whom else. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { droppedPaths } from "../../src/fabric/dropped-paths.ts";
import { firewallOf } from "../../src/fabric/firewall.ts";
import { requiredPaths } from "../../src/fabric/paths.ts";
import { printBare } from "../../src/formats/pve-firewall/rule.ts";
import type { Site } from "../../src/model.ts";
import { loadSite } from "../../src/site/load.ts";
import { cases, inDirectory, layOut } from "../site/tree.ts";

/** vm/203 is the manager, 10.1.0.8; vm/202 a worker, 10.1.0.7, and filtered. @param edits more than those of the case */
function swarmSite(...edits: readonly (readonly [string, string])[]): Promise<Site> {
  return inDirectory(async (directory) => {
    const written = readFileSync(join(cases, "meaning/swarm.case"), "utf8");
    layOut(
      directory,
      edits.reduce((text, [from, to]) => text.replace(from, to), written),
    );
    const { site, problems } = await loadSite(directory);
    expect(problems).toEqual([]);
    if (site === undefined) throw new Error("the site has no meaning");
    return site;
  });
}

const manager = "vm/203";
const worker = "vm/202";

test("members reach each other, the manager's port is a manager's alone, and nobody else gets in", async () => {
  const site = await swarmSite();
  const to = (host: string): readonly string[] =>
    requiredPaths(site)
      .filter((path) => path.to === host && [2377, 7946, 4789].includes(path.port))
      .map(({ from, protocol, port }) => `${from} ${protocol} ${port}`);
  expect(to(manager)).toEqual([
    `${worker} tcp 2377`,
    `${worker} tcp 7946`,
    `${worker} udp 7946`,
    `${worker} udp 4789`,
  ]);
  expect(to(worker)).toEqual([`${manager} tcp 7946`, `${manager} udp 7946`, `${manager} udp 4789`]);
});

test("every member's agent and published port is open to Portainer and the mesh", async () => {
  const site = await swarmSite();
  const froms = (host: string, port: number): readonly string[] =>
    requiredPaths(site)
      .filter((path) => path.to === host && path.port === port)
      .map(({ from }) => from);
  for (const host of [manager, worker]) {
    expect(froms(host, 9001)).toEqual(["vm/201", "pve"]);
    expect(froms(host, 3000)).toEqual([site.roles.mesh?.host, "pve"]);
  }
});

test("the firewall's file opens the ports of a filtered member to the other members alone", async () => {
  const { guests } = firewallOf(await swarmSite());
  const rules = guests.find(({ guest }) => guest.host === worker)?.rules ?? [];
  const opened = rules.map(({ rule }) => printBare(rule)).filter((line) => /7946|4789/.test(line));
  expect(opened).toEqual([
    expect.stringMatching(/^IN ACCEPT -source 10\.1\.0\.8 -p tcp -dport 7946/),
    expect.stringMatching(/^IN ACCEPT -source 10\.1\.0\.8 -p udp -dport 7946/),
    expect.stringMatching(/^IN ACCEPT -source 10\.1\.0\.8 -p udp -dport 4789/),
  ]);
});

test("a declared rule that drops the overlay is told", async () => {
  const drop = `"firewall": { "enabled": true, "rules": [{ "type": "in", "action": "DROP", "proto": "udp", "port": "4789" }] },`;
  const site = await swarmSite([`"name": "second", "swarm"`, `"name": "second", ${drop} "swarm"`]);
  expect(droppedPaths(site).map(({ code, message }) => `${code} ${message}`)).toEqual([
    expect.stringMatching(
      /^PHX0520 vm\/202 \(docker\) could not reach 10\.1\.0\.8:4789\/udp: .*containers of Swarm oak reach each other across members/,
    ),
  ]);
});
