/**
 * An opening is never wider than the owner's own rules, in whatever notation those are written. The judge is this file's own
 * reading of Proxmox's rules (pve-firewall 6.0.4): it knows nothing of how the product reads them.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firewallOf } from "../../src/fabric/firewall.ts";
import { requiredPaths } from "../../src/fabric/paths.ts";
import type { FirewallRule, Guest, RoleGuest, Service, Site } from "../../src/model.ts";
import { gateway, labSite, mesh, ollama } from "../lab/site.ts";

type Rule = Omit<FirewallRule, "from">;

/** Clients of every kind: on the network, each machine of the fabric, and outside. */
const clients = ["10.0.0.50", "10.0.0.51", "10.0.0.12", "10.0.0.13", "10.0.0.153", "192.0.2.7"];
const services: Readonly<Record<string, readonly (readonly [string, number, number])[]>> = {
  HTTP: [["tcp", 80, 80]],
  HTTPS: [["tcp", 443, 443]],
  https: [["tcp", 443, 443]],
  Web: [
    ["tcp", 80, 80],
    ["tcp", 443, 443],
  ],
  Webcache: [["tcp", 8080, 8080]],
  Squid: [["tcp", 3128, 3128]],
  DNS: [
    ["udp", 53, 53],
    ["tcp", 53, 53],
  ],
  SSH: [["tcp", 22, 22]],
};
const names: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  "http-alt": 8080,
  ssh: 22,
  domain: 53,
};

function isAbout(rule: Rule, protocol: string, port: number): boolean {
  if (rule.direction !== "in") return false;
  if (rule.macro !== undefined)
    return (services[rule.macro] ?? []).some(
      ([of, from, to]) => of === protocol && from <= port && port <= to,
    );
  const numbers: Readonly<Record<string, string>> = { "6": "tcp", "17": "udp" };
  if (rule.protocol !== undefined && (numbers[rule.protocol] ?? rule.protocol) !== protocol) return false;
  return (rule.ports ?? "0:65535").split(",").some((part) => {
    const [from = 0, to = from] = part.split(":").map((end) => names[end] ?? Number(end));
    return from <= port && port <= to;
  });
}

function isFrom(source: string | undefined, client: string): boolean {
  if (source === undefined) return true;
  return source.split(",").some((part) => {
    const [network = "", bits] = part.split("/");
    const octets = bits === undefined ? 4 : Number(bits) / 8;
    return network.split(".").slice(0, octets).join(".") === client.split(".").slice(0, octets).join(".");
  });
}

/** Who is let in to a port by the first rule about it, under the policy DROP. */
function admitted(rules: readonly Rule[], port: number): readonly string[] {
  return clients.filter(
    (client) =>
      rules.find((rule) => isAbout(rule, "tcp", port) && isFrom(rule.source, client))?.action === "ACCEPT",
  );
}

/** The lab's site with these rules on a guest, and a service of that guest which clients reach without the gateway. */
function siteWith(rules: readonly Rule[], guest: RoleGuest, port: number): Site {
  const declared = rules.map((rule) => ({ ...rule, from: guest.from }));
  const own = { ...guest, firewall: { enabled: true, rules: declared } };
  const swap = <G extends Guest>(other: G): G =>
    other.host === guest.host ? ({ ...other, ...own } as G) : other;
  const [first] = labSite.services as readonly [Service, ...Service[]];
  const dash: Service = {
    ...first,
    id: "dash",
    names: ["dash.lab.test"],
    path: "direct",
    guest: own,
    backend: { scheme: "http", address: own.address, port },
  };
  const { roles } = labSite;
  return {
    ...labSite,
    guests: labSite.guests.map(swap),
    roles: { ...roles, gateway: swap(roles.gateway), mesh: swap(roles.mesh), ca: swap(roles.ca) },
    services: [...labSite.services.map((service) => ({ ...service, guest: swap(service.guest) })), dash],
  };
}

/** The rules that are put in force, as this file's judge reads them. */
function inForce(site: Site, guest: Guest): readonly Rule[] {
  const found = firewallOf(site).guests.find((each) => each.guest.host === guest.host);
  return (found?.rules ?? []).map(({ rule: { type, action, macro, proto, dport, source } }) => ({
    direction: type === "IN" ? "in" : "out",
    action: action as Rule["action"],
    ...(macro === undefined ? {} : { macro }),
    ...(proto === undefined ? {} : { protocol: proto }),
    ...(dport === undefined ? {} : { ports: dport }),
    ...(source === undefined ? {} : { source }),
  }));
}

/** Machines of the fabric that a path names as its sender, for this port of this guest. */
function named(site: Site, guest: Guest, port: number): readonly string[] {
  return requiredPaths(site)
    .filter((path) => path.to === guest.host && path.port === port && path.protocol === "tcp")
    .flatMap(({ from }) =>
      from === "pve"
        ? [site.hypervisor.address]
        : (site.guests.find(({ host }) => host === from)?.address ?? []),
    );
}

describe("no opening to the network where the owner's rule names the port", () => {
  const from = { direction: "in", action: "ACCEPT", source: "10.0.0.50" } as const;
  const cases: readonly (readonly [string, number, Rule])[] = [
    ["by its name in a list", 8080, { ...from, protocol: "tcp", ports: "80,http-alt" }],
    ["by its name", 443, { ...from, protocol: "tcp", ports: "https" }],
    ["by a macro", 443, { ...from, macro: "HTTPS" }],
    ["by a macro of several ports", 443, { ...from, macro: "Web" }],
    ["by a macro of an unusual port", 8080, { ...from, macro: "Webcache" }],
    ["in a range", 8080, { ...from, protocol: "tcp", ports: "22,8000:8100" }],
    ["by the protocol's number", 8080, { ...from, protocol: "6", ports: "8080" }],
    ["with every port of the protocol", 8080, { ...from, protocol: "tcp" }],
    ["with every protocol", 8080, from],
    ["by a name that only the hypervisor may know", 8080, { ...from, protocol: "tcp", ports: "intranet" }],
    ["to keep somebody out", 8080, { ...from, action: "DROP", protocol: "tcp", ports: "8080" }],
  ];
  test.each(cases)("%s", (_, port, rule) => {
    const site = siteWith([rule], mesh, port);
    const opened = firewallOf(site).guests.find(({ guest }) => guest.host === mesh.host)?.rules ?? [];
    const wide = opened.filter(
      ({ rule: { source, dport }, opens }) =>
        opens !== undefined && dport === String(port) && (source === undefined || source.includes("/")),
    );
    expect(wide).toEqual([]);
  });

  test("and one where its rules are about other ports only", () => {
    const site = siteWith([{ ...from, protocol: "tcp", ports: "8443" }], ollama, 8080);
    expect(admitted(inForce(site, ollama), 8080)).toContain("10.0.0.51");
  });
});

test("the gateway that lets somebody in is opened to nobody else", () => {
  const rule = { direction: "in", action: "ACCEPT", macro: "Web", source: "10.0.0.0/24" } as const;
  const site = siteWith([rule], gateway, 9000);
  expect(admitted(inForce(site, gateway), 443)).not.toContain("192.0.2.7");
});

test("a guest without a fixed address is no reason to open a port to everybody", () => {
  const share = { name: "data", server: "10.0.0.13", path: "/data", mountPoint: "/data", from: ollama.from };
  const { address: _, ...moving } = {
    ...ollama,
    host: "lxc/105" as const,
    id: 105,
    name: "moving",
    shares: [share],
  };
  const { host } = firewallOf({ ...labSite, guests: [...labSite.guests, moving as Guest] });
  expect(host.filter(({ rule }) => rule.dport === "2049").map(({ rule }) => rule.source)).not.toContain(
    undefined,
  );
});

const ports = ["80", "443", "8080", "http", "https", "http-alt", "22,8080", "80,http-alt", "8000:8100", "53"];
const rule: fc.Arbitrary<Rule> = fc
  .record({
    direction: fc.constantFrom("in" as const, "in" as const, "out" as const),
    action: fc.constantFrom("ACCEPT" as const, "ACCEPT" as const, "DROP" as const, "REJECT" as const),
    source: fc.constantFrom(undefined, "10.0.0.50", "10.0.0.50,10.0.0.51", "10.0.0.0/24", "192.0.2.0/24"),
    service: fc.oneof(
      fc.record({ macro: fc.constantFrom(...Object.keys(services)) }),
      fc.record({
        protocol: fc.constantFrom("tcp", "udp", "6", "17"),
        ports: fc.constantFrom(undefined, ...ports),
      }),
      fc.constant({}),
    ),
  })
  .map(({ service, source, ...rest }) => {
    const entries = Object.entries({ ...rest, ...service, source }).filter(
      ([, value]) => value !== undefined,
    );
    return Object.fromEntries(entries) as unknown as Rule;
  });

test("whatever the rules are, only machines that the fabric names come in besides those that the owner lets in", () => {
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(80, 443, 8080, 22, 53),
      fc.constantFrom<RoleGuest>(mesh, ollama),
      (rules, port, guest) => {
        fc.pre(rules.some((each) => isAbout(each, "tcp", port)));
        const site = siteWith(rules, guest, port);
        const allowed = [...admitted(rules, port), ...named(site, guest, port)];
        const after = admitted(inForce(site, guest), port);
        expect(after.filter((client) => !allowed.includes(client))).toEqual([]);
        for (const client of admitted(rules, port)) expect(after).toContain(client);
      },
    ),
    { numRuns: 2000 },
  );
});
