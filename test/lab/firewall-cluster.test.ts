/** The firewall over two nodes of the lab: proved on both, and taken back on both when the run that changed it was killed. */
import { expect, test } from "vitest";
import { breakLab, mendLab } from "../../lab/faults.ts";
import { initLab } from "../../lab/init.ts";
import { setClockOffset } from "../../lab/lab-file.ts";
import { createStore } from "../../lab/store.ts";
import { timerUnits } from "../../lab/timers.ts";
import { isActive } from "../../lab/units.ts";
import type { Component } from "../../src/component.ts";
import { firewall } from "../../src/components/firewall/index.ts";
import type { HostName } from "../../src/resource.ts";
import { clusterOf } from "./cluster-site.ts";
import { newDirectory, opened, prepared, read } from "./open.ts";
import { syncLab } from "./session.ts";
import { labSite } from "./site.ts";

const oak = clusterOf(labSite, ["pve2"]);
const hosts = ["pve", "node/pve2"] as const satisfies readonly HostName[];
const clusterFile = "/etc/pve/firewall/cluster.fw";
const from = { file: "etc/phoenix_hypervisor_config.json", line: 88, column: 27 };

/** Drops what reaches the second node alone. */
const cut = {
  ...oak,
  firewall: {
    ...oak.firewall,
    rules: [
      { direction: "in", action: "DROP", protocol: "tcp", ports: "22,8006", destination: "10.0.0.14", from },
    ],
  },
} as const;

class Killed extends Error {}

/** Ended as by kill -9 once the files are written. */
const killed: Component = {
  ...firewall,
  activate: async () => {
    throw new Killed();
  },
};

const synced = prepared(async () => {
  const directory = await newDirectory();
  await initLab(directory, labSite, { nodes: ["pve", "pve2"] });
  await syncLab(directory, oak, [firewall]);
  return directory;
});

/** The rules, the nodes with an armed undo, and those whose daemon runs. A node that is cut off answers nobody: it is looked at from outside. */
async function state(lab: string) {
  const world = await opened(lab);
  const files = await world.host("pve").readFiles([clusterFile]);
  const store = createStore(lab);
  return {
    rules: files.get(clusterFile)?.text ?? "",
    armed: hosts.filter((host) => timerUnits({ store }, host).includes("phoenix-firewall-undo")),
    running: hosts.filter((host) => isActive({ store }, host, "pve-firewall")),
  };
}

test("is proved by new connections to each node, from the other one and from a guest", async () => {
  const result = await syncLab(await synced(), oak, [firewall]);
  expect(result.components[0]?.outcome).toBe("unchanged");
  const claims = result.components[0]?.checks.flatMap(({ claim, status }) =>
    status === "pass" ? claim : [],
  );
  for (const claim of [
    "10.0.0.14:22 (node pve2) answers a new connection from node pve",
    "10.0.0.13:22 answers a new connection from node pve2",
    "10.0.0.14:53 (node pve2) answers a new connection from lxc/102 (Traefik)",
    "pve-firewall is enabled/running on node pve2",
    "the cluster has node pve2 online, and a quorum",
  ])
    expect(claims).toContain(claim);
});

test("rules that cut the second node off are refused, and when they are forced, rolled back", async () => {
  const lab = await synced();
  await expect(syncLab(lab, cut, [firewall])).rejects.toThrow(
    /cut node pve off from node pve2 at 10\.0\.0\.14:22/,
  );
  const before = await state(lab);
  const result = await syncLab(lab, cut, [firewall], { allow: ["lockout"] });
  expect(result.components[0]?.outcome).toBe("rolled-back");
  expect(await state(lab)).toEqual(before);
});

test("forced by a run that was killed, they are taken back by both nodes within the window", async () => {
  const lab = await synced();
  const before = await state(lab);
  await expect(syncLab(lab, cut, [killed], { allow: ["lockout"] })).rejects.toBeInstanceOf(Killed);
  const forced = await state(lab);
  expect(forced.rules).toContain("IN DROP -dest 10.0.0.14 -p tcp -dport 22,8006");
  expect(forced.armed).toEqual(hosts);
  setClockOffset(lab, 62_000);
  const world = await opened(lab);
  expect((await world.host("node/pve2").run(read("true"))).exitCode).toBe(0);
  expect(await state(lab)).toEqual(before);
});

test("without quorum since the change, they are taken back once the cluster has it again", async () => {
  const lab = await synced();
  const before = await state(lab);
  await expect(syncLab(lab, cut, [killed], { allow: ["lockout"] })).rejects.toBeInstanceOf(Killed);
  breakLab(lab, "no-quorum");
  setClockOffset(lab, 70_000);
  await (await opened(lab)).host("pve").run(read("true"));
  // The rules are out of both kernels; the files wait for a write that works.
  const waiting = await state(lab);
  expect(waiting.running).toEqual([]);
  expect(waiting.rules).toContain("10.0.0.14");
  mendLab(lab);
  setClockOffset(lab, 80_000);
  await (await opened(lab)).host("pve").run(read("true"));
  expect(await state(lab)).toEqual(before);
});
