import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { decodeDynamic } from "../../lab/traefik/decode.ts";
import { configurationFaults } from "../../src/formats/traefik/configuration.ts";
import {
  type FieldKind,
  type Fields,
  loadBalancerFields,
  middlewareFields,
} from "../../src/formats/traefik/fields.ts";
import {
  dynamicConfig,
  dynamicHash,
  dynamicOptions,
  dynamicUnits,
  type MeshRoute,
  sentinelMiddleware,
} from "../../src/formats/traefik/index.ts";
import { routeFaults } from "../../src/formats/traefik/lint.ts";

const rootFile = "/etc/traefik/dynamic/root.crt";

function route(id: string, more: Partial<MeshRoute> = {}): MeshRoute {
  return {
    id,
    rule: `Host(\`${id}.example.net\`)`,
    backend: { scheme: "http", address: "10.0.0.5", port: 80 },
    middlewares: [],
    loadBalancer: {},
    ...more,
  };
}

const print = (...routes: MeshRoute[]) => dynamicConfig({ routes, rootFile });

describe("the mesh's file", () => {
  test("is JSON that names itself, the same for the same routes in any order", () => {
    const text = print(route("a"), route("b"));
    expect(print(route("b"), route("a"))).toBe(text);
    const hash = dynamicHash(text) ?? "";
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(dynamicHash(print(route("a")))).not.toBe(hash);
    const { http } = JSON.parse(text);
    expect(http.middlewares[sentinelMiddleware(hash)]).toEqual({
      headers: { customResponseHeaders: { "X-Phoenix-Configuration": hash } },
    });
  });

  test("leads to every member of a Swarm, gives up on a silent one soon, and asks the next", () => {
    const backend = {
      scheme: "http",
      address: "10.0.0.5",
      port: 80,
      others: ["10.0.0.6", "10.0.0.7"],
    } as const;
    const middlewares = [{ name: "slow", options: { rateLimit: { average: 5 } } }];
    const loadBalancer = { healthCheck: { path: "/up", timeout: "1s" } };
    const { http } = JSON.parse(print(route("web", { backend, middlewares, loadBalancer })));
    expect(http.services.web.loadBalancer).toEqual({
      servers: [{ url: "http://10.0.0.5:80" }, { url: "http://10.0.0.6:80" }, { url: "http://10.0.0.7:80" }],
      healthCheck: { path: "/up", interval: "5s", timeout: "1s" },
      serversTransport: "phoenix-members",
    });
    expect(http.serversTransports).toEqual({
      "phoenix-members": { forwardingTimeouts: { dialTimeout: "500ms" } },
    });
    // The innermost one repeats: a request counts once for the limit.
    expect(http.routers.web.middlewares).toEqual(["slow", "phoenix-retry-3"]);
    expect(http.middlewares["phoenix-retry-3"]).toEqual({ retry: { attempts: 18 } });
  });

  test.each([
    [{ path: "/up" }, { path: "/up", interval: "5s", timeout: "4000ms" }],
    [
      { path: "/up", interval: "500ms" },
      { path: "/up", interval: "500ms", timeout: "400ms" },
    ],
    [
      { path: "/up", interval: "10" },
      { path: "/up", interval: "10", timeout: "8000ms" },
    ],
  ])("gives members nearly as long as the interval to answer: %j", (healthCheck, expected) => {
    const backend = { scheme: "http", address: "10.0.0.5", port: 80, others: ["10.0.0.6"] } as const;
    const { http } = JSON.parse(print(route("web", { backend, loadBalancer: { healthCheck } })));
    expect(http.services.web.loadBalancer.healthCheck).toEqual(expected);
  });

  test("guesses no path for a health check: an application may answer 401 there, and all members would be out", () => {
    const backend = { scheme: "https", serverName: "a.test", address: "10.0.0.5", port: 80 } as const;
    const { http } = JSON.parse(print(route("a", { backend: { ...backend, others: ["10.0.0.6"] } })));
    expect(http.services.a.loadBalancer.healthCheck).toBeUndefined();
    expect(http.serversTransports["phoenix-a.test-members"]).toEqual({
      serverName: "a.test",
      rootCAs: [rootFile],
      forwardingTimeouts: { dialTimeout: "500ms" },
    });
  });

  test("D27: routes a stack's service by the machine's address, everything on the one entry point", () => {
    const qdrant = route("qdrant_service-qdrant", {
      backend: { scheme: "http", address: "10.0.0.102", port: 6333 },
    });
    const { http } = JSON.parse(print(qdrant));
    expect(http.routers["qdrant_service-qdrant"]).toEqual({
      rule: "Host(`qdrant_service-qdrant.example.net`)",
      entryPoints: ["web"],
      service: "qdrant_service-qdrant",
    });
    expect(http.services["qdrant_service-qdrant"]).toEqual({
      loadBalancer: { servers: [{ url: "http://10.0.0.102:6333" }] },
    });
  });

  test("trusts a backend with TLS by the site's root, for the name in its certificate", () => {
    const backend = {
      scheme: "https" as const,
      address: "10.0.0.111",
      port: 9443,
      serverName: "p.example.net",
    };
    const { http } = JSON.parse(print(route("p", { backend })));
    expect(http.services.p.loadBalancer.serversTransport).toBe("phoenix-p.example.net");
    expect(http.serversTransports).toEqual({
      "phoenix-p.example.net": { serverName: "p.example.net", rootCAs: [rootFile] },
    });
    const own = JSON.parse(print(route("p", { backend, loadBalancer: { serversTransport: "own@file" } })));
    expect(own.http.serversTransports).toBeUndefined();
  });

  test("without any route it still is a configuration, not an empty one (D13)", () => {
    expect(configurationFaults(print())).toEqual([]);
    expect(Object.keys(decodeDynamic(print()).routers)).toEqual(["phoenix-configuration"]);
  });

  test("no beginning of it loads", () => {
    const text = print(route("a"));
    for (let length = 1; length < text.length - 1; length += 7)
      expect(() => decodeDynamic(text.slice(0, length))).toThrow();
  });

  test("loads as what was asked for, whatever stands in it", () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom("{{", "}}", "{{ env `X` }}", "{{{", "$1", "\\{{", "\u0000"),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), text, { maxKeys: 4 }),
        text,
        (headers, rule) => {
          const name = "m";
          const options = { headers: { customRequestHeaders: { "X-A": "1", ...headers } } };
          const printed = print(route("a", { rule, middlewares: [{ name, options }] }));
          expect(printed).not.toContain("{{");
          const loaded = decodeDynamic(printed);
          expect(loaded.routers.a).toMatchObject({ rule });
          expect(loaded.middlewares.m).toEqual(options);
          expect(parse(printed)).toEqual(JSON.parse(printed));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("every field that labels may set is one that the lab's Traefik knows", () => {
    const samples: Readonly<Record<string, unknown>> = {
      number: 1,
      status: 404,
      times: 1,
      bytes: 1,
      boolean: true,
      duration: "1s",
      period: "1s",
      list: ["a"],
      patterns: ["a"],
      networks: ["10.0.0.0/8"],
      users: ["a:b"],
      digests: ["a:b:c"],
      statuses: ["500"],
      mediaTypes: ["a/b"],
      breaker: "NetworkErrorRatio() > 0.5",
      map: { a: "b" },
      any: { a: {} },
    };
    const sample = (kind: FieldKind): unknown =>
      typeof kind === "object" ? filled(kind) : (samples[kind] ?? (kind === "retry" ? "" : "a"));
    const filled = (fields: Fields): Record<string, unknown> =>
      Object.fromEntries(
        Object.entries(fields)
          .filter(([, kind]) => !String(kind).includes("@"))
          .map(([name, kind]) => [name, sample(kind)])
          .filter(([, value]) => typeof value !== "object" || Object.keys(value ?? {}).length > 0),
      );
    const middlewares = Object.entries(middlewareFields).map(([name, kind]) => {
      return { name, options: { [name]: sample(kind) } };
    });
    const { services, middlewares: read } = decodeDynamic(
      print(route("a", { middlewares, loadBalancer: filled(loadBalancerFields) })),
    );
    expect(services.a?.loadBalancer).toMatchObject(filled(loadBalancerFields));
    for (const { name, options } of middlewares) expect(read[name]).toEqual(options);
  });

  test("says where each route leads", () => {
    const b = route("b", {
      priority: 5,
      middlewares: [{ name: "m", options: { compress: {} } }],
      loadBalancer: { servers: [{ url: "http://10.0.0.6:80" }] },
    });
    expect(dynamicUnits(print(route("a"), b))).toEqual({
      a: "Host(`a.example.net`) · to http://10.0.0.5:80",
      b: "Host(`b.example.net`) · to http://10.0.0.5:80, http://10.0.0.6:80 · through m · priority 5",
    });
    expect(dynamicUnits("no: [")).toEqual({});
    expect(dynamicUnits("http:\n  routers:\n    x: {rule: r, service: s}\n")).toEqual({ x: "r · to s" });
  });
});

test("the mesh's file says each option of a middleware and of a load balancer, and nothing of the sentinel", () => {
  const text = print(
    route("a", {
      middlewares: [{ name: "slow", options: { rateLimit: { average: 50, burst: 100 } } }],
      loadBalancer: { healthCheck: { path: "/health" }, servers: [{ url: "http://10.0.0.6:80" }] },
    }),
  );
  expect(dynamicOptions(text)).toEqual({
    "middleware slow: rateLimit.average": "50",
    "middleware slow: rateLimit.burst": "100",
    "service a: healthCheck.path": "/health",
  });
});

describe("routes that Traefik would take and not serve", () => {
  const compress = { name: "m", options: { compress: {} } };

  test.each<[string, MeshRoute[]]>([
    ["another route has the name a", [route("a"), route("a", { rule: "Host(`b`)" })]],
    ["a has the same rule and priority", [route("a"), route("b", { rule: " Host( `a.example.net`)" })]],
    ["can never match", [route("a", { rule: "Host(`a:80`)" })]],
    ["is not a valid name for a route", [route("a@docker")]],
    ["another route has the name phoenix-configuration", [route("phoenix-configuration")]],
    [
      "has other options elsewhere",
      [
        route("a", { middlewares: [compress] }),
        route("b", { middlewares: [{ name: "m", options: { grpcWeb: {} } }] }),
      ],
    ],
    ["it has no type", [route("a", { middlewares: [{ name: "m", options: {} }] })]],
    ["several types", [route("a", { middlewares: [{ name: "m", options: { compress: {}, grpcWeb: {} } }] })]],
    ["headers is empty", [route("a", { middlewares: [{ name: "m", options: { headers: {} } }] })]],
    ["strategy requires Traefik 3.4", [route("a", { loadBalancer: { strategy: "p2c" } })]],
    [
      "encodings requires Traefik 3.2",
      [route("a", { middlewares: [{ name: "m", options: { compress: { encodings: ["br"] } } }] })],
    ],
  ])("%s", (words, routes) => {
    expect(
      routeFaults(routes)
        .map(({ message }) => message)
        .join(),
    ).toContain(words);
  });

  test("equal rules of different priority are fine, and so is what is declared elsewhere", () => {
    const other = route("b", {
      rule: route("a").rule,
      priority: 9,
      middlewares: [{ name: "x@file", options: {} }],
    });
    expect(routeFaults([route("a", { middlewares: [compress] }), other])).toEqual([]);
    const elsewhere = { middlewares: ["x"], serversTransports: [], plugins: [] };
    expect(configurationFaults(print(route("a"), other), elsewhere)).toEqual([]);
    expect(configurationFaults(print(route("a"), other)).map(({ message }) => message)).toEqual([
      "router b uses middleware x@file, which does not exist",
    ]);
  });

  test.each([
    ["it is empty", "{}"],
    ["it is empty", ""],
    ["the section routers is empty", '{"http":{"routers":{}}}'],
    ["leads to service s", '{"http":{"routers":{"a":{"rule":"r","service":"s"}}}}'],
    [
      "uses middleware m",
      '{"http":{"routers":{"a":{"rule":"r","service":"x@internal","middlewares":["m"]}}}}',
    ],
    ["asks for TLS", '{"http":{"routers":{"a":{"rule":"r","service":"x@internal","tls":{}}}}}'],
    [
      "is on entry point websecure",
      '{"http":{"routers":{"a":{"service":"x@internal","entryPoints":["websecure"]}}}}',
    ],
    ["uses transport t", '{"http":{"services":{"s":{"loadBalancer":{"serversTransport":"t"}}}}}'],
    [
      "service a leads back to itself: a -> b -> a",
      '{"http":{"services":{"a":{"weighted":{"services":[{"name":"b"}]}},"b":{"mirroring":{"service":"a@file"}}}}}',
    ],
  ])("%s", (words, text) => {
    const messages = configurationFaults(text).map(({ message }) => message);
    expect(messages.join()).toContain(words);
  });
});
