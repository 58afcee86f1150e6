/**
 * An opening is never wider than the owner's own rules, in whatever notation those are written. The judge is this file's own
 * reading of Proxmox's rules (pve-firewall 6.0.4): it knows nothing of how the product reads them.
 */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { droppedPaths } from "../../src/fabric/dropped-paths.ts";
import { firewallOf } from "../../src/fabric/firewall.ts";
import { requiredPaths } from "../../src/fabric/paths.ts";
import type { FirewallRule, Guest, RoleGuest, Service } from "../../src/model.ts";
import { loadSite } from "../../src/site/load.ts";
import { agent, gateway, labSite, mesh, ollama } from "../lab/site.ts";
import { inDirectory } from "../site/tree.ts";
import type { WholeSite } from "../whole-site.ts";

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
  const numbers: Readonly<Record<string, string>> = { "6": "tcp", "17": "udp", "0": protocol, ip: protocol };
  if (rule.protocol !== undefined && (numbers[rule.protocol] ?? rule.protocol) !== protocol) return false;
  return (rule.ports ?? "0:65535").split(",").some((part) => {
    const [from = 0, to = from] = part.split(":").map((end) => names[end] ?? Number(end));
    return from <= port && port <= to;
  });
}

/** Of an unknown name only the hypervisor knows the port: it may be this one. */
function mayBeAbout(rule: Rule, port: number): boolean {
  const isUnknown = rule.ports?.includes("intranet") === true && !["udp", "17"].includes(rule.protocol ?? "");
  return isAbout(rule, "tcp", port) || (rule.direction === "in" && isUnknown);
}

function isFrom(source: string | undefined, client: string): boolean {
  if (source === undefined) return true;
  return source.split(",").some((part) => {
    // Sets and aliases are empty here.
    if (/^[+a-z]/.test(part)) return false;
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
function siteWith(rules: readonly Rule[], guest: RoleGuest, port: number): WholeSite {
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
function inForce(site: WholeSite, guest: Guest): readonly Rule[] {
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
function named(site: WholeSite, guest: Guest, port: number): readonly string[] {
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
    ["with protocol 0, which is every protocol to iptables", 8080, { ...from, protocol: "0" }],
    ["with the protocol ip, which is 0", 8080, { ...from, protocol: "ip" }],
    ["from a set", 8080, { ...from, source: "+trusted", protocol: "tcp", ports: "8080" }],
    ["from an alias", 8080, { ...from, source: "dc/office", macro: "Webcache" }],
    ["on one interface", 8080, { ...from, protocol: "tcp", ports: "8080", interface: "net0" }],
    ["by a macro that nobody knows", 8080, { ...from, macro: "Nonsense" }],
    ["by a name that only the hypervisor may know", 8080, { ...from, protocol: "tcp", ports: "intranet" }],
    ["to keep somebody out", 8080, { ...from, action: "DROP", protocol: "tcp", ports: "8080" }],
  ];
  test.each(cases)("%s", (_, port, rule) => {
    const site = siteWith([rule], mesh, port);
    const opened = firewallOf(site).guests.find(({ guest }) => guest.host === mesh.host)?.rules ?? [];
    const wide = opened.filter(
      ({ rule: { source, dport, comment } }) =>
        comment !== undefined && dport === String(port) && (source === undefined || source.includes("/")),
    );
    expect(wide).toEqual([]);
  });

  test("and one where its rules are about other ports only", () => {
    const site = siteWith([{ ...from, protocol: "tcp", ports: "8443" }], ollama, 8080);
    expect(admitted(inForce(site, ollama), 8080)).toContain("10.0.0.51");
  });
});

describe("a copy of examples/homelab with the service dash on the mesh", () => {
  const example = join(import.meta.dirname, "../../examples/homelab");
  const cases = [
    [8080, { proto: "tcp", port: "80,http-alt" }],
    [443, { macro: "HTTPS" }],
    [443, { proto: "tcp", port: "https" }],
    [8080, { proto: "tcp" }],
    [8080, {}],
  ] as const;
  const text = (path: string): string => readFileSync(path, "utf8");

  test.each(cases)("port %i and %j: no opening to the network", async (port, fields) => {
    const rule = { type: "in", action: "ACCEPT", source: "192.168.40.99", ...fields };
    const { site, problems } = await inDirectory(async (directory) => {
      cpSync(example, directory, { recursive: true });
      const path = join(directory, "etc/phoenix_lxc_configs.json");
      const [head = "", mesh = "", tail = ""] = text(path).split(/(?="21[12]": \{)/);
      const declared = mesh.replace(/"rules": \[[^\]]*\]/, `"rules": [${JSON.stringify(rule)}]`);
      const service = `"traefik_service": { "name": "dash", "port": ${port} },\n      "name"`;
      writeFileSync(path, head + declared.replace('"name"', service) + tail);
      return loadSite(directory);
    });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    const rules = site && firewallOf(site).guests.find(({ group }) => group === "phx-lxc-211")?.rules;
    const sources = (rules ?? [])
      .filter(({ rule: { type } }) => type === "IN")
      .map(({ rule: { source } }) => source);
    expect(new Set(sources)).toEqual(new Set(["192.168.40.99", "192.168.40.10", "192.168.40.2"]));
  });

  test("the rules of a stack are its machine's own", async () => {
    const { site } = await inDirectory(async (directory) => {
      cpSync(example, directory, { recursive: true });
      const machines = join(directory, "etc/phoenix_vm_configs.json");
      const service =
        '"traefik_service": { "name": "dash", "port": 443 },\n      "portainer_environment_name": "docker-one"';
      writeFileSync(machines, text(machines).replace('"portainer_environment_name": "docker-one"', service));
      const stack = join(directory, "stacks/wiki/phoenix.json");
      const rule = '{ "type": "in", "action": "HTTPS(ACCEPT)", "source": "192.168.40.99" },';
      writeFileSync(stack, text(stack).replace('"firewall_rules": [', `"firewall_rules": [${rule}`));
      return loadSite(directory);
    });
    const rules = site && firewallOf(site).guests.find(({ group }) => group === "phx-vm-311")?.rules;
    expect((rules ?? []).map(({ rule: { macro } }) => macro)).toContain("HTTPS");
    expect((rules ?? []).map(({ rule: { source } }) => source)).not.toContain("192.168.40.0/24");
  });
});

describe("a gateway", () => {
  const words = (site: WholeSite): readonly string[] =>
    droppedPaths(site).flatMap(({ code, message }) => (code === "PHX0520" ? [message] : []));

  test.each(["ACCEPT", "DROP"] as const)("is open to clients behind its own rules: %s", (action) => {
    const rule = { direction: "in", action, macro: "HTTPS", source: "10.0.0.50" } as const;
    const site = siteWith([rule], gateway, 9000);
    const kept = action === "DROP" ? clients.filter((client) => client !== "10.0.0.50") : clients;
    expect(admitted(inForce(site, gateway), 443)).toEqual(kept);
    expect(words(site)).toEqual([]);
  });
});

test("for a guest without a fixed address nothing is opened: a rule must name exactly the sender", () => {
  const share = { name: "data", server: "10.0.0.13", path: "/data", mountPoint: "/data", from: ollama.from };
  const { address: _, ...moving } = {
    ...ollama,
    host: "lxc/105" as const,
    id: 105,
    name: "moving",
    shares: [share],
  };
  const site: WholeSite = { ...labSite, guests: [...labSite.guests, moving] };
  const nfs = firewallOf(site).host.filter(({ rule }) => rule.dport === "2049");
  expect(nfs.map(({ rule }) => rule.source)).toEqual(["10.0.0.111", "10.0.0.102"]);
  const hints = (of: WholeSite): readonly (string | undefined)[] =>
    droppedPaths(of).flatMap(({ code, hint }) => (code === "PHX0520" ? [hint] : []));
  expect(hints(site)).toEqual([
    "declare the address of lxc/105 (moving), or accept tcp 2049 from 10.0.0.0/24",
  ]);
  const { from } = site.firewall;
  const rule = {
    direction: "in",
    action: "ACCEPT",
    source: "10.0.0.0/24",
    protocol: "tcp",
    ports: "2049",
    from,
  } as const;
  expect(hints({ ...site, firewall: { ...site.firewall, rules: [rule] } })).toEqual([]);
});

const ports = [
  "80",
  "443",
  "8080",
  "http",
  "https",
  "http-alt",
  "22,8080",
  "80,http-alt",
  "8000:8100",
  "53",
  "intranet",
  "22,intranet",
];
const rule: fc.Arbitrary<Rule> = fc
  .record({
    direction: fc.constantFrom("in" as const, "in" as const, "out" as const),
    action: fc.constantFrom("ACCEPT" as const, "ACCEPT" as const, "DROP" as const, "REJECT" as const),
    source: fc.constantFrom(
      undefined,
      "+trusted",
      "dc/office",
      "10.0.0.50",
      "10.0.0.50,10.0.0.51",
      "10.0.0.0/24",
      "192.0.2.0/24",
    ),
    service: fc.oneof(
      fc.record({ macro: fc.constantFrom(...Object.keys(services)) }),
      fc.record({
        protocol: fc.constantFrom("tcp", "udp", "6", "17", "0", "ip"),
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
      fc.constantFrom<RoleGuest>(mesh, ollama, gateway, agent),
      (rules, port, guest) => {
        // Routed names open the gateway's two ports to clients.
        fc.pre(guest !== gateway || (port !== 80 && port !== 443));
        fc.pre(rules.some((each) => mayBeAbout(each, port)));
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
