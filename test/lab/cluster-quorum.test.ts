/** A hypervisor whose cluster has lost its quorum, and the lock of one that has it. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadSite } from "../../src/site/load.ts";
import { call } from "../cli/edge.ts";
import { opened, otherLab } from "./open.ts";

async function clusterLab(quorate: 0 | 1): Promise<{ lab: string; read: (path: string) => Promise<string> }> {
  const { site } = await loadSite(join(import.meta.dirname, "../../examples/dns-only"));
  if (site === undefined) throw new Error("the example has errors");
  const lab = await otherLab(site);
  const pve = (await opened(lab)).host("pve");
  const members = {
    nodename: "pve",
    version: 4,
    cluster: { name: "oak", version: 2, nodes: 2, quorate },
    nodelist: { pve: { id: 1, online: 1, ip: site.hypervisor.address } },
  };
  await pve.writeFiles([{ path: "/etc/pve/.members", text: JSON.stringify(members) }]);
  return { lab, read: async (path) => (await pve.readFiles([path])).get(path)?.text ?? "" };
}

test("without quorum what changes something is refused in one line, and what looks goes on", async () => {
  const { lab } = await clusterLab(0);
  for (const words of [
    ["sync", "all"],
    ["rollback", "1"],
    ["certs", "renew", "--due"],
    ["doctor", "--fix"],
  ]) {
    const { code, stdout, stderr } = await call(["--lab", lab, ...words]);
    expect({ words, code, stdout }).toEqual({ words, code: 5, stdout: "" });
    expect(stderr).toContain("the cluster oak has no quorum: nothing can be changed, and nothing was\n");
  }
  expect(await call(["--lab", lab, "plan"])).toMatchObject({ code: 2 });
  expect(await call(["--lab", lab, "status"])).toMatchObject({ code: 2 });
  expect(await call(["--lab", lab, "unattended", "verify"])).not.toMatchObject({ code: 5 });
});

test("a sync in a cluster gives the lock of the cluster back, and is refused while another node has it", async () => {
  const { lab, read } = await clusterLab(1);
  const pve = (await opened(lab)).host("pve");
  await call(["--lab", lab, "sync", "dns"]);
  expect(await pve.list("/etc/pve/priv/lock")).toEqual([]);
  expect(await read("/etc/pve/priv/phoenix-lock")).toBe("");
  // Of a run on another node that still counts.
  await pve.makeDirectory("/etc/pve/priv/lock/phoenix");
  const holder = { version: 1, token: "t", who: "alice", host: "pve2", pid: 7, boot: "b", start: "1" };
  const text = JSON.stringify({ ...holder, command: "sync all", startedMs: Date.now() });
  await pve.writeFiles([{ path: "/etc/pve/priv/phoenix-lock", text }]);
  const { code, stderr } = await call(["--lab", lab, "sync", "dns"]);
  expect(code).toBe(6);
  expect(stderr).toContain("locked by alice on pve2 since 0 s (sync all, pid 7)");
  expect(await read("/var/lib/phoenix/lock")).toBe("");
});
