import { describe, expect, test } from "vitest";
import { translateLabels } from "../../src/fabric/routes/index.ts";
import type { LabelledContainer } from "../../src/fabric/routes/labels.ts";
import type { ComposePort } from "../../src/formats/compose/index.ts";
import { readRule } from "../../src/formats/traefik/rule.ts";

const from = { file: "stacks/app/phoenix.json", line: 1, column: 1 };
const place = { line: 1, column: 1 };

function port(published: number | undefined, target: number, hostIp?: string, protocol = "tcp"): ComposePort {
  return {
    target,
    protocol,
    place,
    ...(published === undefined ? {} : { published }),
    ...(hostIp === undefined ? {} : { hostIp }),
  };
}

function container(labels: string, more: Partial<LabelledContainer> = {}): LabelledContainer {
  return {
    stack: "app",
    service: "web",
    address: "10.0.0.102",
    ports: [port(8081, 80)],
    labels: labels
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .map((line) => ({
        key: line.slice(0, line.indexOf("=")),
        value: line.slice(line.indexOf("=") + 1),
        from,
      })),
    ...more,
  };
}

const basic = `
  traefik.enable=true
  traefik.http.routers.web.rule=Host(\`Web.example.net\`)
`;
const translate = (labels: string, more: Partial<LabelledContainer> = {}) =>
  translateLabels([container(basic + labels, more)]);

describe("a container's labels", () => {
  test("become a route to the machine that publishes its port", () => {
    expect(
      translate(`
        traefik.http.routers.web.entrypoints=websecure
        traefik.http.routers.web.tls=true
        traefik.http.routers.web.tls.certresolver=internal-resolver
        traefik.http.routers.web.priority=7
        traefik.http.services.web.loadbalancer.server.port=80`),
    ).toEqual({
      faults: [],
      routes: [
        {
          id: "app-web",
          names: ["web.example.net"],
          rule: "Host(`Web.example.net`)",
          priority: 7,
          backend: { scheme: "http", address: "10.0.0.102", port: 8081 },
          middlewares: [],
          loadBalancer: {},
          from,
        },
      ],
    });
  });

  test("D5: dollar signs that were doubled for Compose are single again", () => {
    const { routes } = translateLabels([
      container("traefik.enable=true\ntraefik.http.routers.r.rule=Host(`a.b`) && PathRegexp(`^/x$$`)"),
    ]);
    expect(routes[0]?.rule).toBe("Host(`a.b`) && PathRegexp(`^/x$`)");
  });

  test("carry middlewares and the balancer's settings over, typed and in the file's spelling", () => {
    const { routes, faults } = translate(`
      traefik.http.routers.web.middlewares=auth@docker, c
      traefik.http.middlewares.auth.basicauth.users=me:$$2y$$05$$x,you:y
      traefik.http.middlewares.c.chain.middlewares=strip,h
      traefik.http.middlewares.strip.stripprefix.prefixes=/a, /b
      traefik.http.middlewares.h.headers.customrequestheaders.X-Own=1
      traefik.http.middlewares.h.headers.stsseconds=60
      traefik.http.services.web.loadbalancer.passhostheader=false
      traefik.http.services.web.loadbalancer.sticky.cookie=true
      traefik.http.services.web.loadbalancer.healthcheck.path=/ok
      traefik.http.services.web.loadbalancer.healthcheck.port=80`);
    expect(faults).toEqual([]);
    expect(routes[0]?.middlewares).toEqual([
      { name: "app-auth", options: { basicAuth: { users: ["me:$2y$05$x", "you:y"] } } },
      { name: "app-strip", options: { stripPrefix: { prefixes: ["/a", "/b"] } } },
      { name: "app-h", options: { headers: { customRequestHeaders: { "X-Own": "1" }, stsSeconds: 60 } } },
    ]);
    expect(routes[0]?.loadBalancer).toEqual({
      passHostHeader: false,
      sticky: { cookie: {} },
      healthCheck: { path: "/ok", port: 8081 },
    });
  });

  test.each<[string, string, Partial<LabelledContainer>, object]>([
    [
      "https",
      "traefik.http.services.s.loadbalancer.server.scheme=https",
      {},
      { scheme: "https", port: 8081 },
    ],
    ["another address", "", { ports: [port(1, 80, "10.0.0.9")] }, { address: "10.0.0.9", port: 1 }],
    [
      "the machine's network",
      "traefik.http.services.s.loadbalancer.server.port=9",
      { networkMode: "host", ports: [] },
      { port: 9 },
    ],
    [
      "a url",
      "traefik.http.services.s.loadbalancer.server.url=http://10.1.1.1:7",
      {},
      { address: "10.1.1.1", port: 7 },
    ],
    ["not the loopback one", "", { ports: [port(1, 80, "127.0.0.1"), port(2, 80)] }, { port: 2 }],
  ])("reach it by %s", (_, labels, more, backend) => {
    const { routes, faults } = translate(labels, more);
    expect(faults).toEqual([]);
    expect(routes[0]?.backend).toMatchObject(backend);
  });

  test.each<[string, string, Partial<LabelledContainer>]>([
    ['unknown entry point "internal"', "traefik.http.routers.web.entrypoints=internal", {}],
    ["does not publish its port 81", "traefik.http.services.s.loadbalancer.server.port=81", {}],
    ["publishes no port", "", { ports: [] }],
    ["loopback address only", "", { ports: [port(1, 80, "127.0.0.1")] }],
    ["lets Docker choose", "", { ports: [port(undefined, 80)] }],
    ["names service nobody", "traefik.http.routers.web.service=nobody", {}],
    [
      "does not name one of its services",
      "traefik.http.services.a.loadbalancer.server.port=80\ntraefik.http.services.b.loadbalancer.server.port=80",
      {},
    ],
    ["uses middleware m, which no label", "traefik.http.routers.web.middlewares=m", {}],
    [
      "contains itself",
      "traefik.http.routers.web.middlewares=m\ntraefik.http.middlewares.m.chain.middlewares=m",
      {},
    ],
    ['unknown middleware type "nosuch"', "traefik.http.middlewares.m.nosuch.x=1", {}],
    ['unknown field "nosuch"', "traefik.http.middlewares.m.headers.nosuch=1", {}],
    ["must be a number", "traefik.http.middlewares.m.retry.attempts=many", {}],
    [
      "has several types",
      "traefik.http.middlewares.m.retry.attempts=1\ntraefik.http.middlewares.m.compress=true",
      {},
    ],
    ['unknown router field "nosuch"', "traefik.http.routers.web.nosuch=1", {}],
    ["syntax of Traefik v3", "traefik.http.routers.web.rulesyntax=v2", {}],
    ['must begin with "traefik."', "Traefik.http.routers.x.rule=Host(`a.b`)", {}],
    ['unknown scheme "ftp"', "traefik.http.services.s.loadbalancer.server.scheme=ftp", {}],
    ["name on the container's network", "traefik.http.services.s.loadbalancer.server.url=http://db:7", {}],
    [
      "authelia is a name on the container's network",
      "traefik.http.middlewares.m.forwardauth.address=http://authelia:9091/api",
      {},
    ],
    ["is not a valid URL", "traefik.http.middlewares.m.forwardAuth.address=10.0.0.9:9091", {}],
    [
      "would drop the path /base",
      "traefik.http.services.s.loadbalancer.server.url=http://10.0.0.1:7/base",
      {},
    ],
    ["has no rule", "traefik.http.routers.other.priority=1", {}],
    ["names no host", "traefik.http.routers.other.rule=PathPrefix(`/x`)", {}],
    ["same rule and the same priority", "traefik.http.routers.other.rule=Host(`Web.example.net`)", {}],
  ])("are refused: %s", (words, labels, more) => {
    const errors = translate(labels, more).faults.filter(({ severity }) => severity !== "warning");
    expect(errors.map(({ message, hint = "" }) => `${message} ${hint}`).join("\n")).toContain(words);
  });

  test.each([
    "http://10.0.0.9:9091/api",
    "https://auth.example.net/api/verify?rd=https://login",
    "http://me:x@[fd00::9]:9091",
  ])("may have authentication forwarded to %s", (address) => {
    const { routes, faults } = translate(`
      traefik.http.routers.web.middlewares=m
      traefik.http.middlewares.m.forwardauth.address=${address}`);
    expect(faults).toEqual([]);
    expect(routes[0]?.middlewares).toEqual([{ name: "app-m", options: { forwardAuth: { address } } }]);
  });

  test.each([
    ["routes HTTP only", "traefik.tcp.routers.x.rule=HostSNI(`*`)"],
    ["requires Traefik 3.3", "traefik.http.routers.web.observability.tracing=true"],
    ["declared in the mesh by other means", "traefik.http.routers.web.middlewares=m@file"],
  ])("give a warning: %s", (words, labels) => {
    const { routes, faults } = translate(labels);
    expect(faults).toMatchObject([{ severity: "warning", message: expect.stringContaining(words) }]);
    expect(routes).toHaveLength(1);
  });

  test("without traefik.enable mean nothing, which is said", () => {
    const { routes, faults } = translateLabels([container("traefik.http.routers.r.rule=Host(`a.b`)")]);
    expect(routes).toEqual([]);
    expect(faults).toMatchObject([{ severity: "warning" }]);
    expect(
      translateLabels([container("traefik.enable=false\ntraefik.http.routers.r.rule=x")]).faults,
    ).toEqual([]);
  });
});

describe("redirects to https", () => {
  const pair = `
    traefik.http.routers.plain.rule=Host(\`Web.example.net\`)
    traefik.http.routers.plain.entrypoints=web
    traefik.http.routers.plain.middlewares=r
    traefik.http.middlewares.r.redirectscheme.scheme=https`;

  test("go, with the router that exists for nothing else", () => {
    const { routes, faults } = translate(pair);
    expect(faults).toEqual([]);
    expect(routes.map(({ id }) => id)).toEqual(["app-web"]);
  });

  test("go from the only router of a rule, which stays", () => {
    const { routes, faults } = translate(`
      traefik.http.routers.web.middlewares=r
      traefik.http.middlewares.r.redirectscheme.scheme=https`);
    expect(faults).toEqual([]);
    expect(routes).toMatchObject([{ id: "app-web", middlewares: [] }]);
  });

  test("on both of a pair: the one that was meant for TLS stays", () => {
    const { routes, faults } = translate(`${pair}
      traefik.http.routers.web.tls=true
      traefik.http.routers.web.middlewares=r`);
    expect(faults).toEqual([]);
    expect(routes.map(({ id }) => id)).toEqual(["app-web"]);
  });
});

describe("several containers", () => {
  test("of one service on two machines share its requests", () => {
    const labels = `${basic}traefik.http.services.web.loadbalancer.server.port=80`;
    const { routes, faults } = translateLabels([
      container(labels),
      container(labels, { address: "10.0.0.103" }),
    ]);
    expect(faults).toEqual([]);
    expect(routes).toMatchObject([
      { backend: { address: "10.0.0.102" }, loadBalancer: { servers: [{ url: "http://10.0.0.103:8081" }] } },
    ]);
  });

  test("that say different things about one name are refused", () => {
    const { faults } = translateLabels([
      container(basic),
      container("traefik.enable=true\ntraefik.http.routers.web.rule=Host(`b.c`)", { service: "other" }),
    ]);
    expect(faults.map(({ message }) => message).join()).toContain("router web.rule is");
  });
});

describe("rules", () => {
  test.each([
    ["Host(`a.b`) || Host(`C.d.`)", ["a.b", "c.d"]],
    ["(Host(`a.b`) && !Host(`no.b`)) || PathPrefix(`/x`)", ["a.b"]],
    ['HOST("a.b") && Query(`k`)', ["a.b"]],
    ["HostRegexp(`^a`)", []],
  ])("%s", (rule, hosts) => {
    expect(readRule(rule)).toEqual({ hosts, faults: [] });
  });

  test.each([
    ["", "it is empty"],
    ["Host(`a`,`b`)", "join several by ||"],
    ["Host('a')", "backticks"],
    ["hOst(`a`)", "unknown matcher hOst()"],
    ["Headers(`a`,`b`)", "it is Header() since Traefik v3"],
    ["Host(`a`) and Host(`b`)", "unexpected and"],
    ["Host(`a`)\n|| Host(`b`)", "a line begins with ||"],
    ["Host(`a`", "expected ,"],
    ["Host(`a:80`)", "can never match"],
    ["Host(`{sub:[a-z]+}.b`)", "can never match"],
    ["Path(`x`)", "must start with /"],
  ])("%s is refused", (rule, words) => {
    const [fault] = readRule(rule).faults;
    expect(`${fault?.message} ${fault?.hint}`).toContain(words);
  });
});
