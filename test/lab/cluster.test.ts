/** The lab's Proxmox cluster: one /etc/pve, nodes that know their own guests, ssh between them, votes, and faults of nodes. */
import { describe, expect, test } from "vitest";
import { breakLab, mendLab } from "../../lab/faults.ts";
import { initLab } from "../../lab/init.ts";
import { openLab } from "../../lab/lab.ts";
import { setClockOffset } from "../../lab/lab-file.ts";
import { moveGuest } from "../../lab/move.ts";
import type { World } from "../../src/hosts/world.ts";
import { change, newDirectory, opened, prepared, read } from "./open.ts";
import { labSite } from "./site.ts";

const two = prepared(async () => {
  const directory = await newDirectory();
  await initLab(directory, labSite, { nodes: ["oak1", "oak2"] });
  return directory;
});

const three = prepared(async () => {
  const directory = await newDirectory();
  await initLab(directory, labSite, { nodes: ["oak1", "oak2", "oak3"] });
  return directory;
});

const other = labSite.hypervisor.address.replace(/\d+$/, (last) => String(Number(last) + 1));

/** As PVE::SSHInfo calls it where the other node has a file of known hosts. */
function ssh(line: string, name = "oak2", address = other) {
  return read(
    ...["/usr/bin/ssh", "-e", "none", "-o", "BatchMode=yes", "-o", `HostKeyAlias=${name}`],
    ...["-o", `UserKnownHostsFile=/etc/pve/nodes/${name}/ssh_known_hosts`, "-o", "GlobalKnownHostsFile=none"],
    ...[`root@${address}`, line],
  );
}

async function members(world: World): Promise<unknown> {
  const { stdout } = await world.host("pve").run(read("cat", "/etc/pve/.members"));
  return JSON.parse(stdout);
}

describe("/etc/pve", () => {
  test("is one tree, with each node's own links and its own name", async () => {
    const directory = await two();
    const [first, second] = await Promise.all([opened(directory), openLab(directory, at("oak2"))]);
    try {
      await first.host("pve").run(change("touch", "/etc/pve/firewall/cluster.fw"));
      const there = await second.host("pve").run(read("ls", "/etc/pve/firewall"));
      expect(there.stdout).toBe("cluster.fw\n");
      const links = await second.host("pve").run(read("readlink", "/etc/pve/local"));
      expect(links.stdout).toBe("nodes/oak2\n");
      expect((await first.host("pve").run(read("readlink", "/etc/pve/lxc"))).stdout).toBe("nodes/oak1/lxc\n");
      expect(await members(second)).toMatchObject({
        nodename: "oak2",
        cluster: { name: "oak", nodes: 2, quorate: 1 },
        nodelist: {
          oak1: { id: 1, online: 1, ip: labSite.hypervisor.address },
          oak2: { id: 2, online: 1, ip: other },
        },
      });
      expect((await second.host("pve").run(read("hostname"))).stdout).toBe("oak2\n");
    } finally {
      await second.close();
    }
  });

  test("lists every guest with its node, and follows one that moves", async () => {
    const directory = await two();
    const world = await opened(directory);
    const nodeOf = async (id: number): Promise<string> => {
      const { stdout } = await world.host("pve").run(read("cat", "/etc/pve/.vmlist"));
      return JSON.parse(stdout).ids[id].node;
    };
    const before = await nodeOf(101);
    const elsewhere = before === "oak1" ? "oak2" : "oak1";
    moveGuest(directory, "lxc/101", elsewhere);
    expect(await nodeOf(101)).toBe(elsewhere);
    const own = await world.host("pve").run(read("pct", "list"));
    expect(/^101 /m.test(own.stdout)).toBe(elsewhere === "oak1");
  });
});

function put(world: World, path: string, text: string): Promise<void> {
  return world.host("pve").writeFiles([{ path, text }]);
}

function at(entry: string) {
  return { signal: new AbortController().signal, entry };
}

describe("ssh to another node", () => {
  test("runs a command there, in Proxmox's own form", async () => {
    const world = await opened(await two());
    const { exitCode, stdout } = await world.host("pve").run(ssh("hostname"));
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "oak2\n" });
  });

  test("pct knows the guests of its own node alone", async () => {
    const directory = await two();
    const world = await opened(directory);
    moveGuest(directory, "lxc/101", "oak2");
    const here = await world.host("pve").run(read("pct", "status", "101"));
    expect(here).toMatchObject({
      exitCode: 2,
      stderr: "Configuration file 'nodes/oak1/lxc/101.conf' does not exist\n",
    });
    const there = await world.host("pve").run(ssh("pct status 101"));
    expect(there.stdout).toBe("status: running\n");
  });

  test("knows a node's key by its name in the file that Proxmox has for it, and by no other", async () => {
    const world = await opened(await two());
    const refused = { exitCode: 255, stderr: "Host key verification failed.\n" };
    const pve = world.host("pve");
    expect(await pve.run(read("ssh", "-o", "BatchMode=yes", `root@${other}`, "hostname"))).toMatchObject(
      refused,
    );
    await pve.run(change("rm", "/etc/pve/nodes/oak2/ssh_known_hosts"));
    expect(await pve.run(ssh("hostname"))).toMatchObject(refused);
    // The list of older clusters, which the system's configuration names.
    const older = read("ssh", "-o", "BatchMode=yes", "-o", "HostKeyAlias=oak2", `root@${other}`, "hostname");
    expect((await pve.run(older)).stdout).toBe("oak2\n");
  });

  test("says what ssh says when the node is switched off, or drops the packets", async () => {
    const directory = await two();
    const world = await opened(directory);
    const said = async (): Promise<string> => {
      const { exitCode, stderr } = await world.host("pve").run(ssh("hostname"));
      return `${exitCode} ${stderr}`;
    };
    breakLab(directory, "node-down", "oak2");
    expect(await said()).toBe(`255 ssh: connect to host ${other} port 22: No route to host\n`);
    mendLab(directory);
    await world.host("pve").run(change("mkdir", "-p", "/etc/pve/nodes/oak2"));
    await put(world, "/etc/pve/firewall/cluster.fw", "[OPTIONS]\n\nenable: 1\n");
    expect(await said()).toBe("0 ");
    await put(
      world,
      "/etc/pve/nodes/oak2/host.fw",
      `[RULES]\n\nIN DROP -source ${labSite.hypervisor.address} -p tcp -dport 22\n`,
    );
    expect(await said()).toBe(`255 ssh: connect to host ${other} port 22: Connection timed out\n`);
  });

  test("a shared connection outlives rules that drop new ones, and ends with its node", async () => {
    const directory = await two();
    const world = await opened(directory);
    const shared = ["-o", "ControlMaster=auto", "-o", "ControlPath=/run/phx-%C", "-o", "ControlPersist=60"];
    const { argv } = ssh("hostname");
    const over = { ...read("ssh", ...shared, ...argv.slice(1)) };
    expect((await world.host("pve").run(over)).exitCode).toBe(0);
    await put(
      world,
      "/etc/pve/firewall/cluster.fw",
      "[OPTIONS]\n\nenable: 1\n\n[RULES]\n\nIN DROP -p tcp -dport 22\n",
    );
    expect((await world.host("pve").run(ssh("hostname"))).exitCode).toBe(255);
    expect((await world.host("pve").run(over)).stdout).toBe("oak2\n");
    breakLab(directory, "node-down", "oak2");
    expect((await world.host("pve").run(over)).exitCode).toBe(255);
  });

  test("gives up on a node whose ssh does not answer, after the time that it was given", async () => {
    const directory = await two();
    const world = await opened(directory);
    breakLab(directory, "ssh-hang", "oak2");
    const { argv } = ssh("hostname");
    const { exitCode, stderr } = await world
      .host("pve")
      .run(read("ssh", "-o", "ConnectTimeout=1", ...argv.slice(1)));
    expect(exitCode).toBe(255);
    expect(stderr).toContain("Connection timed out during banner exchange");
  });
});

describe("quorum", () => {
  const write = async (world: World): Promise<string> => {
    const { exitCode, stderr } = await world.host("pve").run(change("touch", "/etc/pve/x"));
    return `${exitCode} ${stderr}`;
  };

  test("of three nodes one may fail, and not two", async () => {
    const directory = await three();
    const world = await opened(directory);
    breakLab(directory, "node-down", "oak3");
    expect(await write(world)).toBe("0 ");
    expect(await members(world)).toMatchObject({
      cluster: { nodes: 3, quorate: 1 },
      nodelist: { oak3: { online: 0 } },
    });
    breakLab(directory, "node-down", "oak2");
    expect(await members(world)).toMatchObject({ cluster: { quorate: 0 } });
    expect(await write(world)).toBe("1 touch: cannot touch ‘/etc/pve/x’: Permission denied\n");
    expect((await world.host("pve").run(read("ls", "/etc/pve/nodes"))).stdout).toBe("oak1\noak2\noak3\n");
    const { stdout } = await world.host("pve").run(read("pvecm", "status"));
    expect(stdout).toContain("Quorate:          No");
    expect(stdout).toContain("Quorum:           2 Activity blocked");
  });

  test("a node that is cut off has none, and the others keep theirs", async () => {
    const directory = await three();
    breakLab(directory, "partitioned", "oak2");
    const [first, second] = await Promise.all([opened(directory), openLab(directory, at("oak2"))]);
    try {
      expect(await members(first)).toMatchObject({
        cluster: { quorate: 1 },
        nodelist: { oak2: { online: 0 } },
      });
      expect(await members(second)).toMatchObject({
        cluster: { quorate: 0 },
        nodelist: { oak1: { online: 0 }, oak2: { online: 1 } },
      });
      expect(await write(second)).toContain("Permission denied");
      expect((await first.network.connect(other, 22)).ok).toBe(false);
    } finally {
      await second.close();
    }
  });

  test("the QDevice of two nodes keeps one alive without the other", async () => {
    const directory = await two();
    const world = await opened(directory);
    breakLab(directory, "node-down", "oak2");
    expect(await write(world)).toBe("0 ");
    breakLab(directory, "no-quorum");
    expect(await write(world)).toContain("Permission denied");
  });
});

describe("a directory below priv/lock", () => {
  const path = "/etc/pve/priv/lock/phoenix";

  test("is made by one node, renewed by that one alone, and gone for who asks after 120 s", async () => {
    const directory = await two();
    const run = async (entry: string, ...argv: string[]): Promise<number> => {
      const world = await openLab(directory, at(entry));
      const { exitCode } = await world.host("pve").run(change(...argv));
      await world.close();
      return exitCode;
    };
    const later = (seconds: number): void => setClockOffset(directory, seconds * 1000);
    expect(await run("oak1", "mkdir", path)).toBe(0);
    expect(await run("oak2", "mkdir", path)).toBe(1);
    later(100);
    expect(await run("oak2", "touch", path)).toBe(1);
    expect(await run("oak1", "touch", path)).toBe(0);
    later(200);
    expect(await run("oak2", "touch", "-c", "-d", "@0", path)).toBe(1);
    later(230);
    expect(await run("oak2", "touch", "-c", "-d", "@0", path)).toBe(0);
    expect(await run("oak2", "mkdir", path)).toBe(0);
    expect(await run("oak2", "rmdir", path)).toBe(0);
  });
});

test("a guest of a node that is switched off answers nobody, and is unknown to the others", async () => {
  const directory = await two();
  const world = await opened(directory);
  moveGuest(directory, "lxc/101", "oak2");
  const address = labSite.guests.find(({ host }) => host === "lxc/101")?.address ?? "";
  expect(await world.network.connect(address, 1)).toMatchObject({ reason: "refused" });
  breakLab(directory, "node-down", "oak2");
  expect(await world.network.connect(address, 1)).toMatchObject({ reason: "unreachable" });
  const { stdout } = await world
    .host("pve")
    .run(read("pvesh", "get", "/cluster/resources", "--output-format", "json"));
  expect(JSON.parse(stdout)).toContainEqual(
    expect.objectContaining({ id: "lxc/101", node: "oak2", status: "unknown" }),
  );
  expect(JSON.parse(stdout)).toContainEqual({
    id: "node/oak2",
    node: "oak2",
    status: "offline",
    type: "node",
  });
});
