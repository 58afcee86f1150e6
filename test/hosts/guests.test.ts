/** Where a guest's commands run, on a cluster of two nodes. */
import { describe, expect, test } from "vitest";
import { NotReadyError, TransportError } from "../../src/errors.ts";
import { realClock } from "../../src/hosts/clock.ts";
import { guestExecs } from "../../src/hosts/guests.ts";
import type { Command, Exec } from "../../src/hosts/host.ts";
import { openNodes } from "../../src/hosts/nodes.ts";
import { type FakeCluster, fakeCluster, guest, members } from "./cluster.ts";
import { failure } from "./recorded.ts";

const clock = realClock(new AbortController().signal);
const execsOf = (entry: Exec) => guestExecs(openNodes({ entry, clock }), clock);
const ids = { "102": guest("pve1", "lxc"), "1002": guest("pve2", "qemu"), "103": guest("pve2", "lxc") };
const both = (): Record<string, unknown> => ({
  ".vmlist": { version: 9, ids: { ...ids } },
  ".members": members,
});
const ls: Command = { argv: ["ls", "a b"], effect: "read" };

const ran = ({ asked }: FakeCluster) => asked.map(({ node, line }) => `${node}: ${line}`);

test("a guest of this node is entered here; the cluster is looked at once for all", async () => {
  const pve = fakeCluster(both());
  const execOf = execsOf(pve.exec);
  await Promise.all([execOf("lxc/102")(ls), execOf("lxc/102")(ls)]);
  const there = ": pct exec 102 --keep-env 0 -- ls a b";
  expect(ran(pve)).toEqual([there, there]);
  expect(pve.looks()).toBe(1);
});

test("nothing is looked at before a command runs", () => {
  const pve = fakeCluster(both());
  execsOf(pve.exec)("lxc/102");
  expect(pve.looks()).toBe(0);
});

test("a guest of another node is entered there, and its input goes along", async () => {
  const pve = fakeCluster(both());
  await execsOf(pve.exec)("lxc/103")({ ...ls, stdin: "in" });
  expect(ran(pve)).toEqual(["pve2: pct exec 103 --keep-env 0 -- ls 'a b'"]);
  expect(pve.asked[0]?.command.stdin).toBe("in");
});

test("a virtual machine goes through qm", async () => {
  const answer = '{"exitcode":0,"exited":1,"out-data":"x"}';
  const pve = fakeCluster(both(), () => ({ stdout: answer }));
  const result = await execsOf(pve.exec)("vm/1002")(ls);
  expect(result.stdout).toBe("x");
  expect(ran(pve)[0]).toMatch(/^pve2: qm guest exec 1002/);
});

describe("a guest that moved", () => {
  const gone = { exitCode: 2, stderr: "Configuration file 'nodes/pve1/lxc/102.conf' does not exist\n" };

  test("is looked for once more", async () => {
    const pve = fakeCluster(both(), (node) => {
      if (node === "pve2") return { stdout: "there" };
      // It moves after the first look.
      pve.files[".vmlist"] = { version: 10, ids: { ...ids, "102": guest("pve2", "lxc") } };
      return gone;
    });
    const exec = execsOf(pve.exec)("lxc/102");
    expect((await exec(ls)).stdout).toBe("there");
    expect(pve.asked.map(({ node }) => node)).toEqual(["", "pve2"]);
    expect((await exec(ls)).stdout).toBe("there");
  });

  test("and is not ready when it is nowhere", async () => {
    const pve = fakeCluster(both(), () => gone);
    const error = await failure(execsOf(pve.exec)("lxc/102")(ls));
    expect(error).toBeInstanceOf(NotReadyError);
    expect(pve.looks()).toBe(2);
    expect(pve.asked).toHaveLength(1);
  });

  test("because its node died is found where it is now", async () => {
    const pve = fakeCluster(both(), (node) => {
      if (node !== "pve2") return { stdout: "there" };
      pve.files[".members"] = {
        ...members,
        nodelist: { ...members.nodelist, pve2: { id: 2, online: 0, ip: "10.0.0.14" } },
      };
      pve.files[".vmlist"] = { version: 10, ids: { ...ids, "103": guest("pve1", "lxc") } };
      return { exitCode: 255, stderr: "ssh: connect to host 10.0.0.14 port 22: No route to host\n" };
    });
    const exec = execsOf(pve.exec)("lxc/103");
    expect(await failure(exec(ls))).toBeInstanceOf(TransportError);
    expect((await exec(ls)).stdout).toBe("there");
  });
});

describe("what cannot be reached", () => {
  test("an id that no guest has", async () => {
    const error = await failure(execsOf(fakeCluster(both()).exec)("lxc/999")(ls));
    expect(error).toBeInstanceOf(NotReadyError);
    expect((error as Error).message).toBe("lxc/999 does not exist on this cluster");
  });

  test("a guest on a node that is no member", async () => {
    const files = { ...both(), ".vmlist": { ids: { "104": guest("gone", "lxc") } } };
    const error = await failure(execsOf(fakeCluster(files).exec)("lxc/104")(ls));
    expect((error as Error).message).toBe("the cluster has no node gone (/etc/pve/.members)");
  });

  test("an id of another kind", async () => {
    const error = await failure(execsOf(fakeCluster(both()).exec)("vm/102")(ls));
    expect((error as Error).message).toBe("vm/102 does not exist on this cluster; 102 is a container");
  });

  test("a node that is offline", async () => {
    const files = { ...both(), ".vmlist": { ids: { "104": guest("pve3", "lxc") } } };
    const error = await failure(execsOf(fakeCluster(files).exec)("lxc/104")(ls));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toBe("lxc/104 is on node pve3, which is offline");
  });

  test("a node that ssh does not get to", async () => {
    const stderr = "ssh: connect to host 10.0.0.14 port 22: No route to host\n";
    const pve = fakeCluster(both(), () => ({ exitCode: 255, stderr }));
    const error = await failure(execsOf(pve.exec)("lxc/103")(ls));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as TransportError).target).toBe("node pve2");
    expect((error as Error).message).toContain("No route to host");
  });

  test("a stopped container on another node is not taken for a failed ssh", async () => {
    const stderr = "container '103' not running!\nphoenix: the command ended with 255\n";
    const pve = fakeCluster(both(), (_, line) => (line === "true" ? {} : { exitCode: 255, stderr }));
    const error = await failure(execsOf(pve.exec)("lxc/103")(ls));
    expect((error as Error).message).toBe("lxc/103 is not running");
  });

  test("a broken list is an error, and is read again next time", async () => {
    const pve = fakeCluster({ ...both(), ".vmlist": "{" });
    const exec = execsOf(pve.exec)("lxc/102");
    expect((await failure(exec(ls))) instanceof TransportError).toBe(true);
    pve.files[".vmlist"] = { ids };
    expect((await exec(ls)).exitCode).toBe(0);
  });
});

test.each([
  ["there is no cluster file system", {}],
  ["a single node has no cluster", { ".vmlist": { ids }, ".members": { nodename: "pve1", version: 1 } }],
  ["the members are missing", { ".vmlist": { ids } }],
])("when %s, the guest is on this node", async (_, files) => {
  const pve = fakeCluster(files);
  await execsOf(pve.exec)("lxc/102")(ls);
  expect(ran(pve)).toEqual([": pct exec 102 --keep-env 0 -- ls a b"]);
});

test("a list without guests has none", async () => {
  const pve = fakeCluster({ ".vmlist": { version: 1 }, ".members": members });
  expect(await failure(execsOf(pve.exec)("lxc/102")(ls))).toBeInstanceOf(NotReadyError);
});
