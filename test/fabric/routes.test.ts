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
    ['attempts: "many" is not a valid number', "traefik.http.middlewares.m.retry.attempts=many", {}],
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
    expect(faults.map(({ message }) => message).join()).toContain(
      "router web.rule has another value in stacks/app/phoenix.json:1",
    );
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

/** The faults of labels beside a router and its rule, with their hints. */
function said(labels: string, more: Partial<LabelledContainer> = {}): string {
  const { faults } = translate(labels, more);
  return faults
    .map(({ message, hint = "", severity = "error" }) => `${severity}: ${message} (${hint})`)
    .join("\n");
}

const m = "traefik.http.routers.web.middlewares=m\ntraefik.http.middlewares.m";

describe("values that Traefik refuses, and a whole file with them", () => {
  test.each([
    ["ratelimit.period=1 minute", 'period: "1 minute" is not a valid duration'],
    ["ratelimit.period=1d", 'period: "1d" is not a valid duration'],
    ["ratelimit.period=", 'period: "" is not a valid duration'],
    ["ratelimit.period=-1s", "a period cannot be negative"],
    ["retry.initialinterval=fast", 'initialInterval: "fast" is not a valid duration'],
    ["circuitbreaker.checkperiod=1.5", 'checkPeriod: "1.5" is not a valid duration'],
    ["ratelimit.average=1_000", 'average: "1_000" is not a valid number'],
    ["ratelimit.average=9223372036854775808", "is not a valid number"],
    ["redirectscheme.permanent= true", 'permanent: " true" is not a valid boolean'],
    ["replacepathregex.regex=^/(?=x)", "regex: invalid or unsupported Perl syntax: `(?=`"],
    ["redirectregex.regex=(x", "regex: missing closing ): `(x`"],
    ["stripprefixregex.regex=a,[b", "regex: missing closing ]: `[b`"],
    ["headers.accesscontrolalloworiginlistregex=x++", "invalid nested repetition operator: `++`"],
    ["forwardauth.authresponseheadersregex=\\1", "invalid escape sequence: `\\1`"],
    ["ipallowlist.sourcerange=10.0.0.0/33", '"10.0.0.0/33" is not a valid address or network'],
    ["ipallowlist.sourcerange=nas", '"nas" is not a valid address or network'],
    ["ipallowlist.sourcerange=fe80::1%eth0", "is not a valid address or network"],
    ["ipallowlist.ipstrategy.excludedips=x", '"x" is not a valid address or network'],
    ["ipallowlist.rejectstatuscode=299", "299 is not a valid HTTP status"],
    ["basicauth.users=admin", "an entry has not the form of a user"],
    ["digestauth.users=a:b", "an entry has not the form of a user"],
    ["basicauth.usersfile=/users", '"/users" would be a file in the mesh guest'],
    ["retry.attempts=0", "0 is less than 1"],
    ["buffering.maxrequestbodybytes=-1", "-1 is less than 0"],
    ["buffering.retryexpression=Attempts() < 2.5", "is not a valid condition"],
    ["buffering.retryexpression=Fails() > 2", "unknown function Fails() in the condition"],
    ["circuitbreaker.expression=NetworkErrorRatio() > 1", "is not a valid condition"],
    ["circuitbreaker.expression=LatencyAtQuantileMS(50) > 100", "is not a valid condition"],
    ["circuitbreaker.expression=", "the condition is empty"],
    ["compress.excludedcontenttypes=a b", '"a b" is not a valid media type'],
    ["addprefix.prefix=", "addPrefix needs a value of prefix"],
    ["redirectscheme.permanent=true", "redirectScheme needs a value of scheme"],
    ["ipallowlist.sourcerange=", "ipAllowList needs a value of sourceRange"],
    ["headers.framedeny=false", "headers sets nothing"],
    ["addprefix=true", "addPrefix needs one of its fields"],
    ["compress=yes", "has no type"],
  ])("%s", (label, words) => {
    const faults = said(`${m}.${label}`).split("\n");
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`error: `);
    expect(faults[0]).toContain(words);
  });

  test("two criteria of a source exclude each other, and the label of one is named", () => {
    const by = `${m}.inflightreq.amount=5\ntraefik.http.middlewares.m.inflightreq.sourcecriterion`;
    expect(
      said(
        `${by}.requesthost=true\ntraefik.http.middlewares.m.inflightreq.sourcecriterion.requestheadername=X`,
      ),
    ).toContain("the criteria requestHeaderName and requestHost exclude each other");
  });

  test.each([
    ["healthcheck.interval=10 s", 'interval: "10 s" is not a valid duration'],
    ["healthcheck.timeout=x", 'timeout: "x" is not a valid duration'],
    ["responseforwarding.flushinterval=1 s", 'flushInterval: "1 s" is not a valid duration'],
    ["passhostheader=never", 'passHostHeader: "never" is not a valid boolean'],
    ["server.weight=heavy", '"heavy" is not a valid number'],
    ["strategy=random", 'strategy: unknown strategy "random"'],
    ["serverstransport=ghost", 'unknown servers transport "ghost": labels cannot declare one'],
    ["serverstransport=ghost@docker", "labels cannot declare one"],
  ])("of a service: %s", (label, words) => {
    expect(said(`traefik.http.services.web.loadbalancer.${label}`)).toContain(words);
  });

  test("the fault of a router is at the label that it is about", () => {
    const at = (line: number, key: string, value: string) => ({ key, value, from: { ...from, line } });
    const { faults } = translateLabels([
      container("", {
        labels: [
          at(1, "traefik.enable", "true"),
          at(2, "traefik.http.routers.web.rule", "Host(`web.example.net`)"),
          at(3, "traefik.http.routers.web.middlewares", "ghost"),
          at(4, "traefik.http.routers.web.service", "none"),
        ],
      }),
    ]);
    expect(faults.map(({ place }) => place.line)).toEqual([3, 4]);
  });

  test("the fault is at its label, not at the middleware's first one", () => {
    const at = (line: number, key: string, value: string) => ({ key, value, from: { ...from, line } });
    const { faults } = translateLabels([
      container(basic, {
        labels: [
          at(1, "traefik.enable", "true"),
          at(2, "traefik.http.routers.web.rule", "Host(`web.example.net`)"),
          at(3, "traefik.http.middlewares.m.ratelimit.average", "5"),
          at(4, "traefik.http.middlewares.m.ratelimit.period", "1 day"),
          at(5, "traefik.http.middlewares.n.retry.initialinterval", "1s"),
          at(6, "traefik.http.middlewares.o.addprefix.prefix", ""),
        ],
      }),
    ]);
    expect(faults.map(({ place, message }) => [place.line, message])).toEqual([
      [4, 'label traefik.http.middlewares.m.ratelimit.period: period: "1 day" is not a valid duration'],
      [5, "middleware n: retry needs a value of attempts"],
      [6, "middleware o: addPrefix needs a value of prefix"],
    ]);
  });
});

describe("values that Traefik takes", () => {
  test.each([
    ["ratelimit.average=5\ntraefik.http.middlewares.m.ratelimit.period=10", { period: "10" }],
    ["ratelimit.average=+5", { average: 5 }],
    [
      "stripprefix.prefixes[1]=/y\ntraefik.http.middlewares.m.stripprefix.prefixes[0]=/x",
      { prefixes: ["/x", "/y"] },
    ],
    [
      "redirectscheme.scheme=http\ntraefik.http.middlewares.m.redirectscheme.permanent=T",
      { permanent: true },
    ],
    ["ipallowlist.sourcerange=10.0.0.1/8, 2001:db8::/32", { sourceRange: ["10.0.0.1/8", "2001:db8::/32"] }],
  ])("%s", (labels, options) => {
    const { routes, faults } = translate(`${m}.${labels}`);
    expect(faults).toEqual([]);
    expect(Object.values(routes[0]?.middlewares[0]?.options ?? {})).toMatchObject([options]);
  });

  test("middlewares and entry points with indices", () => {
    const { routes, faults } = translate(`
      traefik.http.routers.web.entrypoints[0]=web
      traefik.http.routers.web.middlewares[1]=b
      traefik.http.routers.web.middlewares[0]=a
      traefik.http.middlewares.a.addprefix.prefix=/a
      traefik.http.middlewares.b.addprefix.prefix=/b`);
    expect(faults).toEqual([]);
    expect(routes[0]?.middlewares.map(({ name }) => name)).toEqual(["app-a", "app-b"]);
  });

  test.each([
    ["headers.sslredirect=true", "advises against sslRedirect"],
    ["headers.sslhost=a.b", "advises against sslHost"],
    ["headers.sslforcehost=true", "advises against sslForceHost"],
    ["headers.ssltemporaryredirect=true", "advises against sslTemporaryRedirect"],
    ["headers.featurepolicy=camera 'none'", "advises against featurePolicy"],
  ])("%s, with a warning", (label, words) => {
    const faults = said(`${m}.${label}`);
    expect(faults).toMatch(/^warning: /);
    expect(faults).toContain(words);
    expect(translate(`${m}.${label}`).routes[0]?.middlewares).toHaveLength(1);
  });

  test("what only a newer Traefik knows is left out, with a warning", () => {
    const { routes, faults } = translate(`${m}.compress.encodings=br`);
    expect(faults).toMatchObject([{ severity: "warning" }]);
    expect(faults[0]?.message).toContain("requires Traefik 3.2");
    expect(routes[0]?.middlewares[0]?.options).toEqual({ compress: {} });
  });
});

describe("a container that is enabled", () => {
  test.each(["", "traefik.http.services.s.loadbalancer.server.port=80"])(
    "and has no router gets no route, which is said (%s)",
    (labels) => {
      const { routes, faults } = translateLabels([container(`traefik.enable=true\n${labels}`)]);
      expect(routes).toEqual([]);
      expect(faults).toMatchObject([{ severity: "warning" }]);
      expect(faults[0]?.message).toContain("web gets no route: it has traefik.enable and no router");
      expect(faults[0]?.hint).toContain("traefik.http.routers.web.rule=Host(`…`)");
    },
  );

  test("for a service that another container's router leads to is routed by that", () => {
    const { routes, faults } = translateLabels([
      container(`${basic}traefik.http.routers.web.service=s`),
      container("traefik.enable=true\ntraefik.http.services.s.loadbalancer.server.port=80", {
        service: "api",
      }),
    ]);
    expect(faults).toEqual([]);
    expect(routes).toHaveLength(1);
  });

  test.each(["yes", "", " true"])("by %j is refused", (value) => {
    const { faults } = translateLabels([container("", { labels: [{ key: "traefik.enable", value, from }] })]);
    expect(faults[0]?.message).toContain(
      `label traefik.enable: ${JSON.stringify(value)} is not a valid boolean`,
    );
  });
});

describe("what belongs to somebody else", () => {
  test("the network of another service: its ports are the container's", () => {
    const vpn = container("", { service: "vpn", ports: [port(8085, 8080)], labels: [] });
    const labels = `${basic}traefik.http.services.web.loadbalancer.server.port=`;
    const web = (target: number) => container(labels + target, { networkMode: "service:vpn", ports: [] });
    const { routes, faults } = translateLabels([vpn, web(8080)]);
    expect(faults).toEqual([]);
    expect(routes).toMatchObject([{ backend: { address: "10.0.0.102", port: 8085 } }]);
    const [fault] = translateLabels([vpn, web(9090)]).faults;
    expect(fault?.message).toBe("vpn does not publish its port 9090 (it publishes 8080)");
    expect(fault?.hint).toContain('add 9090 to "ports" of vpn, whose network web uses');
  });

  test.each([
    ["middlewares=sso@docker", "stacks do not share them"],
    ["middlewares=sso", "stacks do not share them"],
    ["service=api@internal", "the mesh's dashboard and API answer on its entry point traefik"],
    ["service=web@file", "name a service of this stack"],
  ])("a router's %s is refused with a hint that helps", (label, hint) => {
    expect(said(`traefik.http.routers.web.${label}`)).toContain(hint);
  });

  test.each(["web-app", "web-app@docker", ""])(
    "a router's service may be %j: the container itself",
    (name) => {
      const { routes, faults } = translate(`traefik.http.routers.web.service=${name}`);
      expect(faults).toEqual([]);
      expect(routes).toHaveLength(1);
    },
  );

  test("labels that only one of two containers has are refused, as Traefik drops both", () => {
    const labels = `${basic}traefik.http.services.s.loadbalancer.server.port=80`;
    const { faults } = translateLabels([
      container(`${labels}\ntraefik.http.services.s.loadbalancer.passhostheader=false`),
      container(labels, { service: "other" }),
    ]);
    expect(faults.map(({ message }) => message)).toEqual([
      "web sets service s.passhostheader, and other does not",
    ]);
  });
});

test("a pattern of v2 never matches, also beside an or", () => {
  expect(readRule("Host(`a.b`) || HostRegexp(`{sub:[a-z]+}.a.b`)").faults).toMatchObject([
    { message: "HostRegexp(`{sub:[a-z]+}.a.b`) can never match: it is a pattern of Traefik v2" },
  ]);
  expect(readRule("Host(`a.b`) && PathRegexp(`^/\\p{Greek}{2}`)").faults).toEqual([]);
});
