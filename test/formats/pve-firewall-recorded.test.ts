/** The product's reading of Proxmox's firewall against recorded answers of the real one. */
import { describe, expect, test } from "vitest";
import { portNames } from "../../src/formats/netbase/ports.ts";
import { fileFaults } from "../../src/formats/pve-firewall/check.ts";
import { parseFirewall } from "../../src/formats/pve-firewall/index.ts";
import { installedVerdict } from "../../src/formats/pve-firewall/installed.ts";
import { macroName, macroParts } from "../../src/formats/pve-firewall/macros.ts";
import {
  type RecordedPacket,
  recordedLines,
  recordedMacros,
  recordedWorlds,
  saidOf,
  sharedCluster,
} from "./pve-firewall-recorded.ts";

/** Lines that pve-firewall takes without a word and Phoenix objects to, with the reason. */
const stricter: Readonly<Record<string, string>> = {
  // Said when the rules are compiled.
  "GROUP nothing": "no such security group",
  "IN ACCEPT -source +guest/trusted": "no such ipset",
  "IN ACCEPT -source +sdn/trusted": "no such ipset",
  "IN ACCEPT -source guest/home": "no such alias",
  "[IPSET xy]\nguest/home": "no such alias",
  // Every port would be open.
  "IN ACCEPT -p tcp -dport 0": "port 0 stands for every port",
  // iptables takes fifteen, names included, and no single port of UDP-Lite; a number behind a zero is octal to it.
  "IN ACCEPT -p tcp -dport 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,ssh": "too many ports",
  "IN ACCEPT -p udplite -dport 80": "udplite has no single port",
  "IN ACCEPT -p tcp -dport 080": "octal number",
  "IN ACCEPT -p tcp -dport 00000080": "octal number",
  // An old notation for types of ICMP.
  "IN ACCEPT -p icmp -dport 80": "belongs into -icmp-type",
  "IN ACCEPT -p icmp -dport echo-request": "belongs into -icmp-type",
  // proxmox-firewall takes addresses in full only.
  "IN ACCEPT -source 10.0.0": "is not an address in full",
  "IN ACCEPT -source 10.0.0.0/255.255.255.0": "is not an address in full",
  "IN ACCEPT -source 010.0.0.1": "is not an address in full",
  // No rule can name them.
  "[ALIASES]\n1x 10.0.0.1": "invalid alias name",
  "[ALIASES]\na 10.0.0.1": "invalid alias name",
  "[ALIASES]\nwo.rk 10.0.0.1": "invalid alias name",
  // iptables-restore and ipset fail, and with them every later update.
  "[ALIASES]\nwork 10.1.0.0/33": "invalid network",
  "[IPSET xy]\n10.0.0.0/33": "invalid network",
};

/** What the product says about the line under test alone. */
function faultsIn(text: string, file: "cluster" | "host" | "guest"): readonly string[] {
  const cluster = file === "cluster" ? undefined : parseFirewall(sharedCluster);
  return fileFaults(text, file, cluster, portNames).map(({ message }) => message);
}

/** Places and addresses are worded otherwise. */
function comparable(said: string | null): string | null {
  return said?.replace(/ for rule_env '\w+'/, "").replace(/(invalid IP address): .*/, "$1") ?? null;
}

describe("lines", () => {
  test.each(recordedLines)("$file $line", ({ file, text, line, said }) => {
    const found = saidOf(faultsIn(text, file));
    const reason = stricter[line.replace(/^\[RULES\]\n/, "")];
    if (said === null && reason !== undefined) expect(found).toContain(reason);
    else if (said === "uninitialized") expect(found).not.toBeNull();
    else expect(comparable(found)).toBe(comparable(said));
  });
});

/** Worlds where Phoenix is more cautious than Proxmox: it never relies on what it may misread. */
const cautious = new Set([
  "port 0 is every port",
  "protocol 0 is every protocol",
  "protocol ip is every protocol",
  "bad lines are left out",
  "DROP with a source port",
]);

function answer(
  installed: Parameters<typeof installedVerdict>[0],
  { from, to, protocol, port, source, dest }: RecordedPacket,
  isFiltered: (host: string) => boolean,
): string {
  const packet = { source, dest, protocol, ...(typeof port === "number" ? { port } : {}) };
  for (const [host, direction] of [[from, "OUT"] as const, [to, "IN"] as const]) {
    if (host === "outside" || !isFiltered(host)) continue;
    const iface = host === "pve" ? { iface: "vmbr0" } : { iface: "net0" };
    const machine = host === "pve" ? "pve" : Number(host.split("/")[1]);
    const { action } = installedVerdict(installed, machine, { ...packet, direction, ...iface });
    if (action !== "ACCEPT") return action;
  }
  return "ACCEPT";
}

describe("packets", () => {
  test.each(recordedWorlds)("$name", ({ name, cluster, host, guests, hasFilteredInterface, packets }) => {
    const installed = {
      cluster: parseFirewall(cluster),
      host: parseFirewall(host, "host"),
      guests: new Map([...guests].map(([id, text]) => [id, parseFirewall(text, "guest")])),
      localNetwork: "10.0.0.0/24",
    };
    for (const packet of packets) {
      const found = answer(installed, packet, (machine) => machine !== "vm/100" || hasFilteredInterface);
      const isExact = packet.protocol !== "icmp" && packet.sport === undefined && !cautious.has(name);
      const text = JSON.stringify(packet);
      if (isExact) expect(found, text).toBe(packet.answer);
      else if (found === "ACCEPT") expect(packet.answer, text).toBe("ACCEPT");
    }
  });
});

test("macros", () => {
  for (const [name, parts] of Object.entries(recordedMacros)) {
    expect(macroName(name.toUpperCase())).toBe(name);
    const found = macroParts(name)?.map(({ protocol, ports, sourcePorts }) => [protocol, ports, sourcePorts]);
    expect(found).toEqual(parts.map(({ proto, dport, sport }) => [proto, dport, sport]));
  }
});
