/** The lab's gateway serves what it has loaded, by name and by TLS, and complains as Nginx 1.22 does (measured). */
import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { selfSigned } from "../../lab/self-signed.ts";
import { gatewayConfig } from "../../src/formats/nginx/index.ts";
import { change, newLab, opened, read } from "./open.ts";

const world = await opened(await newLab());
const gateway = world.host("lxc/101");
const mesh = world.host("lxc/102");
const names = ["chat.lab.test", "ollama.lab.test"];
const configuration = gatewayConfig({
  mesh: { address: "10.0.0.12", port: 80 },
  certificate: { certPath: "/etc/nginx/ssl/nginx.crt", keyPath: "/etc/nginx/ssl/nginx.key" },
  servers: [{ names, maxBodyBytes: 1000, readTimeoutSeconds: 60, buffering: false }],
});
const get = (url: string, hostname?: string, ca?: string) =>
  world.network.request({
    method: "GET",
    url,
    effect: "read",
    ...(hostname === undefined ? {} : { hostname }),
    ...(ca === undefined ? {} : { ca }),
  });
const reload = () => gateway.run(change("systemctl", "reload", "nginx.service"));
const install = async (text: string) => {
  await gateway.writeFiles([{ path: "/etc/nginx/sites-available/gateway", text }]);
  await gateway.expect(
    change("ln", "-sfn", "/etc/nginx/sites-available/gateway", "/etc/nginx/sites-enabled/gateway"),
  );
  await gateway.remove(["/etc/nginx/sites-enabled/default"]);
};

describe("a gateway", () => {
  let pair: { cert: string; key: string };
  beforeAll(async () => {
    pair = await selfSigned(names);
    await gateway.writeFiles([
      { path: "/etc/nginx/ssl/nginx.crt", text: pair.cert, mode: "640" },
      { path: "/etc/nginx/ssl/nginx.key", text: pair.key, mode: "640" },
    ]);
    await mesh.writeFiles([
      {
        path: "/etc/traefik/dynamic/dynamic_conf.yml",
        text: JSON.stringify({
          http: {
            routers: { ollama: { rule: "Host(`ollama.lab.test`)", entryPoints: ["web"], service: "ollama" } },
            services: { ollama: { loadBalancer: { servers: [{ url: "http://10.0.0.155:11434" }] } } },
          },
        }),
      },
    ]);
  });

  test("welcomes until it is configured, and serves the new configuration only after its reload", async () => {
    expect((await get("http://10.0.0.153/")).text).toContain("Welcome to nginx!");
    await install(configuration);
    expect((await get("http://10.0.0.153/")).text).toContain("Welcome to nginx!");
    expect(await reload()).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    await expect(get("http://10.0.0.153/")).rejects.toThrow("closed by the other side");
    const hash = await get("http://10.0.0.153/.well-known/phoenix-configuration");
    expect(hash).toMatchObject({ status: 200, text: /[0-9a-f]{64}/.exec(configuration)?.[0].concat("\n") });
  });

  test("leads names from HTTP to HTTPS", async () => {
    expect(await get("http://10.0.0.153/a?b=c", "chat.lab.test")).toMatchObject({
      status: 308,
      headers: { location: "https://chat.lab.test/a?b=c" },
    });
  });

  test("serves its certificate to the names it has, and an alert to all others", async () => {
    const seen = await world.network.handshake("10.0.0.153", 443, {
      servername: "chat.lab.test",
      ca: pair.cert,
    });
    expect(seen).toMatchObject({
      ok: true,
      trusted: true,
      serial: new X509Certificate(pair.cert).serialNumber,
    });
    const unknown = await world.network.handshake("10.0.0.153", 443, { servername: "other.lab.test" });
    expect(unknown).toMatchObject({ ok: false, reason: expect.stringContaining("unrecognized name") });
    expect(await world.network.handshake("10.0.0.153", 443, { servername: "10.0.0.153" })).toMatchObject({
      ok: false,
    });
  });

  test("passes requests to the mesh, which passes them to the service, and says who asked", async () => {
    const answer = await get("https://10.0.0.153/api/tags?x=1", "ollama.lab.test", pair.cert);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({
      name: "ollama",
      host: "lxc/104",
      url: "/api/tags?x=1",
      headers: {
        host: "ollama.lab.test",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "ollama.lab.test",
        "x-forwarded-port": "443",
        "x-forwarded-for": "10.0.0.13, 10.0.0.153",
        "x-real-ip": "10.0.0.13",
      },
    });
  });

  test("answers with the mesh's 404 for a name that has no router", async () => {
    expect(await get("https://10.0.0.153/", "chat.lab.test", pair.cert)).toMatchObject({
      status: 404,
      text: "404 page not found\n",
    });
  });

  test("refuses bodies that are too large", async () => {
    const answer = await world.network.request({
      method: "POST",
      url: "https://10.0.0.153/",
      hostname: "chat.lab.test",
      ca: pair.cert,
      body: "x".repeat(1001),
      effect: "change",
    });
    expect(answer.status).toBe(413);
  });

  test("keeps the old certificate until its reload, and the old configuration when the new one is bad", async () => {
    const renewed = await selfSigned([...names, "new.lab.test"]);
    await gateway.writeFiles([
      { path: "/etc/nginx/ssl/nginx.crt", text: renewed.cert, mode: "640" },
      { path: "/etc/nginx/ssl/nginx.key", text: renewed.key, mode: "640" },
    ]);
    const serial = async () => {
      const seen = await world.network.handshake("10.0.0.153", 443, { servername: "chat.lab.test" });
      return seen.ok ? seen.serial : seen.reason;
    };
    expect(await serial()).toBe(new X509Certificate(pair.cert).serialNumber);
    await install("server { nonsense }");
    expect(await reload()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("Job for nginx.service failed"),
    });
    expect(await serial()).toBe(new X509Certificate(pair.cert).serialNumber);
    await install(configuration);
    await gateway.expect(change("nginx", "-s", "reload"));
    expect(await serial()).toBe(new X509Certificate(renewed.cert).serialNumber);
  });

  test("answers 502 when the mesh is down", async () => {
    await mesh.expect(change("systemctl", "stop", "traefik"));
    expect(
      (await get("https://10.0.0.153/", "chat.lab.test", (await selfSigned([...names, "new.lab.test"])).cert))
        .status,
    ).toBe(502);
    await mesh.expect(change("systemctl", "start", "traefik"));
  });

  test("refuses connections when it is stopped", async () => {
    await gateway.expect(change("systemctl", "stop", "nginx"));
    expect(await world.network.connect("10.0.0.153", 443)).toEqual({ ok: false, reason: "refused" });
    await gateway.expect(change("systemctl", "start", "nginx"));
    expect(await world.network.connect("10.0.0.153", 443)).toEqual({ ok: true });
  });
});

describe("nginx -t", async () => {
  const host = (await opened(await newLab())).host("lxc/101");
  const [{ cert, key }, other] = await Promise.all([selfSigned(["a"]), selfSigned(["b"])]);
  await host.writeFiles([
    { path: "/etc/ssl/c.pem", text: cert },
    { path: "/etc/ssl/k.pem", text: key },
    { path: "/etc/ssl/k2.pem", text: other.key },
    { path: "/etc/ssl/bad.pem", text: "garbage\n" },
  ]);
  const tls = (certificate: string, privateKey: string) =>
    `server { listen 8443 ssl; server_name a; ssl_certificate ${certificate}; ssl_certificate_key ${privateKey}; }`;
  const site = "/etc/nginx/sites-enabled/x";

  test.each([
    [
      "server { listen 8081; server_name a; } server { listen 8081; server_name a; }",
      0,
      '[warn] conflicting server name "a" on 0.0.0.0:8081, ignored',
    ],
    [
      "server { listen 8081 default_server; } server { listen 8081 default_server; }",
      1,
      `[emerg] a duplicate default server for 0.0.0.0:8081 in ${site}:1`,
    ],
    [
      tls("/etc/ssl/none.pem", "/etc/ssl/k.pem"),
      1,
      '[emerg] cannot load certificate "/etc/ssl/none.pem": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(/etc/ssl/none.pem, r) error:10000080:BIO routines::no such file)',
    ],
    [
      tls("/etc/ssl/bad.pem", "/etc/ssl/k.pem"),
      1,
      '[emerg] cannot load certificate "/etc/ssl/bad.pem": PEM_read_bio_X509_AUX() failed',
    ],
    [
      tls("/etc/ssl/c.pem", "/etc/ssl/none.pem"),
      1,
      '[emerg] cannot load certificate key "/etc/ssl/none.pem"',
    ],
    [
      tls("/etc/ssl/c.pem", "/etc/ssl/k2.pem"),
      1,
      '[emerg] SSL_CTX_use_PrivateKey("/etc/ssl/k2.pem") failed (SSL: error:05800074:x509 certificate routines::key values mismatch)',
    ],
    [tls("/etc/ssl/c.pem", "/etc/ssl/k.pem"), 0, ""],
    [
      "server { listen 8443 ssl; server_name a; }",
      1,
      `[emerg] no "ssl_certificate" is defined for the "listen ... ssl" directive in ${site}:1`,
    ],
    ["server { listen 8080; foo bar; }", 1, `[emerg] unknown directive "foo" in ${site}:1`],
    ["server { listen 8080; return 200 $nosuch; }", 1, '[emerg] unknown "nosuch" variable'],
    [
      "server { listen 8080; location / { proxy_pass http://nosuch.invalid; } }",
      1,
      `[emerg] host not found in upstream "nosuch.invalid" in ${site}:1`,
    ],
    [
      "server { listen 8080; location / { proxy_pass http://10.0.0.1 } }",
      1,
      `[emerg] unexpected "}" in ${site}:1`,
    ],
    ["server {\n listen 8080;\n", 1, `[emerg] unexpected end of file, expecting "}" in ${site}:3`],
    [
      "include /etc/nginx/nope.conf;",
      1,
      `[emerg] open() "/etc/nginx/nope.conf" failed (2: No such file or directory) in ${site}:1`,
    ],
    ["include /etc/nginx/nope*.conf;", 0, ""],
    ["server { listen 80800; }", 1, `[emerg] invalid port in "80800" of the "listen" directive in ${site}:1`],
    ["server { listen 8080; listen 8080; }", 1, `[emerg] a duplicate listen 0.0.0.0:8080 in ${site}:1`],
    [
      "server { listen 8080; location / { return 200 a; } location / { return 200 b; } }",
      1,
      `[emerg] duplicate location "/" in ${site}:1`,
    ],
    [
      "server { listen 8080; proxy_http_version 1.1 1.2; }",
      1,
      `[emerg] invalid number of arguments in "proxy_http_version" directive in ${site}:1`,
    ],
    [
      "upstream a { server 1.1.1.1:80; } upstream a { server 1.1.1.1:80; }",
      1,
      `[emerg] duplicate upstream "a" in ${site}:1`,
    ],
    ["upstream a { }", 1, `[emerg] no servers are inside upstream in ${site}:1`],
    [
      "server { listen 8080; keepalive 3; }",
      1,
      `[emerg] "keepalive" directive is not allowed here in ${site}:1`,
    ],
    [
      "server { listen 8080 http2; }",
      0,
      `[warn] the "listen ... http2" directive is deprecated, use the "http2" directive instead in ${site}:1`,
    ],
  ])("%s", async (text, exitCode, says) => {
    await host.writeFiles([{ path: site, text }]);
    const result = await host.run(read("nginx", "-t"));
    expect(result).toMatchObject({ exitCode, stdout: "" });
    if (says === "") expect(result.stderr).toMatch(/^nginx: the configuration file/);
    else expect(result.stderr).toContain(`nginx: ${says}`);
    const verdict = exitCode === 0 ? "test is successful" : "test failed";
    expect(result.stderr).toContain(`nginx: configuration file /etc/nginx/nginx.conf ${verdict}\n`);
  });
});
