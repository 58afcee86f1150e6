import { describe, expect, test } from "vitest";
import { membersOf } from "../../src/formats/json/index.ts";
import { expandIncludes } from "../../src/formats/nginx/includes.ts";
import { parseConfiguration } from "../../src/formats/traefik/index.ts";
import type { FoundAuthority, FoundProgram, FoundTraefik, FoundWeb } from "../../src/import/found/web.ts";
import type { FoundGuest } from "../../src/import/found.ts";
import { joinAuthority } from "../../src/import/join/authority.ts";
import { joinNames } from "../../src/import/join/names.ts";
import { joinRoles } from "../../src/import/join/roles.ts";
import { serviceEntries } from "../../src/import/join/services.ts";
import { plain } from "../../src/import/json.ts";
import { foundServers } from "../../src/import/nginx/servers.ts";
import { apiRouters } from "../../src/import/read/traefik.ts";
import { foundRouters } from "../../src/import/traefik/routers.ts";
import type { GuestName } from "../../src/resource.ts";

const domain = "lan.example";

function guest(host: GuestName, name: string, address: string, more: Partial<FoundGuest> = {}): FoundGuest {
  const source = { host: "pve", path: `/etc/pve/${host}.conf`, line: 1 } as const;
  const [kind, id] = host.split("/") as ["lxc" | "vm", string];
  const facts = { isTemplate: false, isRunning: true, startsAtBoot: true, mounts: [], tags: [], node: "pve" };
  const nics = [{ key: "net0", isFiltered: false, ip: { address, prefix: 24, source }, source }];
  return { host, kind, id: Number(id), name, nics, source, ...facts, ...more };
}

const guests = [
  guest("lxc/101", "proxy", "10.0.0.11"),
  guest("lxc/102", "traefik", "10.0.0.12"),
  guest("lxc/110", "media", "10.0.0.20"),
  guest("vm/200", "docker", "10.0.0.30"),
  guest("lxc/120", "hidden", "10.99.0.52"),
  guest("lxc/190", "base", "10.0.0.90", { isTemplate: true }),
];

const source = { host: "pve", path: "x" } as const;
const machines = {
  guests,
  network: {
    interfaces: [
      {
        name: "vmbr0",
        isBridge: true,
        isDynamic: false,
        source,
        address: { address: "10.0.0.2", prefix: 24, source },
      },
    ],
  },
  dns: {
    servers: [
      {
        software: "dnsmasq" as const,
        source,
        isActive: true,
        records: [
          { name: "media.lan.example", address: "10.0.0.20", source },
          { name: "two.lan.example", address: "10.0.0.20", source },
          { name: "two.lan.example", address: "10.0.0.30", source },
        ],
        upstreams: [],
        domains: [],
      },
    ],
  },
  domain,
};

const servers = (text: string, isOurs = false) =>
  foundServers("lxc/101", expandIncludes(new Map([["/n.conf", `http { ${text} }`]]), "/n.conf"), () => isOurs)
    .servers;

function traefik(yaml: string, isOurs = false): FoundTraefik {
  const http = membersOf(parseConfiguration(yaml).http);
  const place = { host: "lxc/102", path: "/etc/traefik/dynamic/site.yml" } as const;
  const routers = foundRouters(
    {
      routers: membersOf(http.routers),
      services: membersOf(http.services),
      middlewares: membersOf(http.middlewares),
      transports: membersOf(http.serversTransports),
      tlsOptions: membersOf(membersOf(parseConfiguration(yaml).tls).options),
    },
    { host: "lxc/102", provider: "file", isOurs, defaultEntryPoints: ["web"], sourceOf: () => place },
  );
  return {
    host: "lxc/102",
    source: place,
    isOurs,
    entryPoints: { web: 80, traefik: 8080 },
    providers: ["file"],
    routers,
    certificates: [],
  };
}

const web = (more: Partial<FoundWeb>): FoundWeb => ({
  programs: [],
  servers: [],
  traefiks: [],
  authorities: [],
  ...more,
});

function joined(more: Partial<FoundWeb>, routed: readonly string[] = []) {
  const names = joinNames(web(more), machines, new Set(routed));
  const entries = [...serviceEntries(names.joined, domain)].map(
    ([host, entry]) => [host, plain(entry)] as const,
  );
  return {
    services: Object.fromEntries(entries),
    left: names.left.map(({ what, reason }) => `${what}: ${reason}`),
  };
}

const site = (name: string, directives: string): string =>
  `server { server_name ${name}; location / { ${directives} } }`;

describe("a name of Nginx", () => {
  test("is a service of the guest that it leads to, which its own proxy goes on serving", () => {
    const { services, left } = joined({
      servers: servers(site("films.lan.example", "proxy_pass http://10.0.0.20:8096;")),
    });
    expect(services).toEqual({ "lxc/110": { name: "films", port: 8096, external: true } });
    expect(left).toEqual([]);
  });

  test("with a redirect to HTTPS, a host name behind it and names outside the domain", () => {
    const text = `server { listen 80; server_name films.example.org media.lan.example; return 301 https://$host$request_uri; }
server { listen 443 ssl; server_name films.example.org media.lan.example; location / { proxy_pass https://media:8920; } }`;
    expect(joined({ servers: servers(text) })).toEqual({
      services: {
        "lxc/110": {
          name: "films.example.org",
          host: ["films.example.org", "media.lan.example"],
          port: 8920,
          scheme: "https",
          external: true,
        },
      },
      left: [],
    });
  });

  test.each([
    ["an address that no guest has", "proxy_pass http://10.0.0.77;", "no guest has the address 10.0.0.77"],
    ["the hypervisor", "proxy_pass https://10.0.0.2:8006;", "the hypervisor itself"],
    [
      "a guest of another network",
      "proxy_pass http://10.99.0.52;",
      "lxc/120 (hidden) has no fixed address on the hypervisor's network",
    ],
    ["a template", "proxy_pass http://10.0.0.90;", "the template lxc/190"],
    ["a host name without an address", "proxy_pass http://nowhere;", "has no address here"],
    ["a host name with two addresses", "proxy_pass http://two.lan.example;", "several addresses"],
    ["a path of its own", "proxy_pass http://10.0.0.20/base/;", "puts /base/ before each path"],
    ["a password", "auth_basic x; proxy_pass http://10.0.0.20;", "auth_basic; /n.conf:1"],
    ["networks", "allow 10.0.0.0/8; deny all; proxy_pass http://10.0.0.20;", "deny all"],
    ["variables of the request", "proxy_pass http://$arg_to;", "depends on $arg_to"],
  ])("is told and not guessed: %s", (_, directives, words) => {
    const { services, left } = joined({ servers: servers(site("a.lan.example", directives)) });
    expect(services).toEqual({});
    expect(left).toHaveLength(1);
    expect(left[0]).toContain(words);
  });

  test("is told when two servers of it disagree", () => {
    const text = `${site("a.lan.example", "proxy_pass http://10.0.0.20;")} ${site("a.lan.example", "proxy_pass http://10.0.0.30;")}`;
    const { services, left } = joined({ servers: servers(text) });
    expect(services).toEqual({});
    expect(left[0]).toContain("another server of this name leads elsewhere");
  });

  test("with upstreams of several servers, and with other locations", () => {
    const text = `upstream u { server 10.0.0.20:80; server 10.0.0.30:80; }
${site("a.lan.example", "proxy_pass http://u;")}
server { server_name b.lan.example; location / { proxy_pass http://10.0.0.20; } location /api { proxy_pass http://10.0.0.30; } }`;
    const { services, left } = joined({ servers: servers(text) });
    expect(services).toEqual({ "lxc/110": { name: "b", port: 80, external: true } });
    expect(left).toEqual([
      "a.lan.example: it balances over several servers (10.0.0.20:80, 10.0.0.30:80): a service has one",
      "b.lan.example: declared without what a service cannot express, which stays with this proxy: location /api",
    ]);
  });
});

const router = (fields: string, more = ""): string => `http:
  routers:
    films: { rule: "Host(\`films.lan.example\`)", service: films, ${fields} }
  services:
    films: { loadBalancer: { servers: [{ url: "http://10.0.0.20:8096" }] } }
${more}`;

describe("a router of Traefik", () => {
  const gateway = servers(
    site("films.lan.example", "proxy_pass http://10.0.0.12:80; client_max_body_size 2g;"),
    true,
  );

  test("behind Nginx: the guest at the end is the service, with the gateway's treatment where both are Phoenix's", () => {
    expect(joined({ servers: gateway, traefiks: [traefik(router(""), true)] }).services).toEqual({
      "lxc/110": { name: "films", port: 8096, max_body_size: "2g" },
    });
  });

  test("of a stack's labels comes back with its stack", () => {
    expect(joined({ servers: gateway, traefiks: [traefik(router(""), true)] }, ["films"])).toEqual({
      services: {},
      left: [],
    });
  });

  test("that people made stays theirs", () => {
    expect(joined({ traefiks: [traefik(router(""))] }).services).toEqual({
      "lxc/110": { name: "films", port: 8096, external: true },
    });
  });

  test.each([
    ["basicAuth", "middlewares: [door]", "  middlewares:\n    door: { basicAuth: { users: [a] } }\n"],
    [
      "forwardAuth",
      "middlewares: [all]",
      "  middlewares:\n    door: { forwardAuth: { address: http://10.0.0.9 } }\n    all: { chain: { middlewares: [door] } }\n",
    ],
    [
      "ipAllowList",
      "middlewares: [door@file]",
      "  middlewares:\n    door: { ipAllowList: { sourceRange: [10.0.0.0/8] } }\n",
    ],
    ["rateLimit", "middlewares: [door]", "  middlewares:\n    door: { rateLimit: { average: 5 } }\n"],
    ["middleware gone@unknown", "middlewares: [gone]", ""],
    [
      "it demands a client's certificate",
      "tls: { options: mutual }",
      "tls:\n  options:\n    mutual: { clientAuth: { clientAuthType: RequireAndVerifyClientCert } }\n",
    ],
  ])("is left to Traefik with what protects it: %s", (words, fields, more) => {
    const { services, left } = joined({ traefiks: [traefik(router(fields, more))] });
    expect(services).toEqual({});
    expect(left).toEqual([expect.stringContaining(words)]);
  });

  test("with a path, several servers, or another kind of service is told", () => {
    const yaml = `http:
  routers:
    a: { rule: "Host(\`a.lan.example\`) && PathPrefix(\`/x\`)", service: one }
    b: { rule: "Host(\`b.lan.example\`)", service: two }
    c: { rule: "Host(\`c.lan.example\`)", service: shares }
    d: { rule: "PathPrefix(\`/\`)", service: one }
    e: { rule: "Host(\`e.lan.example\`)", service: gone }
  services:
    one: { loadBalancer: { servers: [{ url: "http://10.0.0.20" }] } }
    two: { loadBalancer: { servers: [{ url: "http://10.0.0.20" }, { url: "http://10.0.0.30" }] } }
    shares: { weighted: { services: [{ name: one, weight: 1 }] } }
`;
    const { services, left } = joined({ traefiks: [traefik(yaml)] });
    expect(services).toEqual({});
    expect(left.map((line) => line.replace(/:.*/, ""))).toEqual([
      "router a (a.lan.example)",
      "router b (b.lan.example)",
      "router c (c.lan.example)",
      "router d",
      "router e (e.lan.example)",
    ]);
  });

  test("of the API has its provider, service and middlewares", () => {
    const raw = {
      routers: {
        "wiki@docker": {
          rule: "Host(`wiki.lan.example`)",
          service: "wiki",
          entryPoints: ["web"],
          middlewares: ["door@docker"],
        },
        "dashboard@internal": { rule: "PathPrefix(`/`)", service: "dashboard@internal" },
      },
      services: {
        "wiki@docker": { loadBalancer: { servers: [{ url: "http://172.18.0.5:3000" }] }, status: "enabled" },
      },
      middlewares: {
        "door@docker": { basicAuth: { users: ["a"] }, status: "enabled", usedBy: ["wiki@docker"] },
      },
    };
    expect(apiRouters(raw, { host: "lxc/102", path: "api" }, ["web"])).toMatchObject([
      {
        name: "wiki",
        provider: "docker",
        backends: [{ scheme: "http", address: "172.18.0.5", port: 3000 }],
        middlewares: [{ name: "door", options: { basicAuth: { users: ["a"] } } }],
      },
    ]);
  });
});

describe("roles", () => {
  const program = (host: GuestName, name: string): FoundProgram => ({
    host,
    program: name,
    isRunning: true,
    source: { host, path: name },
  });

  test("go to the guests whose proxies have Phoenix's files, and to nobody when two have", () => {
    const ours = servers(site("a.lan.example", "return 444;"), true);
    const programs = [
      program("lxc/101", "nginx"),
      program("lxc/102", "traefik"),
      program("lxc/110", "nginx"),
    ];
    const found = joinRoles(web({ programs, servers: ours, traefiks: [traefik(router(""), true)] }), guests);
    expect([...found.roles]).toEqual([
      ["lxc/101", ["gateway"]],
      ["lxc/102", ["mesh"]],
    ]);
    expect(found.left.map(({ reason }) => reason)).toEqual(["lxc/101 is the gateway"]);
    const twice = [...ours, ...ours.map((each) => ({ ...each, host: "lxc/110" as const }))];
    const ambiguous = joinRoles(web({ programs, servers: twice }), guests);
    expect([...ambiguous.roles.keys()]).toEqual([]);
    expect(ambiguous.left.map(({ reason }) => reason)).toContain(
      "lxc/101 and lxc/110 both have a file of Phoenix: only one can be the gateway",
    );
  });

  test("of proxies with sites made by hand are told, not taken", () => {
    const found = joinRoles(
      web({
        programs: [program("lxc/101", "nginx")],
        servers: servers(site("a.lan.example", "proxy_pass http://10.0.0.20;")),
      }),
      guests,
    );
    expect([...found.roles.keys()]).toEqual([]);
    expect(found.left[0]?.reason).toContain("was made by hand and stays as it is");
  });
});

describe("a CA", () => {
  const authority = (host: GuestName, more: Partial<FoundAuthority> = {}): FoundAuthority => ({
    host,
    source: { host, path: "/root/.step/config/ca.json" },
    isRunning: true,
    dnsNames: ["localhost", "pki.example.org", "ca.lan.example", "10.0.0.20"],
    port: 8443,
    provisioners: ["me"],
    root: "PEM",
    faults: [],
    ...more,
  });
  const join = (
    authorities: readonly FoundAuthority[],
    records: readonly { name: string; address: string }[] = [],
  ) =>
    joinAuthority(
      authorities,
      guests,
      records.map((record) => ({ ...record, source })),
      domain,
    );

  test("that can issue certificates is the site's, by the name that clients know", () => {
    expect(plain(join([authority("lxc/110")]).authority?.settings ?? {})).toEqual({
      dns_name: "ca.lan.example",
      provisioner_name: "me",
      port: 8443,
    });
    const known = join([authority("lxc/110")], [{ name: "pki.example.org", address: "10.0.0.20" }]);
    expect(plain(known.authority?.settings ?? {})).toMatchObject({ dns_name: "pki.example.org" });
  });

  test.each([
    ["half set up", [authority("lxc/110", { faults: ["its key is not there"] })], "its key is not there"],
    ["in a virtual machine", [authority("vm/200")], "the CA of a site is a container"],
    [
      "with several provisioners",
      [authority("lxc/110", { provisioners: ["a", "b"] })],
      "several JWK provisioners (a, b)",
    ],
    ["beside another one", [authority("lxc/110"), authority("lxc/101")], "could both be the CA"],
  ])("is told: %s", (_, authorities, words) => {
    const { authority: found, left } = join(authorities);
    expect(found).toBeUndefined();
    expect(left[0]?.reason).toContain(words);
  });
});
