/** The firewall against the lab: it converges, keeps what is others', refuses lockouts, and undoes itself. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { setClockOffset } from "../../lab/lab-file.ts";
import type { Component } from "../../src/component.ts";
import { firewall } from "../../src/components/firewall/index.ts";
import { RefusedError, TransportError } from "../../src/errors.ts";
import type { Command, Exec } from "../../src/hosts/host.ts";
import type { Decorator } from "../../src/hosts/world.ts";
import type { FirewallRule } from "../../src/model.ts";
import type { WholeSite } from "../whole-site.ts";
import { change, newLab, opened, prepared, read } from "./open.ts";
import { planLab, syncLab, type Told, verifyLab } from "./session.ts";
import { labSite } from "./site.ts";

const from = { file: "etc/phoenix_hypervisor_config.json", line: 88, column: 27 };
const clusterFile = "/etc/pve/firewall/cluster.fw";

const rule = (more: Partial<FirewallRule>): FirewallRule => ({
  direction: "in",
  action: "ACCEPT",
  from,
  ...more,
});

function siteWith(rules: readonly FirewallRule[], more: Partial<WholeSite["firewall"]> = {}): WholeSite {
  return { ...labSite, firewall: { ...labSite.firewall, rules, from, ...more } };
}

const text = (lab: string, path: string): string => readFileSync(join(lab, "hosts/pve", path), "utf8");

/** Counts the changing commands of a run. */
function recorder(): { decorator: Decorator; changes: string[] } {
  const changes: string[] = [];
  const exec = (inner: Exec): Exec => {
    return (command: Command) => {
      if (command.effect === "change") changes.push(command.argv.join(" ").slice(0, 60));
      return inner(command);
    };
  };
  return { changes, decorator: { exec, network: (network) => network } };
}

const only = [firewall];

function notesOf({ events }: Told): string {
  return events.flatMap((event) => (event.type === "note" ? [event.text] : [])).join("\n");
}

/** A lab where everything is in place. */
const synced = prepared(async () => {
  const lab = await newLab();
  await syncLab(lab, labSite, only);
  return lab;
});

describe("converging", () => {
  test("writes cluster.fw once and a file for each guest, proves them, and then has nothing to do", async () => {
    const lab = await newLab();
    const first = recorder();
    const result = await syncLab(lab, labSite, only, { decorators: [first.decorator] });
    expect(result.components[0]).toMatchObject({ outcome: "changed" });
    expect(result.components[0]?.checks.filter(({ status }) => status === "fail")).toEqual([]);
    expect(result.components[0]?.activations).toEqual([
      { kind: "reload", unit: "pve-firewall", host: "pve" },
    ]);
    await expect(text(lab, clusterFile)).toMatchFileSnapshot("../cases/firewall/component/cluster.fw");
    await expect(text(lab, "/etc/pve/firewall/1002.fw")).toMatchFileSnapshot(
      "../cases/firewall/component/1002.fw",
    );
    const writes = first.changes.filter((line) => line.includes("write-files"));
    // The journal's mark, the copies of the undo and the file that wants it at boot, the firewall's files.
    expect(writes.length).toBeLessThanOrEqual(5);

    for (let time = 0; time < 2; time += 1) {
      const again = recorder();
      const next = await syncLab(lab, labSite, only, { decorators: [again.decorator] });
      expect(next.components[0]).toMatchObject({ outcome: "unchanged", changes: [], activations: [] });
      expect(again.changes).toEqual([]);
    }
    const world = await opened(lab);
    expect((await world.host("pve").run(read("systemctl", "list-timers"))).stdout).toBe("");
    expect(await world.host("pve").list("/var/lib/phoenix/firewall-undo")).toEqual([]);
  });

  test("is proved by new connections from a guest, not only by the hypervisor's own", async () => {
    const lab = await newLab();
    const result = await syncLab(lab, labSite, only);
    const claims = result.components[0]?.checks.map(({ claim }) => claim) ?? [];
    for (const port of [22, 8006, 53])
      expect(claims).toContain(`10.0.0.13:${port} answers a new connection from lxc/102 (Traefik)`);
    expect(claims).toContain("10.0.0.155:1, which no rule opens, stays silent");
  });

  test("what the node's own rules drop is noticed by that, and taken back", async () => {
    const lab = await newLab();
    const world = await opened(lab);
    const own = "[RULES]\nIN DROP -p tcp -dport 8006\n";
    await world.host("pve").writeFiles([{ path: "/etc/pve/nodes/pve/host.fw", text: own }]);
    await expect(syncLab(lab, labSite, only)).rejects.toThrow(
      /cut 10\.0\.0\.0\/24 off from 10\.0\.0\.13:8006/,
    );
    const result = await syncLab(lab, labSite, only, { allow: ["lockout"] });
    expect(result.components[0]?.outcome).toBe("rolled-back");
    expect(result.components[0]?.reason).toContain(
      "10.0.0.13:8006 answers a new connection from lxc/102 (Traefik): no answer: dropped",
    );
    expect(await world.host("pve").list("/etc/pve/firewall")).toEqual([]);
  });

  test("what it opens is open, and nothing else is", async () => {
    const lab = await synced();
    const world = await opened(lab);
    expect(await world.network.connect("10.0.0.155", 11434)).toEqual({ ok: true });
    expect(await world.network.connect("10.0.0.155", 22)).toEqual({ ok: false, reason: "timeout" });
    expect(await world.network.connect("10.0.0.12", 9999)).toEqual({ ok: false, reason: "timeout" });
  });

  test("a guest whose interface is not filtered fails its check, with the command that filters it", async () => {
    const lab = await newLab();
    const world = await opened(lab);
    const path = "/etc/pve/nodes/pve/lxc/104.conf";
    const file = (await world.host("pve").readFiles([path])).get(path)?.text ?? "";
    await world.host("pve").writeFiles([{ path, text: file.replace(",firewall=1", "") }]);
    const result = await syncLab(lab, labSite, only);
    expect(result.components[0]?.outcome).toBe("changed");
    const failed = result.components[0]?.checks.filter(({ status }) => status === "fail") ?? [];
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({ resource: "firewall/guest-lxc-104", external: true });
    expect(failed[0]?.hint).toMatch(/^pct set 104 --net0 'name=eth0,bridge=vmbr0,.*,firewall=1'$/);
  });

  test("a firewall that is declared off is written off, and nothing is filtered", async () => {
    const lab = await synced();
    const site = siteWith([], { enabled: false });
    const result = await syncLab(lab, site, only);
    expect(result.components[0]?.outcome).toBe("changed");
    expect(text(lab, clusterFile)).toContain("enable: 0");
    const world = await opened(lab);
    expect(await world.network.connect("10.0.0.155", 22)).toEqual({ ok: false, reason: "refused" });
  });

  test("a guest whose firewall is declared off loses what is ours in its file, and keeps the rest", async () => {
    const lab = await synced();
    const world = await opened(lab);
    const path = "/etc/pve/firewall/104.fw";
    await world
      .host("pve")
      .writeFiles([{ path, text: `${text(lab, path)}IN ACCEPT -p tcp -dport 22 # by hand\n` }]);
    const guests = labSite.guests.map((guest) =>
      guest.host === "lxc/104" ? { ...guest, firewall: { enabled: false, rules: [] } } : guest,
    );
    const result = await syncLab(lab, { ...labSite, guests }, only);
    expect(result.components[0]?.outcome).toBe("changed");
    expect(text(lab, path)).toBe("[RULES]\nIN ACCEPT -p tcp -dport 22 # by hand\n");
  });
});

describe("what is others'", () => {
  const foreign = `# made by the administrator
[OPTIONS]
ebtables: 0
log_ratelimit: enable=1

[ALIASES]
office 192.0.2.0/24 # the office

[IPSET blocked] # seen in the logs
203.0.113.9

[RULES]
IN DROP -source +blocked # never
IN ACCEPT -source office -p tcp -dport 22

[group web]
IN ACCEPT -p tcp -dport 80
`;

  test("stays where it is, and is spoken of", async () => {
    const lab = await newLab();
    const world = await opened(lab);
    await world.host("pve").writeFiles([{ path: clusterFile, text: foreign }]);
    const result = await syncLab(
      lab,
      siteWith([rule({ protocol: "tcp", ports: "80", comment: "ACME" })]),
      only,
    );
    expect(result.components[0]?.outcome).toBe("changed");
    const now = text(lab, clusterFile);
    for (const line of foreign.split("\n").filter((each) => each !== "" && each !== "[OPTIONS]"))
      expect(now).toContain(line);
    expect(now.match(/^\[OPTIONS\]$/gm)).toHaveLength(1);
    expect(notesOf(result)).toContain("2 rules in cluster.fw");
  });

  test("a file that Proxmox's editor wrote anew is recognised: no marks, other order of options", async () => {
    const site = siteWith([rule({ protocol: "tcp", ports: "80", comment: "ACME" })]);
    const lab = await newLab();
    await syncLab(lab, site, only);
    const world = await opened(lab);
    const now = text(lab, clusterFile);
    const options = /^\[OPTIONS\]\n([^[]*)\n/.exec(now)?.[1] ?? "";
    const turned = options.trim().split("\n").reverse().join("\n");
    const rewritten = now.replace(options, `\n${turned}\n`).replace(/^(\[group .*\])/gm, "\n$1");
    await world.host("pve").writeFiles([{ path: clusterFile, text: `${rewritten}\n` }]);
    const again = recorder();
    const result = await syncLab(lab, site, only, { decorators: [again.decorator] });
    expect(result.components[0]?.outcome).toBe("unchanged");
    expect(again.changes).toEqual([]);
    await world
      .host("pve")
      .writeFiles([{ path: clusterFile, text: now.replace(/ # managed by phoenix: ACME/, "") }]);
    const plan = await planLab(lab, site, only);
    expect(plan.components[0]?.changes.map((each) => each.verb)).toEqual(["update"]);
    await syncLab(lab, site, only);
    expect(text(lab, clusterFile)).toBe(now);
  });

  test("what was changed by hand in a group of ours is repaired", async () => {
    const lab = await synced();
    const now = text(lab, clusterFile);
    const world = await opened(lab);
    const drifted = now
      .replace(/^.*-dport 11434.*\n/gm, "")
      .replace("[group phx-lxc-104]", "[group phx-lxc-104]");
    expect(drifted).not.toBe(now);
    await world.host("pve").writeFiles([{ path: clusterFile, text: drifted }]);
    const result = await syncLab(lab, labSite, only);
    expect(result.components[0]?.changes.map((each) => each.verb)).toEqual(["update"]);
    expect(text(lab, clusterFile)).toBe(now);
  });

  test("a line that Proxmox does not understand is left, shown, and does not take ours back", async () => {
    const lab = await newLab();
    const world = await opened(lab);
    await world.host("pve").writeFiles([{ path: clusterFile, text: "[RULES]\nIN ACCEPT iface vmbr0\n" }]);
    const result = await syncLab(lab, labSite, only);
    expect(result.components[0]?.outcome).toBe("changed");
    expect(text(lab, clusterFile)).toContain("IN ACCEPT iface vmbr0");
    expect(result.components[0]?.checks.filter(({ status }) => status === "fail")).toEqual([]);
    expect(result.components[0]?.checks.length).toBeGreaterThan(10);
  });
});

describe("lockouts", () => {
  const cutting = siteWith([rule({ action: "DROP", protocol: "tcp", ports: "22", source: "10.0.0.0/24" })]);

  test("are refused with the numbers before anything is touched", async () => {
    const lab = await newLab();
    const seen = recorder();
    const run = syncLab(lab, cutting, only, { operator: "10.0.0.50", decorators: [seen.decorator] });
    const error = await run.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(RefusedError);
    expect((error as RefusedError).message).toContain(
      'the new rules would cut 10.0.0.50 (this session) off from 10.0.0.13:22: the hypervisor has "IN DROP -source 10.0.0.0/24 -p tcp -dport 22"',
    );
    expect((error as RefusedError).message).toContain("etc/phoenix_hypervisor_config.json:88:27");
    expect((error as RefusedError).hint).toContain(
      '{"type":"in","action":"ACCEPT","proto":"tcp","port":"22"',
    );
    expect(seen.changes).toEqual([]);
  });

  test("an operator outside the network is named as well", async () => {
    const lab = await newLab();
    await expect(syncLab(lab, labSite, only, { operator: "192.0.2.7" })).rejects.toThrow(
      /cut 192\.0\.2\.7 \(this session\) off from 10\.0\.0\.13:22: the policy of the hypervisor is DROP, and no rule accepts tcp port 22 from 192\.0\.2\.7/,
    );
    const site = siteWith([rule({ protocol: "tcp", ports: "22,8006", source: "192.0.2.7" })]);
    const result = await syncLab(lab, site, only, { operator: "192.0.2.7" });
    expect(result.components[0]?.outcome).toBe("changed");
  });
});

describe("the undo", () => {
  class Killed extends Error {}
  /** As if the process were killed when the new files are in place and nothing is confirmed. */
  const killed: Component = { ...firewall, activate: () => Promise.reject(new Killed()) };

  test("puts every file back byte for byte when nobody is left to confirm", async () => {
    const lab = await newLab();
    const before = "[OPTIONS]\n\n enable:  1\npolicy_in: ACCEPT\n\n\n# kept as it is\n[RULES]\n";
    const world = await opened(lab);
    await world.host("pve").writeFiles([{ path: clusterFile, text: before }]);
    await world.close();
    const site = siteWith([rule({ action: "DROP", protocol: "tcp", ports: "22,8006" })]);
    await expect(
      syncLab(lab, site, [killed], { operator: "10.0.0.50", allow: ["lockout"] }),
    ).rejects.toBeInstanceOf(Killed);
    expect(text(lab, clusterFile)).toContain("IN DROP -p tcp -dport 22,8006");
    setClockOffset(lab, 30_000);
    const soon = await opened(lab);
    expect((await planLab(lab, site, only)).components[0]?.changes).toEqual([]);
    expect(text(lab, clusterFile)).toContain("IN DROP");
    await soon.close();
    setClockOffset(lab, 62_000);
    const late = await opened(lab);
    expect(text(lab, clusterFile)).toBe(before);
    expect(await late.host("pve").list("/etc/pve/firewall")).toEqual(["cluster.fw"]);
  });

  test("that a killed run left is taken over by the next run, which confirms", async () => {
    const lab = await newLab();
    await expect(syncLab(lab, labSite, [killed])).rejects.toBeInstanceOf(Killed);
    const result = await syncLab(lab, labSite, only);
    expect(result.components[0]?.outcome).toBe("unchanged");
    expect(notesOf(result)).toContain("undo of an earlier run is armed");
    setClockOffset(lab, 200_000);
    const world = await opened(lab);
    expect(text(lab, clusterFile)).toContain("[group phx-lxc-104]");
    expect((await world.host("pve").run(read("systemctl", "list-timers"))).stdout).toBe("");
  });

  test("keeps the last confirmed state when a second run changes more before it is killed as well", async () => {
    const lab = await synced();
    const confirmed = text(lab, clusterFile);
    const one = siteWith([rule({ protocol: "tcp", ports: "8080" })]);
    await expect(syncLab(lab, one, [killed])).rejects.toBeInstanceOf(Killed);
    const two = siteWith([rule({ protocol: "tcp", ports: "9090" })]);
    await expect(syncLab(lab, two, [killed])).rejects.toBeInstanceOf(Killed);
    expect(text(lab, clusterFile)).toContain("9090");
    setClockOffset(lab, 70_000);
    await opened(lab);
    expect(text(lab, clusterFile)).toBe(confirmed);
  });

  test("is not needed when a check fails: the run takes its changes back and says so", async () => {
    const lab = await newLab();
    const before = "# as it was\n[OPTIONS]\n\n  enable:   1\npolicy_in: ACCEPT\n";
    const world = await opened(lab);
    await world.host("pve").writeFiles([{ path: clusterFile, text: before }]);
    await world.close();
    const unproved: Component = {
      ...firewall,
      verify: async () => [{ resource: "firewall/rules", claim: "10.0.0.13:8006 answers", status: "fail" }],
    };
    const result = await syncLab(lab, labSite, [unproved]);
    expect(result.components[0]).toMatchObject({ outcome: "rolled-back", changes: [] });
    expect(text(lab, clusterFile)).toBe(before);
    const after = await opened(lab);
    expect((await after.host("pve").run(read("systemctl", "list-timers"))).stdout).toBe("");
    expect(await after.host("pve").list("/etc/pve/firewall")).toEqual(["cluster.fw"]);
  });
});

describe("a change that fails on the way", () => {
  test("takes all of them back, for the first one brought the others along", async () => {
    const lab = await newLab();
    let calls = 0;
    const broken: Component = {
      ...firewall,
      apply: (each, io) => {
        calls += 1;
        return calls === 2
          ? Promise.reject(new TransportError("pve", "the line is cut"))
          : firewall.apply(each, io);
      },
    };
    const result = await syncLab(lab, labSite, [broken]);
    expect(result.components[0]).toMatchObject({ outcome: "rolled-back", changes: [] });
    const world = await opened(lab);
    expect(await world.host("pve").list("/etc/pve/firewall")).toEqual([]);
  });
});

describe("the daemon and the file system", () => {
  test("a stopped daemon is started, and that is no restart", async () => {
    const lab = await synced();
    const world = await opened(lab);
    await world.host("pve").expect(change("systemctl", "stop", "pve-firewall"));
    expect((await verifyLab(lab, labSite, only)).components[0]?.outcome).toBe("failed");
    const result = await syncLab(lab, labSite, only);
    expect(result.components[0]).toMatchObject({ outcome: "changed", activations: [] });
    expect((await verifyLab(lab, labSite, only)).components[0]?.outcome).toBe("unchanged");
  });

  test("without a quorum nothing is touched, and the reason is told", async () => {
    const lab = await newLab();
    const world = await opened(lab);
    const members = { nodename: "pve", version: 3, cluster: { name: "c", version: 2, nodes: 3, quorate: 0 } };
    await world.host("pve").writeFiles([{ path: "/etc/pve/.members", text: JSON.stringify(members) }]);
    const result = await syncLab(lab, labSite, only);
    expect(result.components[0]).toMatchObject({
      outcome: "failed",
      reason: "/etc/pve is read-only: the Proxmox cluster has no quorum",
    });
    expect(await world.host("pve").list("/etc/pve/firewall")).toEqual([]);
  });

  test("a quorum that is lost on the way ends the same", async () => {
    const lab = await newLab();
    const exec =
      (inner: Exec): Exec =>
      (command) =>
        command.argv.includes(clusterFile) && command.argv.some((arg) => arg.includes("phoenix write-files"))
          ? Promise.resolve({
              exitCode: 81,
              stdout: "",
              stderr:
                "mktemp: failed to create file via template '/etc/pve/firewall/.phx.XXXXXX': Permission denied\nfile 0",
            })
          : inner(command);
    const result = await syncLab(lab, labSite, only, {
      decorators: [{ exec, network: (network) => network }],
    });
    expect(result.components[0]?.outcome).not.toBe("changed");
    expect(result.components[0]?.reason).toContain("has no quorum");
    const world = await opened(lab);
    expect(await world.host("pve").list("/etc/pve/firewall")).toEqual([]);
  });

  test("where /etc/pve is not mounted nothing is written", async () => {
    const lab = await newLab();
    const world = await opened(lab);
    await world.host("pve").remove(["/etc/pve/.members", "/etc/pve/.version"]);
    const result = await syncLab(lab, labSite, only);
    expect(result.components[0]?.reason).toContain("/etc/pve is not mounted");
  });
});
