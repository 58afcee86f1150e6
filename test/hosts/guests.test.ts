/** Where a guest's commands run, on a cluster of two nodes. */
import { describe, expect, test } from "vitest";
import { NotReadyError, TransportError } from "../../src/errors.ts";
import { realClock } from "../../src/hosts/clock.ts";
import { guestExecs } from "../../src/hosts/guests.ts";
import type { Command, Exec } from "../../src/hosts/host.ts";
import { scriptOf } from "../../src/hosts/script.ts";
import { failure } from "./recorded.ts";

const clock = realClock(new AbortController().signal);
const members = {
  nodename: "pve1",
  version: 3,
  cluster: { name: "c", version: 2, nodes: 3, quorate: 1 },
  nodelist: {
    pve1: { id: 1, online: 1, ip: "10.0.0.13" },
    pve2: { id: 2, online: 1, ip: "10.0.0.14" },
    pve3: { id: 3, online: 0, ip: "10.0.0.15" },
  },
};
const guest = (node: string, type: "lxc" | "qemu") => ({ node, type, version: 1 });

/** A hypervisor with these files under /etc/pve; `answer` is what every other command gets. */
function cluster(
  files: Record<string, unknown>,
  answer: (argv: readonly string[]) => { exitCode: number; stdout?: string; stderr?: string } = () => ({
    exitCode: 0,
  }),
): { exec: Exec; asked: Command[]; looks: () => number; files: Record<string, unknown> } {
  const asked: Command[] = [];
  let looks = 0;
  const exec: Exec = async (command) => {
    const script = scriptOf(command.argv);
    if (script?.name !== "read-files") {
      asked.push(command);
      return { stdout: "", stderr: "", ...answer(command.argv) };
    }
    looks++;
    const lines = script.parameters.map((path) => {
      const content = files[path.replace("/etc/pve/", "")];
      if (content === undefined) return "absent";
      const text = typeof content === "string" ? content : JSON.stringify(content);
      return `file 440 root:www-data 0:33 - ${Buffer.from(text).toString("base64")}`;
    });
    return { exitCode: 0, stdout: `${lines.join("\n")}\n`, stderr: "" };
  };
  return { exec, asked, looks: () => looks, files };
}

const ids = { "102": guest("pve1", "lxc"), "1002": guest("pve2", "qemu"), "103": guest("pve2", "lxc") };
const both = (): Record<string, unknown> => ({
  ".vmlist": { version: 9, ids: { ...ids } },
  ".members": members,
});
const ls: Command = { argv: ["ls", "a b"], effect: "read" };

test("a guest of this node is entered here; the cluster is looked at once for all", async () => {
  const pve = cluster(both());
  const execOf = guestExecs(pve.exec, clock);
  await Promise.all([execOf("lxc/102")(ls), execOf("lxc/102")(ls)]);
  expect(pve.asked.map(({ argv }) => argv.slice(0, 3))).toEqual([
    ["pct", "exec", "102"],
    ["pct", "exec", "102"],
  ]);
  expect(pve.looks()).toBe(1);
});

test("nothing is looked at before a command runs", () => {
  const pve = cluster(both());
  guestExecs(pve.exec, clock)("lxc/102");
  expect(pve.looks()).toBe(0);
});

test("a node without a file of its own keys is known by the system's", async () => {
  const pve = cluster(both());
  const exec = guestExecs(pve.exec, clock)("lxc/103");
  await exec(ls);
  await exec(ls);
  // The cluster, and once for all commands the file.
  expect(pve.looks()).toBe(2);
  const [{ argv } = { argv: [] }] = pve.asked;
  expect(argv).toContain("HostKeyAlias=pve2");
  expect(argv.join(" ")).not.toContain("KnownHostsFile");
});

test("a guest of another node is reached as PVE does it", async () => {
  const pve = cluster({ ...both(), "nodes/pve2/ssh_known_hosts": "pve2 ssh-ed25519 AAAA\n" });
  await guestExecs(pve.exec, clock)("lxc/103")({ ...ls, stdin: "in" });
  const [{ argv, stdin } = { argv: [], stdin: "" }] = pve.asked;
  expect(stdin).toBe("in");
  expect(argv[0]).toBe("ssh");
  expect(argv).toContain("BatchMode=yes");
  expect(argv).toContain("HostKeyAlias=pve2");
  expect(argv).toContain("UserKnownHostsFile=/etc/pve/nodes/pve2/ssh_known_hosts");
  expect(argv.slice(-3, -1)).toEqual(["--", "root@10.0.0.14"]);
  expect(argv.at(-1)).toMatch(/pct exec 103 --keep-env 0 -- ls 'a b'$/);
});

test("a virtual machine goes through qm", async () => {
  const answer = '{"exitcode":0,"exited":1,"out-data":"x"}';
  const pve = cluster(both(), () => ({ exitCode: 0, stdout: answer }));
  const result = await guestExecs(pve.exec, clock)("vm/1002")(ls);
  expect(result.stdout).toBe("x");
  expect(pve.asked[0]?.argv.at(-1)).toContain("qm guest exec 1002");
});

describe("a guest that moved", () => {
  const gone = { exitCode: 2, stderr: "Configuration file 'nodes/pve1/lxc/102.conf' does not exist\n" };

  test("is looked for once more", async () => {
    const pve = cluster(both(), (argv) => {
      if (argv[0] !== "pct") return { exitCode: 0, stdout: "there" };
      // It moves after the first look.
      pve.files[".vmlist"] = { version: 10, ids: { ...ids, "102": guest("pve2", "lxc") } };
      return gone;
    });
    const exec = guestExecs(pve.exec, clock)("lxc/102");
    expect((await exec(ls)).stdout).toBe("there");
    expect(pve.asked.map(({ argv }) => argv[0])).toEqual(["pct", "ssh"]);
    expect(pve.asked.at(-1)?.argv).toContain("root@10.0.0.14");
    expect((await exec(ls)).stdout).toBe("there");
  });

  test("and is not ready when it is nowhere", async () => {
    const pve = cluster(both(), () => gone);
    const error = await failure(guestExecs(pve.exec, clock)("lxc/102")(ls));
    expect(error).toBeInstanceOf(NotReadyError);
    expect(pve.looks()).toBe(2);
    expect(pve.asked).toHaveLength(1);
  });
});

describe("what cannot be reached", () => {
  test("an id that no guest has", async () => {
    const error = await failure(guestExecs(cluster(both()).exec, clock)("lxc/999")(ls));
    expect(error).toBeInstanceOf(NotReadyError);
    expect((error as Error).message).toBe("lxc/999 does not exist on this cluster");
  });

  test("an id of another kind", async () => {
    const error = await failure(guestExecs(cluster(both()).exec, clock)("vm/102")(ls));
    expect((error as Error).message).toBe("vm/102 does not exist on this cluster; 102 is a container");
  });

  test("a node that is offline", async () => {
    const files = { ...both(), ".vmlist": { ids: { "104": guest("pve3", "lxc") } } };
    const error = await failure(guestExecs(cluster(files).exec, clock)("lxc/104")(ls));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toBe("node pve3 is offline");
  });

  test("a node that ssh does not get to", async () => {
    const stderr = "ssh: connect to host 10.0.0.14 port 22: No route to host\n";
    const pve = cluster(both(), () => ({ exitCode: 255, stderr }));
    const error = await failure(guestExecs(pve.exec, clock)("lxc/103")(ls));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as TransportError).target).toBe("node pve2");
    expect((error as Error).message).toContain("No route to host");
  });

  test("a stopped container on another node is not taken for a failed ssh", async () => {
    const stderr = "container '103' not running!\nphoenix: the command ended with 255\n";
    const pve = cluster(both(), () => ({ exitCode: 255, stderr }));
    const error = await failure(guestExecs(pve.exec, clock)("lxc/103")(ls));
    expect((error as Error).message).toBe("lxc/103 is not running");
  });

  test("a broken list is an error, and is read again next time", async () => {
    const pve = cluster({ ...both(), ".vmlist": "{" });
    const exec = guestExecs(pve.exec, clock)("lxc/102");
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
  const pve = cluster(files);
  await guestExecs(pve.exec, clock)("lxc/102")(ls);
  expect(pve.asked[0]?.argv.slice(0, 3)).toEqual(["pct", "exec", "102"]);
});

test("a list without guests has none", async () => {
  const pve = cluster({ ".vmlist": { version: 1 }, ".members": members });
  expect(await failure(guestExecs(pve.exec, clock)("lxc/102")(ls))).toBeInstanceOf(NotReadyError);
});
