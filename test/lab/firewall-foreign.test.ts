/** The firewall on a host that has rules of its own: ours count, theirs stay, and what cannot work is said before it is tried. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { firewall } from "../../src/components/firewall/index.ts";
import type { Guest } from "../../src/model.ts";
import { clusterOf } from "./cluster-site.ts";
import { newLab, opened } from "./open.ts";
import { planLab, syncLab, type Told, verifyLab } from "./session.ts";
import { labSite } from "./site.ts";

const only = [firewall];
const clusterFile = "/etc/pve/firewall/cluster.fw";
const hostFile = "/etc/pve/nodes/pve/host.fw";

async function labWith(files: Readonly<Record<string, string>>): Promise<string> {
  const lab = await newLab();
  const world = await opened(lab);
  await world.host("pve").writeFiles(Object.entries(files).map(([path, text]) => ({ path, text })));
  return lab;
}

const textOf = (lab: string, path = clusterFile): string =>
  readFileSync(join(lab, "hosts/pve", path), "utf8");

function lineOf(text: string, line: string): number {
  return text.split("\n").indexOf(line) + 1;
}

function notesOf({ events }: Told): string {
  return events.flatMap((event) => (event.type === "note" ? [event.text] : [])).join("\n");
}

describe("a foreign rule that lets nothing through", () => {
  test("stays behind ours, which count", async () => {
    const lab = await labWith({ [clusterFile]: "[RULES]\nIN ACCEPT -p tcp -dport 9\nIN DROP\n" });
    const result = await syncLab(lab, labSite, only);
    expect(result.components[0]?.outcome).toBe("changed");
    const lines = textOf(lab).split("\n");
    expect(lines.findIndex((line) => line.includes("managed by phoenix:"))).toBeGreaterThan(0);
    expect(lines.findLastIndex((line) => line.includes("managed by phoenix:"))).toBeLessThan(
      lines.indexOf("IN DROP"),
    );
    expect((await planLab(lab, labSite, only)).components[0]?.changes).toEqual([]);
  });

  test("in front of ours is found by a plan, named, and passed by a sync", async () => {
    const lab = await newLab();
    await syncLab(lab, labSite, only);
    const world = await opened(lab);
    const text = textOf(lab).replace("[RULES]\n", "[RULES]\nIN DROP\n");
    await world.host("pve").writeFiles([{ path: clusterFile, text }]);
    const [component] = (await planLab(lab, labSite, only)).components;
    expect(component?.changes.map(({ verb }) => verb)).toEqual(["update"]);
    expect(JSON.stringify(component?.changes)).toMatch(/behind line \d+, \\"IN DROP\\", without effect/);
    expect(JSON.stringify(component?.changes)).toContain(`behind line ${lineOf(textOf(lab), "IN DROP")},`);
    const checks = (await verifyLab(lab, labSite, only)).components.flatMap((each) => each.checks);
    expect(checks.find(({ status }) => status === "fail")).toMatchObject({
      resource: "firewall/rules",
      observed: expect.stringContaining(
        `${clusterFile}:${lineOf(textOf(lab), "IN DROP")} "IN DROP" comes before "IN ACCEPT`,
      ),
    });
    await syncLab(lab, labSite, only);
    expect(textOf(lab).indexOf("managed by phoenix:")).toBeLessThan(textOf(lab).indexOf("IN DROP"));
  });
});

describe("in a guest's file", () => {
  const guestFile = "/etc/pve/firewall/104.fw";
  const front = async (line: string, more = "") => {
    const lab = await newLab();
    await syncLab(lab, labSite, only);
    const text = textOf(lab, guestFile).replace("[RULES]\n", `[RULES]\n${line}\n`);
    const cluster = textOf(lab) + more;
    const world = await opened(lab);
    await world.host("pve").writeFiles([
      { path: guestFile, text },
      { path: clusterFile, text: cluster },
    ]);
    return lab;
  };
  const failures = async (lab: string) =>
    (await verifyLab(lab, labSite, only)).components
      .flatMap((each) => each.checks)
      .filter(({ status, claim }) => status === "fail" && claim.includes("foreign rule"))
      .map(({ observed }) => observed);

  test.each([
    ["IN DROP", ""],
    ["IN REJECT", ""],
    ["IN DROP -source 0.0.0.0/0", ""],
    ["GROUP closed", "\n[group closed]\nIN ACCEPT -p icmp\nIN DROP\n"],
  ])("%s in front of our group is named with its line, and passed by a sync", async (line, more) => {
    const lab = await front(line, more);
    const at = lineOf(textOf(lab, guestFile), line);
    const [component] = (await planLab(lab, labSite, only)).components;
    expect(JSON.stringify(component?.changes)).toContain(`behind line ${at}, \\"${line}\\", without effect`);
    expect((await failures(lab))[0]).toContain(`${guestFile}:${at} "${line}" comes before "IN ACCEPT`);
    const result = await syncLab(lab, labSite, only);
    expect(result.components[0]?.outcome).toBe("changed");
    const after = textOf(lab, guestFile);
    expect(after.indexOf("GROUP phx-")).toBeLessThan(after.indexOf(line));
    expect(await failures(lab)).toEqual([]);
  });

  test("a port that a foreign rule opens is not expected to stay silent", async () => {
    const lab = await front("IN ACCEPT -p tcp -dport 1:200");
    const checks = (await verifyLab(lab, labSite, only)).components.flatMap((each) => each.checks);
    expect(checks.filter(({ status }) => status === "fail")).toEqual([]);
  });

  test.each([
    ["IN SSH(DROP)", ""],
    ["IN DROP -i net1", ""],
    ["OUT DROP", ""],
    ["GROUP closed -i net1", "\n[group closed]\nIN DROP\n"],
    ["GROUP open", "\n[group open]\nIN ACCEPT\nIN DROP\n"],
    ["|IN DROP", ""],
  ])("%s does not end what our group lets in", async (line, more) => {
    const lab = await front(line, more);
    expect((await planLab(lab, labSite, only)).components[0]?.changes).toEqual([]);
    expect(await failures(lab)).toEqual([]);
  });
});

test("a person's rule stays, whatever its comment begins with", async () => {
  const own = "IN ACCEPT -p tcp -dport 9999 # phoenix: my own";
  const lab = await labWith({ [clusterFile]: `[RULES]\n${own}\n` });
  await syncLab(lab, labSite, only);
  expect(textOf(lab)).toContain(`\n${own}\n`);
});

test("empty lines and spacing of foreign lines stay as they are", async () => {
  const foreign =
    "# ours since 2019\n\n\n[IPSET  office] # x\n 10.9.0.0/24\t# hq\n\n[RULES]\n in  ACCEPT -p tcp   -dport 9\n";
  const lab = await labWith({ [clusterFile]: foreign });
  await syncLab(lab, labSite, only);
  expect(textOf(lab)).toContain("# ours since 2019\n");
  expect(textOf(lab)).toContain(foreign.slice(foreign.indexOf("\n\n\n")));
});

test("a warning about a foreign line is a note with its place, and no check fails", async () => {
  const lab = await labWith({ [clusterFile]: "[RULES]\nGROUP nobody\nIN ACCEPT -p tcp -dport web\n" });
  await syncLab(lab, labSite, only);
  const told = await verifyLab(lab, labSite, only);
  const checks = told.components.flatMap((each) => each.checks);
  expect(checks.filter(({ status }) => status === "fail")).toEqual([]);
  expect(checks.length).toBeGreaterThan(10);
  expect(notesOf(told)).toMatch(/not Phoenix's: .*cluster\.fw \(line \d+\) - errors in rule parameters/);
});

describe("a foreign line that keeps the whole node at its previous rules is named", () => {
  test.each([
    ["IN ACCEPT -source 10.0.0.0/08", "invalid address, mask or range '10.0.0.0/08'"],
    ["IN ACCEPT -p tcp -dport 080", "invalid port '080'"],
    ["IN ACCEPT -p udplite -dport 80", "udplite has no single port"],
    ["[OPTIONS]\nlog_ratelimit: 1/second", "log_ratelimit: format error"],
    ["[IPSET office]\n10.9.0.1/24\n10.9.0.0/24", "in the set already"],
  ])("%s", async (line, reason) => {
    const lab = await labWith({ [clusterFile]: `[RULES]\n${line}\n` });
    const run = await syncLab(lab, labSite, only).catch((error: unknown) => error);
    const said = JSON.stringify(run) + String(run);
    expect(said).toContain("would keep the previous ones");
    expect(said).toContain(reason);
    expect(textOf(lab)).toBe(`[RULES]\n${line}\n`);
  });
});

test("a line of the node's own file that iptables refuses is named as well", async () => {
  const lab = await labWith({ [hostFile]: "[RULES]\nIN ACCEPT -source 10.0.0.0/08\n" });
  const run = await syncLab(lab, labSite, only).catch((error: unknown) => error);
  expect(JSON.stringify(run) + String(run)).toContain(
    "would keep the previous ones: /etc/pve/local/host.fw (line 2): invalid address, mask or range '10.0.0.0/08'",
  );
});

describe("a lockout is seen", () => {
  const cut = /would cut .* off from/;
  test.each([
    [
      "in the set blacklist",
      { [clusterFile]: "[OPTIONS]\nenable: 0\n\n[IPSET blacklist]\n10.0.0.0/24\n" },
      "10.0.0.50",
    ],
    ["of a session over IPv6", {}, "fd00::50"],
    ["of a session over a link-local address with its interface", {}, "fe80::50%vmbr0"],
  ])("%s", async (_, files, operator) => {
    const lab = await labWith(files);
    await expect(syncLab(lab, labSite, only, { operator })).rejects.toThrow(cut);
  });

  test("and the IP set that decides is named with its file and line, not the policy", async () => {
    const text = "[OPTIONS]\nenable: 0\n\n[IPSET blacklist]\n10.0.0.50\n";
    const lab = await labWith({ [clusterFile]: text });
    const error = await syncLab(lab, labSite, only, { operator: "10.0.0.50" }).catch(
      (thrown: unknown) => thrown,
    );
    expect(String(error)).toContain(`${clusterFile}:4: the IP set blacklist keeps 10.0.0.50 out`);
    expect(String(error)).not.toContain("the policy of the hypervisor");
    expect(error).toMatchObject({ hint: expect.stringContaining("take 10.0.0.50 out of the set") });
  });

  test("of a daemon that does not run yet", async () => {
    const lab = await labWith({
      [hostFile]: "[RULES]\nIN DROP -p tcp -dport 22\n",
      [clusterFile]: "[OPTIONS]\nenable: 1\n",
    });
    const world = await opened(lab);
    await world.host("pve").run({ argv: ["systemctl", "stop", "pve-firewall.service"], effect: "change" });
    await expect(syncLab(lab, labSite, only, { operator: "10.0.0.50" })).rejects.toThrow(cut);
  });
});

describe("what could not be proved is refused before anything is touched", () => {
  test("a foreign rule of the node keeps out who proves it, before and after", async () => {
    const lab = await labWith({
      [hostFile]: "[RULES]\nIN DROP -p tcp -dport 8006\n",
      [clusterFile]: "[OPTIONS]\nenable: 1\n",
    });
    await expect(syncLab(lab, labSite, only)).rejects.toThrow(
      /could not be proved, and would be rolled back: \/etc\/pve\/local\/host\.fw:2 "IN DROP -p tcp -dport 8006"/,
    );
  });

  test("another program filters on the node", async () => {
    const lab = await labWith({ [hostFile]: "[OPTIONS]\nnftables: 1\n" });
    await expect(syncLab(lab, labSite, only)).rejects.toThrow(/nftables: 1/);
  });
});

describe("in a cluster, with a node that is off", () => {
  const guests = labSite.guests.flatMap((guest): readonly Guest[] =>
    guest.id === 104 ? [guest, { ...guest, id: 150, host: "lxc/150", address: "10.0.0.150" }] : [guest],
  );
  const oak = clusterOf({ ...labSite, guests }, ["pve2"], {
    off: ["pve2"],
    placement: { "lxc/150": "pve2" },
  });

  test("a plan leaves its daemon alone and names it, and so does a sync, which says that it gets the rules", async () => {
    const lab = await newLab();
    const planned = (await planLab(lab, oak, only)).components[0];
    expect(planned?.unreadResources).toEqual([
      expect.objectContaining({ ids: ["firewall/service@pve2"], reason: "node pve2 is offline" }),
    ]);
    const told = await syncLab(lab, oak, only);
    expect(told.components[0]).toMatchObject({
      outcome: "failed",
      leftAlone: ["firewall/service@pve2"],
      activations: [{ unit: "pve-firewall", host: "pve" }],
    });
    expect(notesOf(told)).toContain(
      "node pve2: offline, so nothing is proved there; the new rules are in /etc/pve and in force once it is back",
    );
    const world = await opened(lab);
    // Confirmed for the whole cluster, also for a node that comes back with an undo.
    const confirmed = "/etc/pve/priv/phoenix-firewall-confirmed";
    expect((await world.host("pve").readFiles([confirmed])).get(confirmed)?.text).toBe("1\n");
  });

  test("its own rules count as well: what they would drop is a lockout", async () => {
    const lab = await labWith({
      "/etc/pve/nodes/pve2/host.fw": "[RULES]\nIN DROP -p udp -dport 5405\nIN DROP -p tcp -dport 8006\n",
    });
    const refused = syncLab(lab, oak, only);
    await expect(refused).rejects.toThrow(/cut 10\.0\.0\.0\/24 off from 10\.0\.0\.14:8006/);
    await expect(refused).rejects.toThrow(
      /cut node pve off from node pve2 at 10\.0\.0\.14:5405\/udp \(corosync holds the cluster together\): \/etc\/pve\/nodes\/pve2\/host\.fw:2 has/,
    );
  });

  test("a guest's interfaces are read in the directory of its node", async () => {
    const config = "net0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:96,ip=10.0.0.150/24,type=veth\n";
    const lab = await labWith({ "/etc/pve/nodes/pve2/lxc/150.conf": config });
    await syncLab(lab, oak, only);
    const told = await verifyLab(lab, oak, only);
    const checks = told.components.flatMap((each) => each.checks);
    const own = checks.find(({ claim }) => /^lxc\/150 .*every interface filtered/.test(claim));
    expect(own).toMatchObject({ status: "fail", external: true });
    expect(own?.hint).toMatch(/^on node pve2: pct set 150 --net0 '.*,firewall=1'$/);
  });
});
