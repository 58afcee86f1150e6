import { describe, expect, test } from "vitest";
import { configurationHash, gatewayConfig, gatewayUnits } from "../../src/formats/nginx/index.ts";
import { NginxSyntaxError, parseNginx } from "../../src/formats/nginx/parse.ts";

const settings = {
  mesh: { address: "192.0.2.12", port: 80 },
  certificate: { certPath: "/etc/nginx/ssl/gateway.crt", keyPath: "/etc/nginx/ssl/gateway.key" },
  servers: [
    {
      names: ["chat.example.net", "wiki.example.net"],
      maxBodyBytes: 0,
      readTimeoutSeconds: 3600,
      buffering: false,
    },
    { names: ["files.example.net"], maxBodyBytes: 1_048_576, readTimeoutSeconds: 60, buffering: true },
  ],
};

describe("the gateway's file", () => {
  const text = gatewayConfig(settings);
  const servers = parseNginx(text).filter(({ name }) => name === "server");

  test("is the same for the same settings, and says which one it is", () => {
    expect(gatewayConfig(settings)).toBe(text);
    expect(configurationHash(text)).toMatch(/^[0-9a-f]{64}$/);
    const other = gatewayConfig({ ...settings, mesh: { address: "192.0.2.13", port: 80 } });
    expect(configurationHash(other)).not.toBe(configurationHash(text));
  });

  test("D23: owns both default servers, so that a placeholder site cannot win", () => {
    const defaults = servers
      .flatMap(({ block }) => block ?? [])
      .filter(({ name, args }) => name === "listen" && args.includes("default_server"));
    expect(defaults.map(({ args }) => args[0])).toEqual(["80", "[::]:80", "443", "[::]:443"]);
  });

  test("D24: every name gets TLS and a redirect", () => {
    for (const name of ["chat.example.net", "wiki.example.net", "files.example.net"]) {
      const serving = servers.filter(({ block }) =>
        block?.some((inner) => inner.name === "server_name" && inner.args.includes(name)),
      );
      expect(serving).toHaveLength(2);
    }
  });

  test("D25: passes websockets, streams and uploads; limits are per service", () => {
    expect(text).toContain("proxy_set_header Upgrade $http_upgrade;");
    expect(text).toContain("proxy_set_header Connection $phoenix_connection;");
    expect(gatewayUnits(text)).toEqual({
      mesh: "192.0.2.12:80",
      certificate: "/etc/nginx/ssl/gateway.crt",
      "chat.example.net": "idle timeout 1 h · no upload limit · unbuffered",
      "wiki.example.net": "idle timeout 1 h · no upload limit · unbuffered",
      "files.example.net": "idle timeout 1 min · uploads up to 1 MB · buffered",
    });
  });

  test("without any name it turns everything away and still is a configuration", () => {
    const empty = gatewayConfig({ ...settings, servers: [] });
    expect(parseNginx(empty).filter(({ name }) => name === "server")).toHaveLength(2);
  });

  test("a path with blanks or variables is quoted", () => {
    const odd = gatewayConfig({ ...settings, certificate: { certPath: '/a b/"$c.crt', keyPath: "/k" } });
    expect(gatewayUnits(odd).certificate).toBe('/a b/"$c.crt');
  });
});

describe("parsing", () => {
  test.each([
    ['a b \'c d\' "e\\"f";', [{ name: "a", args: ["b", "c d", 'e"f'], line: 1, lastLine: 1 }]],
    [
      '# no\n\nif ($host ~ "^a{2};") { return 1; }',
      [
        {
          name: "if",
          args: ["($host", "~", "^a{2};", ")"],
          line: 3,
          lastLine: 3,
          block: [{ name: "return", args: ["1"], line: 3, lastLine: 3 }],
        },
      ],
    ],
    ["x ${y}z;", [{ name: "x", args: ["${y}z"], line: 1, lastLine: 1 }]],
  ])("%s", (text, expected) => {
    expect(parseNginx(text)).toEqual(expected);
  });

  test.each([
    ["server {", 'unexpected end of file, expecting "}"', 1],
    ["a;\n}", 'unexpected "}"', 2],
    ["a", 'unexpected end of file, expecting ";" or "}"', 1],
    ["\n;", 'unexpected ";"', 2],
  ])("%j is refused", (text, message, line) => {
    expect(() => parseNginx(text)).toThrow(NginxSyntaxError);
    expect(() => parseNginx(text)).toThrow(message);
    try {
      parseNginx(text);
    } catch (error) {
      expect((error as NginxSyntaxError).line).toBe(line);
    }
  });
});
