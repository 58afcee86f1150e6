/** The lab's Proxmox firewall against recorded answers of the real one: word for word, packet for packet. */
import { describe, expect, test } from "vitest";
import { debianNetbase } from "../../lab/firewall.ts";
import { compile } from "../../lab/pve-firewall/compile.ts";
import { type Decision, decide, type Place } from "../../lab/pve-firewall/decide.ts";
import { macroMatches } from "../../lab/pve-firewall/macros.ts";
import { readNetbase } from "../../lab/pve-firewall/netbase.ts";
import { readFirewall } from "../../lab/pve-firewall/read.ts";
import {
  type RecordedWorld,
  recordedLines,
  recordedMacros,
  recordedWorlds,
  saidOf,
  sharedCluster,
} from "../formats/pve-firewall-recorded.ts";

const netbase = debianNetbase;
const shared = readFirewall("cluster.fw", sharedCluster, "cluster", netbase);

describe("lines", () => {
  test.each(recordedLines)("$file $line", ({ file, text, said }) => {
    const { warnings } = readFirewall("X", text, file, netbase, file === "cluster" ? undefined : shared);
    const found = saidOf(warnings.map((warning) => warning.replace(/^X \(line \d+\)/, "")));
    if (said === "uninitialized") expect(found).toContain("uninitialized");
    else expect(found).toBe(said);
  });
});

test("macros", () => {
  for (const [name, parts] of Object.entries(recordedMacros))
    expect(macroMatches(name)).toEqual(parts.map(({ proto, ...ports }) => ({ p: proto, ...ports })));
});

const taps: Readonly<Record<string, string>> = { "vm/100": "tap100i0", "lxc/200": "veth200i0" };

function rulesetOf({ cluster: text, host, guests, hasFilteredInterface }: RecordedWorld) {
  const cluster = readFirewall("cluster.fw", text, "cluster", netbase);
  return compile({
    cluster,
    host: readFirewall("host.fw", host, "host", netbase, cluster),
    guests: Object.entries(taps).map(([name, tap]) => {
      const id = name.split("/")[1] ?? "";
      const file = readFirewall(`${id}.fw`, guests.get(Number(id)) ?? "", "guest", netbase, cluster);
      return { id, tap, filtered: name !== "vm/100" || hasFilteredInterface, file };
    }),
    localNetwork: "10.0.0.0/24",
    netbase,
    now: 0,
  });
}

describe("packets", () => {
  test.each(recordedWorlds)("$name", (world) => {
    const ruleset = rulesetOf(world);
    for (const { from, to, protocol, port, answer, ...rest } of world.packets) {
      const service = typeof port === "number" ? { dport: port } : port === null ? {} : { icmpType: port };
      const packet = { protocol, sport: 40_000, ...service, ...rest };
      const places = [from, to].flatMap((machine, at): readonly Place[] => {
        const isReceiver = at === 1;
        if (machine === "outside") return [];
        if (machine === "pve")
          return [{ chain: isReceiver ? "PVEFW-HOST-IN" : "PVEFW-HOST-OUT", iface: "vmbr0" }];
        const tap = taps[machine] ?? "";
        if (machine === "vm/100" && !world.hasFilteredInterface) return [];
        const link = tap.replace(/^(?:tap|veth)/, "fwln");
        return [{ chain: "PVEFW-FORWARD", from: isReceiver ? link : tap, to: isReceiver ? tap : link }];
      });
      const decisions = places.map((place): Decision => decide(ruleset, place, packet));
      const found = decisions.find((decision) => decision !== "ACCEPT") ?? "ACCEPT";
      expect(found, JSON.stringify({ from, to, ...packet })).toBe(answer);
    }
  });
});

test("names of ports and protocols are the first of a line", () => {
  const services = "# /etc/services\nssh\t\t22/tcp\nhttp\t\t80/tcp\t\twww\t# WorldWideWeb\nsnmp\t161/udp\n";
  const protocols = "ip\t0\tIP\t# internet protocol\n#hopopt\t0\nmptcp\t262\n";
  expect(readNetbase(services, protocols)).toEqual({
    ports: new Map([
      ["ssh", 22],
      ["http", 80],
      ["snmp", 161],
    ]),
    protocols: new Map([
      ["ip", 0],
      ["mptcp", 262],
    ]),
    services: new Map([
      ["ssh", new Set(["tcp"])],
      ["http", new Set(["tcp"])],
      ["snmp", new Set(["udp"])],
    ]),
  });
});
