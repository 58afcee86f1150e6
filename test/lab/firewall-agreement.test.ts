/** The product's reading of Proxmox's firewall and the lab's, written apart from each other, agree on whatever is in the files. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { debianNetbase } from "../../lab/firewall.ts";
import { compile } from "../../lab/pve-firewall/compile.ts";
import { decide, type Place } from "../../lab/pve-firewall/decide.ts";
import { loadError } from "../../lab/pve-firewall/load.ts";
import { readFirewall } from "../../lab/pve-firewall/read.ts";
import { compileFirewall } from "../../src/formats/pve-firewall/compiled.ts";
import { emptyFile, parseFirewall } from "../../src/formats/pve-firewall/index.ts";
import {
  type InstalledFirewall,
  installedVerdict,
  isEnabled,
} from "../../src/formats/pve-firewall/installed.ts";
import { readFile } from "../../src/formats/pve-firewall/reading.ts";
import { plainWarning } from "../formats/pve-firewall-cases.ts";

const of = (...texts: readonly string[]) => fc.constantFrom(...texts);
const address = of(
  ...[
    "10.0.0.50",
    "10.0.0.0/24",
    "10.0.0.7/24",
    "192.0.2.0/28",
    "fd00::/64",
    "fd00::50",
    "lan",
    "dc/lan",
    "guest/lan",
  ],
  ...[
    "own",
    "+admins",
    "+dc/admins",
    "+guest/own",
    "+six",
    "+ghost",
    "ghost",
    "10.0.0.1-10.0.0.99",
    "0.0.0.0/0",
    "10",
  ],
  ...[
    "10.0.0.0/08",
    "10.0.0.0/33",
    "10.0.0.50,192.0.2.9",
    "10.0.0.50,fd00::1",
    "0",
    "010.0.0.50",
    "10.0.0.0/foo",
  ],
);
const option = fc.oneof(
  fc.tuple(of("-source", "-dest", "--source"), address).map((pair) => pair.join(" ")),
  fc
    .tuple(of("-p", "-proto"), of("tcp", "udp", "icmp", "icmpv6", "6", "udplite", "igmp", "0"))
    .map((pair) => pair.join(" ")),
  fc
    .tuple(
      of("-dport", "-sport"),
      of("80", "22:80", "ssh", "80,443", "0", "080", "010", "bootps", "x", "70000"),
    )
    .map((pair) => pair.join(" ")),
  of(
    "-icmp-type echo-request",
    "-i vmbr0",
    "-i vmbr7",
    "-i net0",
    "-i abcdefghijklmnop",
    "-log info",
    "--i x",
    "# note",
  ),
);
const rule = fc
  .tuple(
    of("IN", "IN", "OUT", "|IN", "in", "FORWARD", "INPUT"),
    of("ACCEPT", "DROP", "REJECT", "SSH(ACCEPT)", "Ping(DROP)", "NeighborDiscovery(ACCEPT)", "x(DROP)", "0"),
    fc.array(option, { maxLength: 4 }),
  )
  .map(([type, action, options]) => [type, action, ...options].join(" "));
const line = fc.oneof(
  { weight: 5, arbitrary: rule },
  of("GROUP web", "GROUP web -i vmbr7", "GROUP bad", "GROUP ghost", "GROUP web -p tcp"),
  of(
    "[RULES]",
    "[RULES] # x",
    "[OPTIONS]",
    "[ALIASES]",
    "[IPSET admins]",
    "[IPSET 10net]",
    "[IPSET blacklist]",
    "[IPSET management]",
  ),
  of(
    "[group web]",
    "[group my.web]",
    "[group bad] # c",
    "",
    "# remark",
    "lan 10.0.0.0/24",
    "own  10.0.0.9",
    "enable: 1",
  ),
  of(
    "!10.0.0.50",
    "192.0.2.9",
    "10.0.0.50/32",
    "lan",
    "guest/own",
    "policy_in: REJECT",
    "policy_in: accept",
    "ndp: 0",
  ),
  of("log_ratelimit: 1/second", "enable: 1700000000", "\u00a0enable: 0", "[rules]\r", "GROUP web\r"),
);
const lines = fc.array(line, { maxLength: 14 }).map((all) => all.join("\n"));
const base =
  "[OPTIONS]\nenable: 1\n[ALIASES]\nlan 10.0.0.0/24\nsix fd00::/64\n[IPSET admins]\n10.0.0.50\n[IPSET six]\nfd00::/64\n" +
  "[group web]\nIN ACCEPT -p tcp -dport 80\n[group bad]\nIN ACCEPT -source guest/lan\n[RULES]\n";
const guestBase = "[OPTIONS]\nenable: 1\n[ALIASES]\nown 10.0.0.9\n[IPSET own]\n10.0.0.9\n[RULES]\n";
const text = (start: string) =>
  fc.tuple(fc.boolean(), lines).map(([isBased, more]) => `${isBased ? start : ""}${more}\n`);

const packets = ["10.0.0.50", "192.0.2.9", "fd00::50"].flatMap((other) =>
  (["IN", "OUT"] as const).flatMap((direction) =>
    [
      { protocol: "tcp", port: 22 },
      { protocol: "tcp", port: 80 },
      { protocol: "udp", port: 8 },
      other.includes(":")
        ? { protocol: "icmpv6", icmpType: "echo-request" }
        : { protocol: "icmp", icmpType: "echo-request" },
    ].map((service) => ({ other, direction, ...service })),
  ),
);

test("on generated files: what is dropped and why, what the kernel refuses, and every decision", () => {
  fc.assert(
    fc.property(text(base), text("[RULES]\n"), text(guestBase), (clusterText, hostText, guestText) => {
      const now = 1_700_000_030;
      const cluster = parseFirewall(clusterText);
      const [host, guest] = [parseFirewall(hostText, "host"), parseFirewall(guestText, "guest")];
      const installed: InstalledFirewall = {
        cluster,
        host,
        guests: new Map([[100, guest]]),
        localNetwork: "10.0.0.0/24",
        now,
      };
      const labCluster = readFirewall("f", clusterText, "cluster", debianNetbase);
      const labHost = readFirewall("f", hostText, "host", debianNetbase, labCluster);
      const labGuest = readFirewall("f", guestText, "guest", debianNetbase, labCluster);
      const ours = [
        readFile(cluster, "cluster"),
        readFile(host, "host", cluster),
        readFile(guest, "guest", cluster),
      ];
      const theirs = [labCluster, labHost, labGuest];
      const plain = (warnings: readonly string[]): readonly string[] =>
        warnings
          .map(plainWarning)
          .map((said) => said.replace(/\| (?:unable to parse alias.*|Use of uninit.*)$/s, "| alias"));
      for (const [at, reading] of ours.entries()) {
        const faults = reading.faults.filter(({ isFatal }) => isFatal !== true);
        expect(plain(faults.map(({ line, message }) => `(line ${line})${message}`))).toEqual(
          plain(theirs[at]?.warnings ?? []),
        );
        expect(reading.rules.length).toBe(theirs[at]?.rules.length);
      }
      const isFatal = ours.some(({ faults }) => faults.some((fault) => fault.isFatal === true));
      expect(theirs.some(({ dies }) => dies !== undefined)).toBe(isFatal);
      const ruleset = compile({
        cluster: labCluster,
        host: labHost,
        guests: [{ id: "100", tap: "tap100i0", filtered: true, file: labGuest }],
        localNetwork: "10.0.0.0/24",
        netbase: debianNetbase,
        now,
      });
      if (isFatal) return;
      expect(ruleset.enabled).toBe(isEnabled(installed));
      if (!ruleset.enabled) return;
      const refused = ([4, 6] as const).flatMap((family) => compileFirewall(installed, family).refused);
      expect(loadError(ruleset) !== undefined, JSON.stringify(refused)).toBe(refused.length > 0);
      // The node keeps its previous rules then.
      if (refused.length > 0) return;
      for (const { other, direction, ...service } of packets)
        for (const machine of ["pve", 100] as const) {
          const own = other.includes(":") ? "fd00::13" : "10.0.0.13";
          const ends = direction === "IN" ? { source: other, dest: own } : { source: own, dest: other };
          const iface = machine === "pve" ? "vmbr0" : "net0";
          const packet = { ...service, ...ends, direction, iface, sourcePort: 40_000 };
          const { action } = installedVerdict(installed, machine, packet);
          const isIn = direction === "IN";
          const [from, to] = isIn ? ["fwln100i0", "tap100i0"] : ["tap100i0", "fwln100i0"];
          const place: Place =
            machine === "pve"
              ? { chain: `PVEFW-HOST-${direction}`, iface }
              : { chain: "PVEFW-FORWARD", from, to };
          const { port, ...rest } = { port: undefined, ...service };
          const found = decide(ruleset, place, {
            ...rest,
            ...ends,
            sport: 40_000,
            ...(port === undefined ? {} : { dport: port }),
          });
          expect(found, JSON.stringify({ machine, ...packet })).toBe(action);
        }
    }),
    // A macro's rule keeps its own source port, which iptables reads as an octal number.
    { numRuns: 1000, examples: [[base, "[RULES]\nIN SSH(ACCEPT) -sport 080 -p tcp\n", guestBase]] },
  );
});

test("an empty file is nothing to both", () => {
  expect(readFile(emptyFile, "cluster").faults).toEqual(
    readFirewall("f", "", "cluster", debianNetbase).warnings,
  );
});
