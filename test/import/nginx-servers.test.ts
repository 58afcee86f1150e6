import { describe, expect, test } from "vitest";
import { expandIncludes } from "../../src/formats/nginx/includes.ts";
import { foundServers } from "../../src/import/nginx/servers.ts";

const main = "/etc/nginx/nginx.conf";

/** The servers of files by their paths; nginx.conf includes conf.d. */
function read(files: Readonly<Record<string, string>>) {
  const texts = new Map(Object.entries({ [main]: "http { include /etc/nginx/conf.d/*.conf; }\n", ...files }));
  return foundServers("lxc/101", expandIncludes(texts, main), () => false);
}

/** The one server of a text in conf.d. */
function only(text: string, more: Readonly<Record<string, string>> = {}) {
  const { servers } = read({ "/etc/nginx/conf.d/site.conf": text, ...more });
  const [server, ...others] = servers;
  if (server === undefined || others.length > 0)
    throw new Error(`expected one server, got ${servers.length}`);
  return server;
}

const mainTarget = (text: string, more = {}) =>
  only(text, more).locations.find(({ path }) => path === "/")?.target;

describe("where a server leads", () => {
  test("to an address", () => {
    expect(
      mainTarget("server { server_name a.lan; location / { proxy_pass http://10.0.0.5:8096; } }"),
    ).toEqual({
      kind: "proxy",
      scheme: "http",
      servers: [{ host: "10.0.0.5", port: 8096 }],
      path: "",
    });
  });

  test("through the variables that Nginx Proxy Manager sets, with its shared proxy.conf", () => {
    const server = only(
      `server {
  set $forward_scheme https;
  set $server "10.0.0.6";
  set $port 8006;
  listen 443 ssl; http2 on;
  server_name pve.lan;
  ssl_certificate /etc/letsencrypt/live/npm-3/fullchain.pem;
  ssl_certificate_key /etc/letsencrypt/live/npm-3/privkey.pem;
  location / { include conf.d/include/proxy.conf; }
  include /data/nginx/custom/server_proxy[.]conf;
}`,
      {
        "/etc/nginx/conf.d/include/proxy.conf":
          "proxy_set_header Host $host;\nproxy_pass $forward_scheme://$server:$port$request_uri;\n",
      },
    );
    expect(server.locations).toEqual([
      {
        path: "/",
        target: { kind: "proxy", scheme: "https", servers: [{ host: "10.0.0.6", port: 8006 }], path: "" },
        source: { host: "lxc/101", path: "/etc/nginx/conf.d/site.conf", line: 9 },
      },
    ]);
    expect(server.certificate?.certPath).toBe("/etc/letsencrypt/live/npm-3/fullchain.pem");
    expect(server.treatments).toEqual([]);
  });

  test("through an upstream, without the servers that are down", () => {
    const text = `upstream app { server 10.0.0.5:3000; server 10.0.0.6:3000 down; server [fd00::7]:3000 backup; keepalive 8; }
server { server_name a.lan; location / { proxy_pass http://app/; } }`;
    expect(mainTarget(text)).toMatchObject({
      servers: [
        { host: "10.0.0.5", port: 3000 },
        { host: "fd00::7", port: 3000 },
      ],
      path: "/",
    });
  });

  test("through a map of host names, for each name by itself", () => {
    const text = `map $host $backend { default 10.0.0.1:80; a.lan 10.0.0.2:8080; }
server { server_name a.lan b.lan; location / { proxy_pass http://$backend; } }`;
    const { servers } = read({ "/etc/nginx/conf.d/site.conf": text });
    expect(servers.map(({ name, locations: [location] }) => [name, location?.target])).toMatchObject([
      ["a.lan", { servers: [{ host: "10.0.0.2", port: 8080 }] }],
      ["b.lan", { servers: [{ host: "10.0.0.1", port: 80 }] }],
    ]);
  });

  test.each([
    ["a variable of the request", "proxy_pass http://$cookie_backend;", "which depends on $cookie_backend"],
    [
      "a variable that a condition sets",
      "set $b 10.0.0.1; if ($arg_x) { set $b 10.0.0.2; } proxy_pass http://$b;",
      "depends on $b",
    ],
    ["the scheme of the request", "proxy_pass $scheme://10.0.0.5:80;", "depends on $scheme"],
    ["a socket", "proxy_pass http://unix:/run/app.sock;", "socket"],
    ["FastCGI", "fastcgi_pass unix:/run/php.sock;", "FastCGI"],
    ["files", "root /srv/www; try_files $uri =404;", "files of /srv/www"],
    ["a variable that names itself", "set $a $b; set $b $a; proxy_pass http://$a;", "depends on $a"],
  ])("not guessed: %s", (_, directives, words) => {
    const target = mainTarget(`server { server_name a.lan; location / { ${directives} } }`);
    expect(target).toMatchObject({ kind: "other" });
    expect(target?.kind === "other" && target.what).toContain(words);
  });

  test("to another name, or nowhere", () => {
    expect(mainTarget("server { server_name a.lan; return 301 https://$host$request_uri; }")).toMatchObject({
      kind: "redirect",
      to: "https://$host$request_uri",
    });
    expect(mainTarget("server { listen 80 default_server; return 444; }")).toMatchObject({ kind: "refusal" });
    expect(mainTarget("server { location / { deny all; } }")).toMatchObject({ kind: "refusal" });
  });
});

describe("what keeps requests out is never lost", () => {
  const inLocation = (directive: string): string =>
    `server { server_name a.lan; location / { ${directive} proxy_pass http://10.0.0.5; } }`;

  test.each([
    ["auth_basic", inLocation('auth_basic "x"; auth_basic_user_file /x;')],
    ["auth_request", inLocation("auth_request /auth;")],
    ["deny all", inLocation("allow 10.0.0.0/8; deny all;")],
    ["limit_req", inLocation("limit_req zone=one burst=5;")],
    ["ssl_verify_client on", "server { ssl_verify_client on; location / { proxy_pass http://10.0.0.5; } }"],
    [
      "ssl_verify_client optional",
      "ssl_verify_client optional; server { location / { proxy_pass http://10.0.0.5; } }",
    ],
    ["if … return", inLocation('if ($http_x_token != "s3cret") { return 403; }')],
    [
      "auth_basic",
      'server { location / { proxy_pass http://10.0.0.5; } location /admin { auth_basic "x"; proxy_pass http://10.0.0.5; } }',
    ],
    ["limit_except", inLocation("limit_except GET { deny all; }")],
    [
      "access_by_lua_block",
      "server { access_by_lua_block { ngx.exit(403); } location / { proxy_pass http://10.0.0.5; } }",
    ],
  ])("%s", (what, text) => {
    const found = only(text).protections.map((each) => each.what);
    expect(found).toContain(what);
    expect(JSON.stringify(found)).not.toContain("s3cret");
  });

  test("but what is switched off, or only checks the host, keeps nobody out", () => {
    const text = `server { auth_basic off; if ($host != $server_name) { return 421; } location / { proxy_pass http://10.0.0.5; } }`;
    expect(only(text).protections).toEqual([]);
  });

  test("Nginx Proxy Manager's filter of exploits is told apart: every host may have it", () => {
    const server = only(
      "server { server_name a.lan; include conf.d/include/block-exploits.conf; location / { proxy_pass http://10.0.0.5; } }",
      {
        "/etc/nginx/conf.d/include/block-exploits.conf":
          'set $block_sql_injections 0;\nif ($query_string ~ "union.*select.*\\(") {\n  set $block_sql_injections 1;\n}\nif ($block_sql_injections = 1) {\n  return 403;\n}\n',
      },
    );
    expect(server.protections).toEqual([]);
    expect(server.treatments.map(({ source }) => source.path)).toEqual([
      "/etc/nginx/conf.d/include/block-exploits.conf",
    ]);
  });
});

describe("odd texts", () => {
  test("IPv6 and sockets in listen, names with a dot, wildcards and expressions", () => {
    const { servers } = read({
      "/etc/nginx/conf.d/site.conf":
        "server { listen [::]:8443 ssl default_server; listen unix:/run/x; server_name .A.lan *.b.lan ~^c\\d+\\.lan$ _; location / { proxy_pass http://[fd00::1]:80; } }",
    });
    expect(servers.map(({ name }) => name)).toEqual(["a.lan", "*.a.lan", "*.b.lan", "~^c\\d+\\.lan$", ""]);
    expect(servers[0]?.listens).toEqual([{ port: 8443, isTls: true, isDefault: true }]);
  });

  test("a missing include, a file that is not Nginx's, and streams are told with their places", () => {
    const { left } = read({
      "/etc/nginx/conf.d/a.conf":
        "server { include /etc/nginx/gone.conf; location / { proxy_pass http://10.0.0.5; } }",
      "/etc/nginx/conf.d/b.conf": "server {\n  listen 80;\n",
      [main]:
        "http { include conf.d/*.conf; }\nstream { server { listen 5432; proxy_pass 10.0.0.9:5432; } }\n",
    });
    expect(left.map(({ source, what }) => `${source.path}:${source.line} ${what}`)).toEqual([
      "/etc/nginx/conf.d/a.conf:1 include /etc/nginx/gone.conf",
      "/etc/nginx/conf.d/b.conf:3 the servers of /etc/nginx/conf.d/b.conf",
      "/etc/nginx/nginx.conf:2 stream server 5432 to 10.0.0.9:5432",
    ]);
  });

  test("files that include each other end", () => {
    const { servers } = read({
      "/etc/nginx/conf.d/a.conf": "include conf.d/a.conf; server { server_name a.lan; return 444; }",
    });
    expect(new Set(servers.map(({ name }) => name))).toEqual(new Set(["a.lan"]));
  });

  test("times and sizes in all notations, from the innermost level", () => {
    const text = `client_max_body_size 1m;
server { client_max_body_size 2G; proxy_read_timeout 1h30m; proxy_buffering off; location / { proxy_read_timeout 90; proxy_pass http://10.0.0.5; } }`;
    expect(only(text).options).toEqual({
      maxBodyBytes: 2 * 1024 ** 3,
      readTimeoutSeconds: 90,
      buffering: false,
    });
  });
});
