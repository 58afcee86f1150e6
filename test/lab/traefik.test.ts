/** The lab's mesh loads, keeps, refuses and routes as Traefik does (3.0.4 and 3.7.15, measured). */
import { beforeEach, describe, expect, test } from "vitest";
import { change, newLab, opened, read } from "./open.ts";

const world = await opened(await newLab());
const mesh = world.host("lxc/102");
const file = "/etc/traefik/dynamic/dynamic_conf.yml";
const write = (text: string, path = file) => mesh.writeFiles([{ path, text, staging: "/etc/traefik" }]);
const get = (path: string, hostname = "a.test") =>
  world.network.request({ method: "GET", url: `http://10.0.0.12${path}`, hostname, effect: "read" });
const api = async (path: string) => {
  const answer = await world.network.request({
    method: "GET",
    url: `http://10.0.0.12:8080${path}`,
    effect: "read",
  });
  return answer.status === 200 ? JSON.parse(answer.text) : answer.status;
};
const backend = { loadBalancer: { servers: [{ url: "http://10.0.0.155:11434" }] } };
const routed = (router: object, more: object = {}) =>
  JSON.stringify({
    http: {
      routers: { r: { rule: "Host(`a.test`)", service: "s", ...router } },
      services: { s: backend },
      ...more,
    },
  });
const status = async () => (await get("/")).status;

beforeEach(() => write(routed({})));

describe("loading", () => {
  test("a new file is live at once, without a reload", async () => {
    expect(JSON.parse((await get("/x")).text)).toMatchObject({ name: "ollama", url: "/x" });
  });

  test.each([
    ["a file that is no YAML", '{"http": '],
    ["an unknown field", routed({ nosuch: 1 })],
    ["an unknown type of middleware", routed({}, { middlewares: { m: { nosuch: {} } } })],
    ["an empty map", '{"http": {"routers": {}}}'],
    ["a key that is there twice", '{"http": {"routers": {"r": {"rule": "a", "rule": "b"}}}}'],
    ["an open template", routed({ rule: "Host(`{{`)" })],
  ])("%s keeps the previous configuration", async (_, text) => {
    await write(text);
    expect(await status()).toBe(200);
    expect((await api("/api/http/routers/r@file")).status).toBe("enabled");
  });

  test("a bad file beside a good one keeps the good one's change out as well", async () => {
    await write("{", "/etc/traefik/dynamic/bad.yml");
    await write(routed({ rule: "Host(`b.test`)" }));
    expect(await status()).toBe(200);
    await mesh.remove(["/etc/traefik/dynamic/bad.yml"]);
    expect(await status()).toBe(404);
    expect((await get("/", "b.test")).status).toBe(200);
  });

  test.each(["", "# nothing\n", "{}", "http:\n", "unknown: {}\n"])(
    "%j takes every route away",
    async (text) => {
      await write(text);
      expect(await status()).toBe(404);
    },
  );

  test("files that are no YAML by their name do not count, hidden ones do", async () => {
    await write("{", "/etc/traefik/dynamic/x.json");
    await write(
      JSON.stringify({ http: { middlewares: { hidden: { headers: { frameDeny: true } } } } }),
      "/etc/traefik/dynamic/.e.yml",
    );
    expect(await status()).toBe(200);
    expect((await api("/api/http/middlewares/hidden@file")).status).toBe("enabled");
    await mesh.remove(["/etc/traefik/dynamic/x.json", "/etc/traefik/dynamic/.e.yml"]);
  });

  test("a restart with a bad file has no routes; the next good file brings them", async () => {
    await write("{");
    await mesh.expect(change("systemctl", "restart", "traefik"));
    expect(await status()).toBe(404);
    await write(routed({}));
    expect(await status()).toBe(200);
  });
});

describe("routers", () => {
  const statusOf = async () => {
    const { status: state, error = [] } = await api("/api/http/routers/r@file");
    return [state, ...error];
  };

  test.each([
    [{ service: "nosuch" }, ["disabled", 'the service "nosuch@file" does not exist']],
    [{ middlewares: ["m"] }, ["disabled", 'middleware "m@file" does not exist']],
    [
      { entryPoints: ["websecure"] },
      ["disabled", 'entryPoint "websecure" doesn\'t exist', "no valid entryPoint for this router"],
    ],
    [{ entryPoints: ["web", "websecure"] }, ["warning", 'entryPoint "websecure" doesn\'t exist']],
    [
      { rule: "Host(`a`,`b`)" },
      [
        "disabled",
        "error while parsing rule Host(`a`,`b`): unexpected number of parameters; got 2, expected one of [1]",
      ],
    ],
    [{ rule: "hOst(`a`)" }, ["disabled", "error while parsing rule hOst(`a`): unsupported function: hOst"]],
    [{ rule: "Host('a')" }, ["disabled", "error while parsing rule Host('a'): illegal character at 6"]],
    [{}, ["enabled"]],
  ])("%j are %j", async (router, expected) => {
    await write(routed(router));
    expect(await statusOf()).toEqual(expected);
  });

  test.each([
    ["Host(`a.test`) && PathPrefix(`/x`)", "/xyz", 200],
    ["Host(`a.test`) && PathPrefix(`/x`)", "/y", 404],
    ["Host(`A.test.`)", "/", 200],
    ["Host(`b.test`) || Path(`/y`)", "/y", 200],
    ["Host(`a.test`) && !Path(`/y`)", "/y", 404],
    ['!(Host("b.test") || Path(`/y`)) && Method(`GET`)', "/x", 200],
    ["HostRegexp(`^a\\.`)", "/", 200],
    ["Host(`a.test:80`)", "/", 404],
    ["Host(`a.test`) && Query(`k`, `v`)", "/?k=v", 200],
    ["Host(`a.test`) && Header(`X-None`, `v`)", "/", 404],
  ])("%s with %s: %i", async (rule, path, expected) => {
    await write(routed({ rule }));
    expect((await get(path)).status).toBe(expected);
  });

  test("the longer rule wins, and a priority wins over that", async () => {
    const two = (priority: number) =>
      JSON.stringify({
        http: {
          routers: {
            short: { rule: "Host(`a.test`)", service: "s", priority },
            long: { rule: "Host(`a.test`) && PathPrefix(`/`)", service: "noop@internal" },
          },
          services: { s: backend },
        },
      });
    await write(two(0));
    expect(await status()).toBe(418);
    await write(two(1000));
    expect(await status()).toBe(200);
  });

  test("TLS on a plain entry point is enabled, and answers nobody", async () => {
    await write(routed({ tls: {} }));
    expect(await statusOf()).toEqual(["enabled"]);
    expect(await status()).toBe(404);
  });
});

describe("services and middlewares", () => {
  test.each([
    [{ loadBalancer: { servers: [] } }, 503],
    [{ loadBalancer: { servers: [{ url: "" }] } }, 500],
    [{ loadBalancer: { servers: [{ url: "http://10.0.0.155:1" }] } }, 502],
    [{ loadBalancer: { servers: [{ url: "10.0.0.155:11434" }] } }, 404],
    [{ weighted: { services: [{ name: "ollama", weight: 1 }] } }, 200],
  ])("%j answers %i", async (service, expected) => {
    await write(routed({}, { services: { s: service, ollama: backend } }));
    expect(await status()).toBe(expected);
  });

  test("a backend with TLS is trusted by name and root, or not at all", async () => {
    const secure = (transport: object) =>
      routed(
        {},
        {
          services: {
            s: { loadBalancer: { servers: [{ url: "https://10.0.0.155:8443" }], serversTransport: "t" } },
          },
          serversTransports: { t: transport },
        },
      );
    await write(secure({ insecureSkipVerify: true }));
    expect(await status()).toBe(200);
    await write(secure({ serverName: "secure.lab.test" }));
    expect(await status()).toBe(500);
    const root = await world.host("lxc/103").expect(read("cat", "/root/.step/certs/root_ca.crt"));
    await mesh.writeFiles([{ path: "/etc/traefik/root.crt", text: root }]);
    await write(secure({ serverName: "secure.lab.test", rootCAs: ["/etc/traefik/root.crt"] }));
    expect(await status()).toBe(200);
    await write(secure({ rootCAs: ["/etc/traefik/root.crt"] }));
    expect(await status()).toBe(500);
  });

  test("a sentinel says which configuration is loaded", async () => {
    await write(
      routed(
        {
          rule: "Host(`phoenix.invalid`) && Path(`/configuration`)",
          service: "noop@internal",
          middlewares: ["cfg"],
        },
        {
          middlewares: { cfg: { headers: { customResponseHeaders: { "X-Phoenix-Configuration": "abc" } } } },
        },
      ),
    );
    expect(await get("/configuration", "phoenix.invalid")).toMatchObject({
      status: 418,
      headers: { "x-phoenix-configuration": "abc" },
    });
  });

  test("headers are set and taken away on both ways, prefixes stripped", async () => {
    const middlewares = {
      h: {
        headers: {
          customRequestHeaders: { "X-One": "1", "User-Agent": "" },
          customResponseHeaders: { "X-Two": "2" },
        },
      },
      p: { stripPrefix: { prefixes: ["/api"] } },
      c: { chain: { middlewares: ["h", "p"] } },
    };
    await write(routed({ middlewares: ["c"] }, { middlewares }));
    const answer = await get("/api/x");
    expect(answer.headers["x-two"]).toBe("2");
    expect(JSON.parse(answer.text)).toMatchObject({
      url: "/x",
      headers: { "x-one": "1", "x-forwarded-prefix": "/api" },
    });
  });

  test("X-Forwarded headers of strangers are not believed", async () => {
    const answer = await world.network.request({
      method: "GET",
      url: "http://10.0.0.12/",
      hostname: "a.test",
      headers: { "x-forwarded-proto": "https", "x-real-ip": "1.2.3.4" },
      effect: "read",
    });
    expect(JSON.parse(answer.text).headers).toMatchObject({
      "x-forwarded-proto": "http",
      "x-real-ip": "10.0.0.13",
    });
  });
});

describe("the API", () => {
  test("tells its version, its health and what it has", async () => {
    const answer = await world.network.request({
      method: "GET",
      url: "http://10.0.0.12:8080/ping",
      effect: "read",
    });
    expect(answer.text).toBe("OK");
    expect(await api("/api/version")).toMatchObject({ Version: "3.7.15" });
    expect((await api("/api/overview")).http.routers).toEqual({ total: 4, warnings: 0, errors: 0 });
    expect(Object.keys(await api("/api/rawdata"))).toEqual(["routers", "services"]);
    expect(await api("/api/http/services/s@file")).toMatchObject({
      status: "enabled",
      usedBy: ["r@file"],
      serverStatus: { "http://10.0.0.155:11434": "UP" },
    });
    expect(await api("/api/http/middlewares/cfg-0@file")).toBe(404);
  });

  test("hands out pages", async () => {
    const routers = Object.fromEntries(
      Array.from({ length: 3 }, (_, at) => [`r${at}`, { rule: `Host(\`${at}.test\`)`, service: "s" }]),
    );
    await write(JSON.stringify({ http: { routers, services: { s: backend } } }));
    const page = async (query: string) =>
      world.network.request({
        method: "GET",
        url: `http://10.0.0.12:8080/api/http/routers?${query}`,
        effect: "read",
      });
    const first = await page("per_page=2");
    expect(JSON.parse(first.text)).toHaveLength(2);
    expect(first.headers["x-next-page"]).toBe("2");
    const second = await page("per_page=2&page=2");
    expect(JSON.parse(second.text)).toHaveLength(1);
    expect(second.headers["x-next-page"]).toBe("1");
    expect((await page("per_page=2&page=3")).status).toBe(400);
  });
});
