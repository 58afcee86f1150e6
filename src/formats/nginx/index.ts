/**
 * The gateway's Nginx configuration: one file for a sites-enabled directory, valid from 1.19.4 to 1.29.
 * `listen … http2` is the one form that every one of these versions takes; from 1.25.1 on it only warns (measured).
 */
import { createHash } from "node:crypto";
import { parseNginx } from "./parse.ts";

export interface GatewaySettings {
  /** Address of the mesh, and its port. An address, because Nginx refuses to start when a name does not resolve. */
  readonly mesh: { readonly address: string; readonly port: number };
  /** As the gateway guest sees them. */
  readonly certificate: { readonly certPath: string; readonly keyPath: string };
  /** Names with the same options share a server. */
  readonly servers: readonly GatewayServer[];
}

export interface GatewayServer {
  /** Full host names, lower case. At least one. */
  readonly names: readonly string[];
  /** 0 means no limit. */
  readonly maxBodyBytes: number;
  readonly readTimeoutSeconds: number;
  readonly buffering: boolean;
}

/** Where the running configuration says which one it is: the SHA-256 of its text, in hexadecimal. */
export const configurationPath = "/.well-known/phoenix-configuration";

/** Stands in for the hash while the hash is computed. */
const hashPlaceholder = "0".repeat(64);

/** The hash in a configuration's text, as the gateway serves it. */
export function configurationHash(text: string): string | undefined {
  return /return 200 "([0-9a-f]{64})\\n";/.exec(text)?.[1];
}

export function gatewayConfig(settings: GatewaySettings): string {
  const draft = print(settings);
  return draft.replace(hashPlaceholder, createHash("sha256").update(draft).digest("hex"));
}

function print(settings: GatewaySettings): string {
  const names = settings.servers.flatMap((server) => server.names);
  return `# Written by phoenix. Changes made by hand are replaced at the next sync.

# An empty value keeps connections to the mesh open; "upgrade" lets websockets through.
map $http_upgrade $phoenix_connection {
  default upgrade;
  "" "";
}

upstream phoenix_mesh {
  server ${settings.mesh.address}:${settings.mesh.port} max_fails=0;
  keepalive 64;
}

server_names_hash_bucket_size 128;
server_names_hash_max_size 8192;

# Unknown names get nothing, by HTTP and by TLS.
server {
  listen 80 default_server;
  listen [::]:80 default_server;
  server_name _;
  location = ${configurationPath} {
    access_log off;
    default_type text/plain;
    return 200 "${hashPlaceholder}\\n";
  }
  location / {
    return 444;
  }
}

server {
  listen 443 ssl http2 default_server;
  listen [::]:443 ssl http2 default_server;
  server_name _;
  ssl_reject_handshake on;
  # A known name in the handshake and an unknown one in the request ends here too.
  return 444;
}
${names.length === 0 ? "" : `\n${redirectServer(names)}`}${settings.servers.map((server) => `\n${tlsServer(server, settings)}`).join("")}`;
}

function redirectServer(names: readonly string[]): string {
  return `server {
  listen 80;
  listen [::]:80;
  server_name${nameList(names)};
  location ^~ /.well-known/acme-challenge/ {
    root /var/www/html;
  }
  location / {
    return 308 https://$host$request_uri;
  }
}
`;
}

function tlsServer(server: GatewayServer, { certificate }: GatewaySettings): string {
  return `server {
  listen 443 ssl http2;
  listen [::]:443 ssl http2;
  server_name${nameList(server.names)};
  ssl_certificate ${quoted(certificate.certPath)};
  ssl_certificate_key ${quoted(certificate.keyPath)};
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_prefer_server_ciphers off;
  ssl_session_timeout 1d;
  ssl_session_cache shared:phoenix:10m;
  ssl_session_tickets off;
  client_max_body_size ${server.maxBodyBytes};
  proxy_request_buffering off;
  proxy_buffering ${server.buffering ? "on" : "off"};
  location / {
    proxy_pass http://phoenix_mesh;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Port $server_port;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $phoenix_connection;
    proxy_connect_timeout 5s;
    proxy_read_timeout ${server.readTimeoutSeconds}s;
    proxy_send_timeout ${server.readTimeoutSeconds}s;
  }
}
`;
}

/** One name a line: a difference shows the name, not the list. */
function nameList(names: readonly string[]): string {
  return names.map((name) => `\n    ${name}`).join("");
}

function quoted(path: string): string {
  return /^[\w./@%+,-]+$/.test(path) ? path : `"${path.replace(/[\\"]/g, "\\$&")}"`;
}

/** "50 GB" of "53687091200", in units of 1024 as Nginx counts them; a number that no unit fits stays bytes. */
function sizeWords(bytes: string): string {
  const units = ["bytes", "kB", "MB", "GB"];
  let [n, at] = [Number(bytes), 0];
  while (n > 0 && n % 1024 === 0 && at < units.length - 1) [n, at] = [n / 1024, at + 1];
  return Number.isFinite(n) ? `${n} ${units[at]}` : bytes;
}

/** "5 min" of "300s". */
function timeWords(time: string): string {
  const seconds = Number(/^(\d+)s$/.exec(time)?.[1]);
  if (!(seconds >= 60) || seconds % 60 !== 0) return time.replace(/^(\d+)s$/, "$1 s");
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds / 60} min`;
}

/** What a gateway file says, in a user's terms: each name with its treatment, the mesh, the certificate. */
export function gatewayUnits(text: string): Readonly<Record<string, string>> {
  const units: Record<string, string> = {};
  for (const directive of parseNginx(text)) {
    if (directive.name === "upstream") {
      units.mesh = directive.block?.find(({ name }) => name === "server")?.args[0] ?? "";
    }
    if (directive.name !== "server" || directive.block === undefined) continue;
    const first = (name: string): string =>
      directive.block?.find((inner) => inner.name === name)?.args.join(" ") ?? "";
    if (first("ssl_certificate") === "") continue;
    units.certificate = first("ssl_certificate");
    const location = directive.block.find(({ name }) => name === "location")?.block ?? [];
    const timeout = location.find(({ name }) => name === "proxy_read_timeout")?.args[0] ?? "";
    const body = first("client_max_body_size");
    const treatment = [
      `idle timeout ${timeWords(timeout)}`,
      body === "0" ? "no upload limit" : `uploads up to ${sizeWords(body)}`,
      first("proxy_buffering") === "on" ? "buffered" : "unbuffered",
    ].join(" · ");
    for (const name of first("server_name").split(" ")) units[name] = treatment;
  }
  return units;
}
