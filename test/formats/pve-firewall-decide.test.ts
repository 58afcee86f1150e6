/** What Proxmox's firewall does with a connection: first match, groups, names, policies, and what it adds of its own. */
import { describe, expect, test } from "vitest";
import { covers } from "../../src/formats/pve-firewall/cover.ts";
import { firstMatch } from "../../src/formats/pve-firewall/decide.ts";
import { parseFirewall, rulesOf } from "../../src/formats/pve-firewall/index.ts";
import { type InstalledFirewall, installedVerdict } from "../../src/formats/pve-firewall/installed.ts";
import type { Packet } from "../../src/formats/pve-firewall/match.ts";
import { namesOf } from "../../src/formats/pve-firewall/names.ts";
import { readFile } from "../../src/formats/pve-firewall/reading.ts";
import { type FwRule, parseRule } from "../../src/formats/pve-firewall/rule.ts";

const packet = (more: Partial<Packet> = {}): Packet => ({
  direction: "IN",
  source: "10.0.0.12",
  dest: "10.0.0.102",
  protocol: "tcp",
  port: 3000,
  ...more,
});

function verdict(rules: string, asked: Packet = packet(), before = ""): string {
  const file = parseFirewall(`${before}\n[RULES]\n${rules}\n`);
  return firstMatch(rulesOf(file), asked, namesOf(readFile(file, "cluster")))?.action ?? "DROP";
}

describe("one rule", () => {
  test.each([
    ["IN ACCEPT", "ACCEPT"],
    ["IN ACCEPT -p tcp -dport 3000", "ACCEPT"],
    ["IN ACCEPT -p 6 -dport 3000", "ACCEPT"],
    ["IN ACCEPT -p udp -dport 3000", "DROP"],
    ["IN ACCEPT -p tcp -dport 80,2999:3001", "ACCEPT"],
    ["IN ACCEPT -p tcp -dport 80,3001:3005", "DROP"],
    ["|IN ACCEPT -p tcp -dport 3000", "DROP"],
    ["OUT ACCEPT", "DROP"],
    ["IN ACCEPT -source 10.0.0.0/24", "ACCEPT"],
    ["IN ACCEPT -source 10.0.0.13", "DROP"],
    ["IN ACCEPT -source 10.0.0.10-10.0.0.12", "ACCEPT"],
    ["IN ACCEPT -source 10.0.0.1,10.0.0.12", "ACCEPT"],
    ["IN ACCEPT -source 2001:db8::1", "DROP"],
    ["IN ACCEPT -dest 10.0.0.102", "ACCEPT"],
    ["IN ACCEPT -dest 10.0.0.103", "DROP"],
    ["IN REJECT -p tcp", "REJECT"],
    ["IN SSH(ACCEPT)", "DROP"],
    ["IN ACCEPT -p tcp -dport 3000 -sport 1024:65535", "DROP"],
  ])("%s: %s", (text, expected) => expect(verdict(text)).toBe(expected));

  test("a macro stands for its ports", () => {
    expect(verdict("IN SSH(ACCEPT)", packet({ port: 22 }))).toBe("ACCEPT");
    expect(verdict("IN DNS(ACCEPT)", packet({ port: 53, protocol: "udp" }))).toBe("ACCEPT");
    expect(verdict("IN Web(ACCEPT)", packet({ port: 443 }))).toBe("ACCEPT");
  });

  test("what cannot be judged counts against the connection", () => {
    expect(verdict("IN Ceph(ACCEPT)")).toBe("DROP");
    expect(verdict("IN DROP -source +unknown\nIN ACCEPT")).toBe("DROP");
    expect(verdict("IN ACCEPT -source +unknown")).toBe("DROP");
  });
});

describe("several rules", () => {
  test("the first that matches decides", () => {
    expect(verdict("IN DROP -p tcp\nIN ACCEPT")).toBe("DROP");
    expect(verdict("IN DROP -p udp\nIN ACCEPT")).toBe("ACCEPT");
  });

  test("a group decides where it stands, and names are looked up", () => {
    const before =
      "[ALIASES]\nMesh 10.0.0.12\n[IPSET bad]\n10.0.0.0/28\n!10.0.0.12\n[group web]\nIN ACCEPT -source mesh -p tcp -dport 3000";
    expect(verdict("GROUP web\nIN DROP", packet(), before)).toBe("ACCEPT");
    expect(verdict("GROUP web", packet({ source: "10.0.0.14" }), before)).toBe("DROP");
    expect(verdict("IN REJECT -source +bad\nIN ACCEPT", packet(), before)).toBe("ACCEPT");
    expect(verdict("IN REJECT -source +bad\nIN ACCEPT", packet({ source: "10.0.0.14" }), before)).toBe(
      "REJECT",
    );
  });

  test("a whole network, or anybody, is let in only by a rule for all of it", () => {
    expect(verdict("IN ACCEPT -source 10.0.0.12", packet({ source: "10.0.0.0/24" }))).toBe("DROP");
    expect(verdict("IN ACCEPT -source 10.0.0.0/16", packet({ source: "10.0.0.0/24" }))).toBe("ACCEPT");
    const { source: _, ...anybody } = packet();
    expect(verdict("IN ACCEPT -source 10.0.0.0/24", anybody)).toBe("DROP");
    expect(verdict("IN DROP -source 203.0.113.9\nIN ACCEPT -p tcp", anybody)).toBe("ACCEPT");
  });
});

describe("what is installed", () => {
  const firewall = (cluster: string, more: { host?: string; guest?: string } = {}): InstalledFirewall => ({
    cluster: parseFirewall(cluster),
    host: parseFirewall(more.host ?? ""),
    guests: new Map(more.guest === undefined ? [] : [[102, parseFirewall(more.guest)]]),
    localNetwork: "10.0.0.0/24",
  });
  const on = "[OPTIONS]\nenable: 1\n";
  const ssh = packet({ dest: "10.0.0.13", port: 22, iface: "vmbr0" });

  test("filters nothing unless cluster.fw says so", () => {
    expect(installedVerdict(firewall("[RULES]\nIN DROP\n"), "pve", ssh).action).toBe("ACCEPT");
    expect(installedVerdict(firewall("[OPTIONS]\nenable: 0\n[RULES]\nIN DROP\n"), "pve", ssh).action).toBe(
      "ACCEPT",
    );
    expect(installedVerdict(firewall(on, { host: "[OPTIONS]\nenable: 0\n" }), "pve", packet()).action).toBe(
      "ACCEPT",
    );
  });

  test("lets the local network administer the host, behind the rules and before the policy", () => {
    expect(installedVerdict(firewall(on), "pve", ssh).action).toBe("ACCEPT");
    expect(installedVerdict(firewall(`${on}[RULES]\nIN DROP\n`), "pve", ssh).action).toBe("DROP");
    const far = { ...ssh, source: "192.0.2.7" };
    expect(installedVerdict(firewall(on), "pve", far).action).toBe("DROP");
    expect(installedVerdict(firewall(`${on}[IPSET management]\n192.0.2.7\n`), "pve", far).action).toBe(
      "ACCEPT",
    );
    expect(installedVerdict(firewall(on), "pve", { ...ssh, port: 53 }).action).toBe("DROP");
  });

  test("takes the node's own rules first", () => {
    const files = firewall(`${on}[RULES]\nIN ACCEPT -p tcp\n`, {
      host: "[RULES]\nIN REJECT -p tcp -dport 22\n",
    });
    expect(installedVerdict(files, "pve", ssh).action).toBe("REJECT");
  });

  test("reaches a guest through its own file only: cluster.fw's rules are the hosts'", () => {
    const cluster = `${on}[RULES]\nIN DROP -dest 10.0.0.102\n[group gg]\nIN ACCEPT -p tcp -dport 3000\n`;
    expect(installedVerdict(firewall(cluster), 102, packet()).action).toBe("ACCEPT");
    const filtered = firewall(cluster, { guest: "[OPTIONS]\nenable: 1\n[RULES]\nGROUP gg\n" });
    expect(installedVerdict(filtered, 102, packet()).action).toBe("ACCEPT");
    expect(installedVerdict(filtered, 102, packet({ port: 22 })).action).toBe("DROP");
    expect(installedVerdict(filtered, 102, packet({ direction: "OUT" })).action).toBe("ACCEPT");
    const open = firewall(cluster, { guest: "[OPTIONS]\nenable: 1\npolicy_in: ACCEPT\n" });
    expect(installedVerdict(open, 102, packet({ port: 22 })).action).toBe("ACCEPT");
  });
});

describe("a rule covers another", () => {
  const of = (text: string): FwRule => {
    const parsed = parseRule(text);
    if ("fault" in parsed) throw new Error(parsed.fault);
    return parsed.rule;
  };
  test.each([
    ["IN ACCEPT -p tcp", "IN DROP -p tcp -dport 80", true],
    ["IN ACCEPT -p tcp -dport 80,443", "IN ACCEPT -p tcp -dport 80", true],
    ["IN ACCEPT -p tcp -dport 8000:8010", "IN ACCEPT -p tcp -dport 8001,8005:8006", true],
    ["IN ACCEPT -source 10.0.0.0/24 -p tcp", "IN ACCEPT -source 10.0.0.12 -p tcp", true],
    ["IN ACCEPT -source 10.0.0.12 -p tcp", "IN ACCEPT -source 10.0.0.0/24 -p tcp", false],
    ["IN ACCEPT -p udp", "IN ACCEPT -p tcp -dport 80", false],
    ["OUT ACCEPT -p tcp", "IN ACCEPT -p tcp", false],
    ["|IN ACCEPT -p tcp", "IN ACCEPT -p tcp", false],
    ["IN ACCEPT -i vmbr0 -p tcp", "IN ACCEPT -p tcp", false],
    ["IN ACCEPT -source +bad", "IN ACCEPT -source +bad", true],
  ])("%s | %s: %s", (earlier, later, expected) => expect(covers(of(earlier), of(later))).toBe(expected));
});
