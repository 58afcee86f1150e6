/** The guard in a cluster: an undo on every node that is online, one write that confirms for all, and what a killed run left anywhere. */
import { describe, expect, test } from "vitest";
import type { Io } from "../../src/component.ts";
import { guard } from "../../src/components/firewall/guard.ts";
import { undoDirectory, undoPaths, undoUnit, undoWindowSeconds } from "../../src/components/firewall/undo.ts";
import { CandidateError, TransportError } from "../../src/errors.ts";
import { sha256 } from "../../src/formats/text/digest.ts";
import type { CommandResult, FileState, FileWrite, Host } from "../../src/hosts/host.ts";
import type { Change, HostName } from "../../src/resource.ts";
import { clusterOf } from "../lab/cluster-site.ts";
import { labSite } from "../lab/site.ts";

const done: CommandResult = { exitCode: 0, stdout: "", stderr: "" };
const clusterFile = "/etc/pve/firewall/cluster.fw";
const previous = "[OPTIONS]\nenable: 0\n";
const members = {
  cluster: { name: "oak", quorate: 1 },
  nodelist: { pve: { id: 1, online: 1 }, pve2: { id: 2, online: 1 }, pve3: { id: 3, online: 0 } },
};

interface Fault {
  /** Addresses where new connections are dropped. */
  readonly dropped?: readonly string[];
  /** Nodes that no command reaches any more. */
  readonly lost?: Set<HostName>;
  /** Undos that do not run. */
  readonly stuck?: readonly HostName[];
}

/** Two nodes with one /etc/pve, and a third that is off. The clock moves by sleeping only, and due undos run by it. */
function oak(fault: Fault = {}) {
  const commands: string[] = [];
  const notes: string[] = [];
  const shared = new Map<string, string>([
    [clusterFile, previous],
    ["/etc/pve/.members", JSON.stringify(members)],
  ]);
  const disks = new Map<HostName, Map<string, string>>([
    ["pve", new Map()],
    ["node/pve2", new Map()],
  ]);
  const due = new Map<HostName, number>();
  let now = 0;
  const filesOf = (host: HostName, path: string): Map<string, string> =>
    path.startsWith("/etc/pve/") ? shared : (disks.get(host) ?? new Map());
  const runDue = (): void => {
    for (const [host, at] of due) {
      if (at > now || fault.stuck?.includes(host) === true) continue;
      due.delete(host);
      filesOf(host, undoPaths.restored).set(undoPaths.restored, "restored\n");
    }
  };
  const hostOf = (name: HostName): Host => {
    const reach = (): void => {
      runDue();
      if (name === "node/pve3" || fault.lost?.has(name) === true)
        throw new TransportError(name, `${name} cannot be reached`);
    };
    const run = async ({ argv }: { readonly argv: readonly string[] }): Promise<CommandResult> => {
      reach();
      commands.push(`${name}: ${argv.join(" ")}`);
      if (argv[0] === "systemd-run") due.set(name, now + undoWindowSeconds * 1000);
      if (argv[1] === "show") {
        const service =
          "Id=pve-firewall.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n";
        const state = due.has(name) ? "active" : "inactive";
        return { ...done, stdout: `${service}\nId=${undoUnit}.timer\nActiveState=${state}\n` };
      }
      if (argv[1] === "stop") return due.delete(name) ? done : { ...done, exitCode: 5 };
      const ends = argv.filter((word) => /^\d+(\.\d+){3}:\d+$/.test(word));
      const answer = (end: string) =>
        fault.dropped?.includes(end.split(":")[0] ?? "") === true ? "silent" : "answers";
      return { ...done, stdout: ends.map((end) => `${answer(end)}\n`).join("") };
    };
    const state = (text: string): FileState => ({ text, mode: "640", owner: "root:root", ids: "0:0" });
    const host: Partial<Host> = {
      name,
      run,
      expect: async (command) => (await run(command)).stdout,
      readFiles: async (paths) => {
        reach();
        return new Map(
          paths.flatMap((path) => {
            const text = filesOf(name, path).get(path);
            return text === undefined ? [] : [[path, state(text)] as const];
          }),
        );
      },
      list: async (directory) => {
        reach();
        return [...filesOf(name, `${directory}/`).keys()].flatMap((path) =>
          path.startsWith(`${directory}/`) ? [path.slice(directory.length + 1)] : [],
        );
      },
      writeFiles: async (writes: readonly FileWrite[]) => {
        reach();
        for (const { path, text } of writes) filesOf(name, path).set(path, text);
      },
      remove: async (paths) => {
        reach();
        for (const path of paths) filesOf(name, path).delete(path);
      },
    };
    return host as Host;
  };
  const io = {
    site: clusterOf(labSite, ["pve2", "pve3"], { off: ["pve3"] }),
    host: hostOf,
    network: {
      connect: async (address: string) =>
        fault.dropped?.includes(address) === true ? { ok: false, reason: "timeout" } : { ok: true },
    },
    clock: {
      now: () => now,
      sleep: async (ms: number) => {
        now += ms;
      },
    },
    waiting: () => {},
    note: (text: string) => notes.push(text),
  } as unknown as Io;
  return { io, commands, notes, shared, disks, elapsed: () => now, armed: () => [...due.keys()] };
}

const changes: readonly Change[] = [
  { verb: "create", desired: { id: "firewall/options", host: "pve", text: "enable: 1\n", units: {} } },
];

describe("arming", () => {
  test("is done on every node that is online, with the same copies and what they may replace", async () => {
    const { io, armed, disks } = oak();
    await guard(changes, io);
    expect(armed()).toEqual(["pve", "node/pve2"]);
    const [first, second] = [...disks.values()].map((disk) => disk.get(undoPaths.manifest) ?? "");
    expect(second).toBe(first);
    const candidate = "[OPTIONS]\nenable: 1\n";
    expect(first?.split("\n")[0]).toBe("cluster 1 /etc/pve/priv/phoenix-firewall-confirmed");
    const [, copy, path, digests = ""] = first?.split("\n")[1]?.split(" ") ?? [];
    expect([copy, path]).toEqual(["copy-0", clusterFile]);
    expect(digests.split(",")).toEqual(expect.arrayContaining([sha256(previous), sha256(candidate)]));
    for (const disk of disks.values()) expect(disk.get(`${undoDirectory}/copy-0`)).toBe(previous);
  });

  test("on a node that cannot be reached fails before anything is changed", async () => {
    const { io, commands } = oak({ lost: new Set(["node/pve2"]) });
    await expect(guard(changes, io)).rejects.toThrow("node/pve2 cannot be reached");
    expect(commands.filter((line) => line.includes("systemd-run"))).toEqual([]);
  });
});

describe("confirming", () => {
  test("is one write in /etc/pve, and then every undo is disarmed", async () => {
    const { io, armed, shared, disks } = oak();
    await (await guard(changes, io)).confirm();
    expect(shared.get(undoPaths.confirmed)).toBe("1\n");
    expect(armed()).toEqual([]);
    for (const disk of disks.values())
      expect([...disk.keys()].filter((path) => path.includes("undo"))).toEqual([]);
  });

  test.each([
    ["10.0.0.14", "10.0.0.14:22 (node pve2) answers a new connection from node pve"],
    ["10.0.0.13", "10.0.0.13:22 answers a new connection from node pve itself"],
  ])("is refused when %s drops new connections: every undo is left to run", async (address, claim) => {
    const { io, commands, shared } = oak({ dropped: [address] });
    const error = await (await guard(changes, io)).confirm().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CandidateError);
    expect(error).toMatchObject({ message: `not so after the firewall changed: ${claim}` });
    expect(commands.filter((line) => line.includes(" stop "))).toEqual([]);
    expect(shared.has(undoPaths.confirmed)).toBe(false);
  });

  test("names the node whose undo did not run", async () => {
    const { io } = oak({ dropped: ["10.0.0.14"], stuck: ["node/pve2"] });
    const error = await (await guard(changes, io)).confirm().catch((thrown: unknown) => thrown);
    expect(error).not.toBeInstanceOf(CandidateError);
    expect(error).toMatchObject({ hint: expect.stringContaining("on node pve2 says why") });
  });
});

describe("what a killed run left", () => {
  test("on one node alone is taken over: its copies stay the ones to restore, with what it may replace", async () => {
    const machines = oak();
    await guard(changes, machines.io);
    const forced = "[OPTIONS]\nenable: 1\n";
    machines.shared.set(clusterFile, forced);
    // The undo of "pve" was lost with its disk.
    machines.disks.get("pve")?.clear();
    await machines.io.host("pve").run({ argv: ["systemctl", "stop", `${undoUnit}.timer`], effect: "change" });
    const armed = await guard([], machines.io);
    for (const disk of machines.disks.values()) {
      expect(disk.get(`${undoDirectory}/copy-0`)).toBe(previous);
      const manifest = disk.get(undoPaths.manifest) ?? "";
      expect(manifest).toContain("cluster 2 ");
      expect(manifest).toContain(sha256(forced));
    }
    await armed.confirm();
    expect(machines.shared.get(undoPaths.confirmed)).toBe("2\n");
    expect(machines.armed()).toEqual([]);
  });

  test("after it had confirmed is only disarmed: what is in place stays the state to go back to", async () => {
    const machines = oak();
    await guard(changes, machines.io);
    machines.shared.set(clusterFile, "[OPTIONS]\nenable: 1\n");
    machines.shared.set(undoPaths.confirmed, "1\n");
    await guard([], machines.io);
    for (const disk of machines.disks.values())
      expect(disk.get(`${undoDirectory}/copy-0`)).toBe("[OPTIONS]\nenable: 1\n");
  });
});
