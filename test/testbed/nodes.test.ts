/** The testbed's second hypervisor, on the smallest fabric: what the nodes of a cluster share, and what happens when one is gone. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bootCluster,
  down,
  eventually,
  expectRun,
  httpStatus,
  type Machine,
  power,
  run,
  unavailable,
  write,
} from "./machines.ts";

const here = import.meta.dirname;
const notes = "http://10.9.0.14:8080/";
const rules = "/etc/pve/firewall/cluster.fw";

type Node = Extract<Machine, "pve" | "pve2">;

const members = async (node: Node) => JSON.parse(await expectRun(node, ["cat", "/etc/pve/.members"]));
const isQuorate = async (node: Node): Promise<boolean> => (await members(node)).cluster.quorate === 1;
const answers = (status: number) =>
  eventually(
    () => httpStatus("client", notes),
    (found) => found === status,
  );
const canWrite = async (node: Node): Promise<boolean> =>
  (await run(node, ["sh", "-c", "echo note >/etc/pve/note.tmp && mv /etc/pve/note.tmp /etc/pve/note"]))
    .exitCode === 0;

/** As Proxmox's own programs enter another node (PVE/SSHInfo.pm). */
const entering = (from: Node, to: Node, address: string, ...keys: readonly string[]) =>
  run(from, [
    "ssh",
    "-e",
    "none",
    "-o",
    "BatchMode=yes",
    "-o",
    `HostKeyAlias=${to}`,
    ...keys,
    `root@${address}`,
    "hostname",
  ]);

describe.skipIf(unavailable !== undefined)("the testbed's cluster", () => {
  beforeAll(async () => {
    await bootCluster(join(here, "two-nodes.json"), join(here, "tiny.json"));
    for (const node of ["pve", "pve2"] as const) {
      await write(node, "/etc/testbed/firewall-tick-ms", "200");
      await expectRun(node, ["systemctl", "restart", "pve-firewall"]);
    }
  }, 1_200_000);
  afterAll(down);

  test("has one /etc/pve, in which each node finds its own guests", async () => {
    expect(await members("pve2")).toMatchObject({
      nodename: "pve2",
      cluster: { name: "elm", nodes: 2, quorate: 1 },
      nodelist: { pve: { id: 1, online: 1, ip: "10.9.0.2" }, pve2: { id: 2, online: 1, ip: "10.9.0.3" } },
    });
    expect(await expectRun("pve2", ["ls", "/etc/pve/lxc", "/etc/pve/local/qemu-server"])).toMatch(
      /1001\.conf\n[\s\S]*104\.conf\n/,
    );
    const { version } = JSON.parse(await expectRun("pve2", ["cat", "/etc/pve/.vmlist"]));
    await expectRun("pve", ["mkdir", "/etc/pve/priv/lock/held"]);
    const { ids, version: later } = JSON.parse(await expectRun("pve2", ["cat", "/etc/pve/.vmlist"]));
    expect(later).toBeGreaterThan(version);
    expect(ids).toMatchObject({ 101: { node: "pve" }, 104: { node: "pve2" }, 1001: { node: "pve2" } });
    // A directory in priv/lock is everybody's.
    expect((await run("pve2", ["mkdir", "/etc/pve/priv/lock/held"])).stderr).toContain("File exists");
    await expectRun("pve2", ["rmdir", "/etc/pve/priv/lock/held"]);
  });

  test("lists its own guests on each node, and all of them for the cluster", async () => {
    expect(await expectRun("pve2", ["pct", "list"])).toMatch(/^VMID.*\n104 +running +notes *\n$/);
    expect((await run("pve", ["pct", "status", "104"])).stderr).toBe(
      "Configuration file 'nodes/pve/lxc/104.conf' does not exist\n",
    );
    const all = await expectRun("pve", ["pvesh", "get", "/cluster/resources", "--type", "vm"]);
    expect(JSON.parse(all)).toMatchObject([
      { id: "lxc/101", node: "pve", status: "running" },
      { id: "lxc/102" },
      { id: "lxc/103" },
      { id: "lxc/104", node: "pve2", status: "running" },
      { id: "qemu/1001", node: "pve2", status: "running" },
    ]);
    expect(await expectRun("pve", ["pvecm", "status"])).toMatch(/^Quorate: +Yes$/m);
  });

  test("lets root of one node enter the other, whose key the cluster keeps", async () => {
    const keys = (node: Node) => [
      "-o",
      `UserKnownHostsFile=/etc/pve/nodes/${node}/ssh_known_hosts`,
      "-o",
      "GlobalKnownHostsFile=none",
    ];
    expect(await entering("pve", "pve2", "10.9.0.3", ...keys("pve2"))).toMatchObject({ stdout: "pve2\n" });
    expect(await entering("pve2", "pve", "10.9.0.2", ...keys("pve"))).toMatchObject({ stdout: "pve\n" });
    // Nobody else's list has it.
    expect((await entering("pve", "pve2", "10.9.0.3")).stderr).toContain("Host key verification failed");
  });

  test("runs guests of both nodes in one network, with shared directories and NFS by the same paths", async () => {
    expect(await answers(200)).toBe(200);
    await write("pve", "/tank/vm/1001/note", "from pve");
    expect(await expectRun("pve2", ["cat", "/mnt/pve/tank/vm/1001/note"])).toBe("from pve");
    expect(await expectRun("vm-1001", ["cat", "/persistent/note"])).toBe("from pve");
    expect(await expectRun("vm-1001", ["docker", "info", "--format", "{{.Driver}}"])).toBe("overlay2\n");
  });

  test("filters the guests of each node by the files that both have", async () => {
    await write("pve", "/etc/pve/firewall/1001.fw", "[OPTIONS]\nenable: 1\n");
    await write("pve", rules, "[OPTIONS]\nenable: 1\n");
    const reaches = async () =>
      (await run("client", ["nc", "-z", "-w", "1", "10.9.0.101", "22"])).exitCode === 0;
    expect(await eventually(async () => !(await reaches()), Boolean)).toBe(true);
    expect(await expectRun("pve2", ["pve-firewall", "status"])).toBe("Status: enabled/running\n");
    // Corosync is let through, whatever the policy.
    expect(await isQuorate("pve2")).toBe(true);
    // A node's own file is the node's alone.
    await write("pve", "/etc/pve/nodes/pve2/host.fw", "[RULES]\nIN DROP -p tcp -dport 22\n");
    const enters = async (address: string) =>
      (await run("client", ["nc", "-z", "-w", "1", address, "22"])).exitCode === 0;
    expect(await eventually(async () => !(await enters("10.9.0.3")), Boolean)).toBe(true);
    expect(await enters("10.9.0.2")).toBe(true);
    await expectRun("pve", ["rm", "/etc/pve/nodes/pve2/host.fw", "/etc/pve/firewall/1001.fw"]);
  });

  test("rules that cut a node off cost it the quorum, and the others go on", async () => {
    await write("pve", rules, "[OPTIONS]\nenable: 1\n[RULES]\nIN DROP -source 10.9.0.3\n");
    expect(
      await eventually(
        () => isQuorate("pve2"),
        (is) => !is,
      ),
    ).toBe(false);
    expect(await canWrite("pve2")).toBe(false);
    expect(await canWrite("pve")).toBe(true);
    await write("pve", rules, "[OPTIONS]\nenable: 0\n");
    expect(await eventually(() => isQuorate("pve2"), Boolean)).toBe(true);
  });

  test("moves a guest to the other node", async () => {
    expect((await run("pve2", ["pct", "migrate", "104", "pve"])).stderr).toBe(
      "lxc live migration is currently not implemented\n",
    );
    await expectRun("pve2", ["pct", "migrate", "104", "pve", "--restart"]);
    expect(await answers(200)).toBe(200);
    expect(await expectRun("pve", ["pct", "status", "104"])).toBe("status: running\n");
    await expectRun("pve2", ["qm", "migrate", "1001", "pve", "--online"]);
    expect(await expectRun("vm-1001", ["cat", "/persistent/note"])).toBe("from pve");
    await expectRun("pve", ["pct", "migrate", "104", "pve2", "--restart"]);
  });

  test("a node without power is offline and so are its guests; with power all is as before", async () => {
    await power("off", "pve2");
    const isOnline = async () => (await members("pve")).nodelist.pve2.online === 1;
    expect(await eventually(isOnline, (is) => !is)).toBe(false);
    expect(await isQuorate("pve")).toBe(true);
    expect(await httpStatus("client", notes)).toBe(0);
    await power("on", "pve2");
    expect(await answers(200)).toBe(200);
    expect(await eventually(isOnline, Boolean)).toBe(true);
  });

  test("without the votes of the others nothing can be changed, until fewer are expected", async () => {
    await expectRun("pve", ["systemctl", "stop", "corosync"]);
    expect([
      await canWrite("pve"),
      await eventually(
        () => canWrite("pve2"),
        (can) => !can,
      ),
    ]).toEqual([false, false]);
    expect(await expectRun("pve2", ["pvecm", "status"])).toMatch(/^Quorate: +No$/m);
    await expectRun("pve2", ["pvecm", "expected", "1"]);
    expect(await eventually(() => canWrite("pve2"), Boolean)).toBe(true);
    await expectRun("pve", ["systemctl", "start", "corosync"]);
    expect(await eventually(() => isQuorate("pve"), Boolean)).toBe(true);
  });
});
