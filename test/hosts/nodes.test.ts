/** Nodes of a cluster: which of them is "pve", and the one shared connection to each. */
import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/component.ts";
import { NotReadyError, TransportError } from "../../src/errors.ts";
import { TimedOutError } from "../../src/hosts/command-limits.ts";
import type { Command, Exec } from "../../src/hosts/host.ts";
import { openNodes } from "../../src/hosts/nodes.ts";
import { fakeCluster, guest, members } from "./cluster.ts";
import { failure } from "./recorded.ts";

let now = 0;
const clock: Clock = {
  now: () => now,
  sleep: async (ms) => {
    now += ms;
  },
};
const ids = { "102": guest("pve1", "lxc"), "1002": guest("pve2", "qemu"), "103": guest("pve2", "lxc") };
const both = (): Record<string, unknown> => ({ ".vmlist": { version: 9, ids }, ".members": members });
const site = { address: "10.0.0.13", network: "10.0.0.0/24" };
const nodesOf = (entry: Exec, declared = site, parallel?: number) =>
  openNodes({ entry, clock, declared, parallel });
const ls: Command = { argv: ["ls", "a b"], effect: "read" };
const withMembers = (nodelist: object, nodename = "pve1") => ({
  ...both(),
  ".members": { ...members, nodename, nodelist },
});

describe("the cluster", () => {
  test("is what its file system says, without asking any other node", async () => {
    const pve = fakeCluster(both());
    expect(await nodesOf(pve.exec).cluster()).toEqual({
      name: "oak",
      own: "pve1",
      entry: "pve",
      quorate: true,
      nodes: [
        { host: "node/pve2", name: "pve2", address: "10.0.0.14", online: true },
        { host: "node/pve3", name: "pve3", address: "10.0.0.15", online: false },
      ],
      placement: new Map([
        ["lxc/102", "pve1"],
        ["lxc/103", "pve2"],
        ["vm/1002", "pve2"],
      ]),
    });
    expect(pve.asked).toEqual([]);
    expect(pve.looks()).toBe(1);
  });

  test.each([
    ["a single host has none", { ".vmlist": { ids }, ".members": { nodename: "pve1", version: 1 } }],
    ["nor has a machine without Proxmox", {}],
  ])("%s", async (_, files) => {
    const pve = fakeCluster(files);
    const nodes = nodesOf(pve.exec);
    expect(await nodes.cluster()).toBeUndefined();
    await nodes.pve(ls);
    expect(pve.asked.map(({ node, line }) => `${node}: ${line}`)).toEqual([": ls a b"]);
  });

  test("without quorum says so", async () => {
    const files = { ...both(), ".members": { ...members, cluster: { ...members.cluster, quorate: 0 } } };
    expect((await nodesOf(fakeCluster(files).exec).cluster())?.quorate).toBe(false);
  });

  test("that is not mounted is named, and its node can still be put right", async () => {
    const pve = fakeCluster({ "/etc/corosync/corosync.conf": "totem {\n  cluster_name: oak\n}\n" });
    const nodes = nodesOf(pve.exec);
    const error = await failure(nodes.cluster());
    expect(error).toBeInstanceOf(NotReadyError);
    expect((error as Error).message).toBe(
      "this node belongs to the cluster oak, and its /etc/pve is not mounted",
    );
    await nodes.pve(ls);
    expect(pve.asked).toHaveLength(1);
  });

  test("a name that could be an option or a path is refused", async () => {
    const files = withMembers({ ...members.nodelist, "../x y": { id: 4, online: 1, ip: "10.0.0.16" } });
    const error = await failure(nodesOf(fakeCluster(files).exec).cluster());
    expect((error as Error).message).toBe(
      '/etc/pve/.members names a node "../x y", which cannot be a host name',
    );
  });
});

describe('"pve"', () => {
  test("is the node with the site's address, whichever is entered and whatever it is called", async () => {
    // The node that is called "pve" is another one.
    const nodelist = {
      pve: { id: 1, online: 1, ip: "10.0.0.14" },
      oak1: { id: 2, online: 1, ip: "10.0.0.13" },
    };
    const pve = fakeCluster(withMembers(nodelist, "pve"));
    const nodes = nodesOf(pve.exec);
    expect(await nodes.cluster()).toMatchObject({
      own: "oak1",
      entry: "node/pve",
      nodes: [{ host: "node/pve", address: "10.0.0.14" }],
    });
    await nodes.pve(ls);
    await nodes.on("pve")(ls);
    expect(pve.asked.map(({ node, line }) => `${node}: ${line}`)).toEqual(["oak1: ls 'a b'", ": ls a b"]);
  });

  test("is found by its own addresses where corosync has another network", async () => {
    const nodelist = {
      pve1: { id: 1, online: 1, ip: "172.16.0.1" },
      pve2: { id: 2, online: 1, ip: "172.16.0.2" },
    };
    const address = (local: string) => [{ ifname: "vmbr0", addr_info: [{ family: "inet", local }] }];
    const pve = fakeCluster(withMembers(nodelist), (node) => ({
      stdout: JSON.stringify(address(node === "pve2" ? "10.0.0.13" : "10.0.0.14")),
    }));
    expect(await nodesOf(pve.exec).cluster()).toMatchObject({
      own: "pve2",
      entry: "node/pve1",
      nodes: [{ host: "node/pve1", address: "10.0.0.14" }],
    });
  });

  test("is the entered node where no member has the site's address", async () => {
    const declared = { ...site, address: "10.0.0.99" };
    expect(
      await nodesOf(fakeCluster(withMembers({ pve1: members.nodelist.pve1 })).exec, declared).cluster(),
    ).toMatchObject({
      own: "pve1",
      entry: "pve",
    });
  });

  test("is not guessed while a node that may be it does not answer", async () => {
    const nodelist = {
      pve1: { id: 1, online: 1, ip: "10.0.0.14" },
      pve2: { id: 2, online: 0, ip: "172.16.0.2" },
    };
    const error = await failure(nodesOf(fakeCluster(withMembers(nodelist)).exec).cluster());
    expect(error).toBeInstanceOf(NotReadyError);
    expect((error as Error).message).toBe(
      "no node that answers has the site's address 10.0.0.13; pve2 may have it",
    );
  });

  test("that is off is named", async () => {
    const nodelist = { ...members.nodelist, pve1: { id: 1, online: 0, ip: "10.0.0.13" } };
    const error = await failure(nodesOf(fakeCluster(withMembers(nodelist, "pve2")).exec).cluster());
    expect((error as Error).message).toBe(
      "pve1 (10.0.0.13), which has the journal and the certificates, is offline",
    );
  });
});

describe("a connection", () => {
  test("is made in Proxmox's own way and shared; what comes first waits for it", async () => {
    const pve = fakeCluster(both());
    const nodes = nodesOf(pve.exec);
    await Promise.all([nodes.on("pve2")(ls), nodes.on("pve2")(ls)]);
    expect(pve.ssh).toHaveLength(3);
    const [argv = []] = pve.ssh;
    expect(argv.slice(0, 7)).toEqual([
      ...["/usr/bin/ssh", "-e", "none", "-o", "BatchMode=yes", "-o", "HostKeyAlias=pve2"],
    ]);
    expect(argv).toContain("ControlMaster=auto");
    expect(argv.find((each) => each.startsWith("ControlPath="))).toMatch(
      /^ControlPath=\/run\/phoenix\/[\da-f]{8}\.\d$/,
    );
    expect(argv.slice(-3, -1)).toEqual(["root@10.0.0.14", "--"]);
    expect(argv.join(" ")).not.toContain("KnownHostsFile");
    expect(new Set(pve.ssh.map((each) => each.slice(0, -1).join(" "))).size).toBe(1);
    await nodes.close(pve.exec);
    expect(pve.ssh.at(-1)?.slice(-3)).toEqual(["-O", "exit", "root@10.0.0.14"]);
  });

  test("takes the node's own file of keys only where there is one", async () => {
    const pve = fakeCluster({ ...both(), "nodes/pve2/ssh_known_hosts": "pve2 ssh-ed25519 AAAA\n" });
    await nodesOf(pve.exec).on("pve2")(ls);
    expect(pve.ssh[0]?.slice(7, 11)).toEqual([
      ...["-o", "UserKnownHostsFile=/etc/pve/nodes/pve2/ssh_known_hosts", "-o", "GlobalKnownHostsFile=none"],
    ]);
  });

  test("bears a bounded number of commands, whatever --parallel says, and no node waits for another", async () => {
    const running = { pve1: 0, pve2: 0, pve3: 0 };
    const most = { ...running };
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const up = { ...members.nodelist, pve3: { ...members.nodelist.pve3, online: 1 } };
    const pve = fakeCluster(withMembers(up), async (name, line) => {
      if (line === "true") return {};
      const node = (name === "" ? "pve1" : name) as keyof typeof running;
      most[node] = Math.max(most[node], ++running[node]);
      if (node === "pve2") await held;
      running[node]--;
      return {};
    });
    const nodes = nodesOf(pve.exec, site, 50);
    const slow = Array.from({ length: 20 }, () => nodes.on("pve2")(ls));
    await Promise.all(Array.from({ length: 20 }, () => [nodes.on("pve3")(ls), nodes.pve(ls)]).flat());
    expect(most.pve2).toBe(6);
    release();
    await Promise.all(slow);
    expect(most.pve2).toBe(6);
    expect(most.pve3).toBeLessThanOrEqual(6);
  });

  test("that cannot be made costs one wait, and is tried again later", async () => {
    now = 0;
    let isUp = false;
    const pve = fakeCluster(both(), () =>
      isUp ? {} : { exitCode: 255, stderr: "ssh: connect to host 10.0.0.14 port 22: Connection timed out\n" },
    );
    const nodes = nodesOf(pve.exec);
    const failures = await Promise.all(Array.from({ length: 20 }, () => failure(nodes.on("pve2")(ls))));
    expect(failures.every((each) => each instanceof TransportError)).toBe(true);
    expect(pve.ssh).toHaveLength(1);
    isUp = true;
    now = 31_000;
    expect((await nodes.on("pve2")(ls)).exitCode).toBe(0);
  });

  test("that hangs is a node that does not answer", async () => {
    const pve = fakeCluster(both(), () => Promise.reject(new TimedOutError("pve", "ssh on pve did not end")));
    const error = await failure(nodesOf(pve.exec).on("pve2")(ls));
    expect((error as Error).message).toBe("node pve2 (10.0.0.14) does not let ssh in within 15 s");
  });

  test("a node on which a command hangs is asked before the next one", async () => {
    let hangs = false;
    const pve = fakeCluster(both(), (_, line) => {
      if (hangs || line.startsWith("sleep"))
        return Promise.reject(new TimedOutError("pve", "it did not end"));
      return {};
    });
    const node = nodesOf(pve.exec).on("pve2");
    expect(await failure(node({ argv: ["sleep", "99"], effect: "read" }))).toBeInstanceOf(TimedOutError);
    // It was the command.
    expect((await node(ls)).exitCode).toBe(0);
    hangs = true;
    await failure(node(ls));
    const error = await failure(node(ls));
    expect((error as Error).message).toBe(
      "node pve2 does not answer: an earlier command did not end, and neither does `true`",
    );
  });

  test("a key that is refused is the cluster's own matter", async () => {
    const stderr = "Host key verification failed.\n";
    const pve = fakeCluster(both(), () => ({ exitCode: 255, stderr }));
    const error = await failure(nodesOf(pve.exec).on("pve2")(ls));
    expect((error as TransportError).message).toBe(
      "root@10.0.0.14 cannot be reached by ssh: Host key verification failed.",
    );
    expect((error as TransportError).hint).toContain("pvecm updatecerts");
  });

  test("that breaks is made anew", async () => {
    let breaks = false;
    const pve = fakeCluster(both(), (_, line) =>
      breaks && line !== "true"
        ? { exitCode: 255, stderr: "Connection to 10.0.0.14 closed by remote host.\n" }
        : {},
    );
    now = 0;
    const node = nodesOf(pve.exec).on("pve2");
    await node(ls);
    breaks = true;
    expect(await failure(node(ls))).toBeInstanceOf(TransportError);
    breaks = false;
    expect((await node(ls)).exitCode).toBe(0);
    expect(pve.ssh.filter((argv) => argv.at(-1)?.endsWith(" true"))).toHaveLength(2);
  });
});
