/** `phoenix doctor` in a cluster: what must be so between its nodes, and one line for a node that is down or shut. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { breakLab } from "../../lab/faults.ts";
import { initLab } from "../../lab/init.ts";
import { loadSite } from "../../src/site/load.ts";
import { call } from "../cli/edge.ts";
import { change, newDirectory, opened, prepared } from "./open.ts";

const { site } = await loadSite(join(import.meta.dirname, "../../examples/cluster"));
if (site === undefined) throw new Error("the example has errors");
const example = site;

const two = prepared(async () => {
  const directory = await newDirectory();
  await initLab(directory, example, { nodes: ["pve", "pve2"] });
  return directory;
});

async function findings(lab: string): Promise<readonly Readonly<Record<string, string>>[]> {
  const { stdout } = await call(["--lab", lab, "doctor", "--output", "json"]);
  return JSON.parse(stdout).findings;
}

test("a good cluster needs nothing", async () => {
  expect(await findings(await two())).toEqual([]);
});

test("a node that is offline is one line, with its guests", async () => {
  const lab = await two();
  breakLab(lab, "node-down", "pve2");
  expect(await findings(lab)).toEqual([
    {
      machine: "node/pve2",
      prerequisite: "node-online",
      severity: "error",
      message: "it is offline, with mesh, notes, portainer, grove-two: a sync leaves it alone",
      hint: "start it, or move its guests",
    },
  ]);
});

test("a node whose keys the cluster does not have is one line, with the command that mends it", async () => {
  const lab = await two();
  const pve = (await opened(lab)).host("pve");
  await pve.run(change("rm", "/etc/pve/nodes/pve2/ssh_known_hosts", "/etc/pve/priv/known_hosts"));
  expect(await findings(lab)).toEqual([
    {
      machine: "node/pve2",
      prerequisite: "node-ssh",
      severity: "error",
      message: expect.stringContaining("Host key verification failed"),
      command: "pvecm updatecerts",
    },
  ]);
});

test("what is wrong on another node alone says on which", async () => {
  const lab = await two();
  const pve = (await opened(lab)).host("pve");
  const text = "[OPTIONS]\n\nnftables: 1\n";
  await pve.writeFiles([{ path: "/etc/pve/nodes/pve2/host.fw", text }]);
  const found = await findings(lab);
  expect(found.filter(({ prerequisite }) => prerequisite === "firewall-program")).toMatchObject([
    {
      machine: "node/pve2",
      command: "ssh root@pve2 'pvesh set /nodes/localhost/firewall/options --nftables 0'",
    },
  ]);
});
