/** What a loaded Nginx configuration does with a request. Pure: decisions only, no sockets. */
import { listensOf, type NginxDirective, named, serverNames } from "./config.ts";
import type { LoadedNginx } from "./load.ts";

export interface NginxRequest {
  readonly port: number;
  readonly secure: boolean;
  /** The name of the handshake; "" when there was none. */
  readonly serverName: string;
  readonly method: string;
  /** With the query. */
  readonly uri: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly clientAddress: string;
}

export type NginxAction =
  | { readonly kind: "close" }
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly text: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "proxy";
      readonly address: string;
      readonly port: number;
      readonly secure: boolean;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: "file"; readonly root: string; readonly path: string };

/** The server block for a name on a port: exact name, wildcard, then the port's default. */
export function nginxServer(loaded: LoadedNginx, port: number, name: string): NginxDirective | undefined {
  const servers = named(loaded.http, "server").filter((server) =>
    listensOf(server).some((listen) => listen.port === port),
  );
  const wanted = name.toLowerCase();
  const byName = (matches: (pattern: string) => boolean): NginxDirective | undefined =>
    servers.find((server) => serverNames(server).some(matches));
  return (
    byName((pattern) => pattern === wanted && wanted !== "_") ??
    byName((pattern) => pattern.startsWith("*.") && wanted.endsWith(pattern.slice(1))) ??
    byName((pattern) => pattern.startsWith("~") && regexOf(pattern.slice(1)).test(wanted)) ??
    servers.find((server) => listensOf(server).some((listen) => listen.port === port && listen.isDefault)) ??
    servers[0]
  );
}

/** Whether somebody listens on the port, and whether by TLS. */
export function nginxListener(loaded: LoadedNginx, port: number): { readonly secure: boolean } | undefined {
  const listens = named(loaded.http, "server").flatMap((server) =>
    listensOf(server).filter((listen) => listen.port === port),
  );
  return listens.length === 0 ? undefined : { secure: listens.some(({ ssl }) => ssl) };
}

export function nginxAction(loaded: LoadedNginx, request: NginxRequest): NginxAction {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
  const server = nginxServer(loaded, request.port, host);
  if (server === undefined) return { kind: "close" };
  const variables = variablesOf(loaded, server, request, host);
  const path = request.uri.split("?", 1)[0] ?? "/";
  const own = returned(server.block ?? [], variables) ?? conditional(server.block ?? [], variables);
  if (own !== undefined) return own;
  const location = locationFor(server, path);
  const blocks = [location?.block ?? [], server.block ?? [], loaded.http];
  const limit = sizeOf(inherited(blocks, "client_max_body_size")?.args[0] ?? "1m");
  if (limit > 0 && Number(request.headers["content-length"] ?? 0) > limit)
    return page(413, "Request Entity Too Large");
  const inner = returned(location?.block ?? [], variables) ?? conditional(location?.block ?? [], variables);
  if (inner !== undefined) return inner;
  const pass = named(location?.block, "proxy_pass")[0];
  if (pass !== undefined) return proxied(loaded, pass, blocks, variables, request);
  const root = inherited(blocks, "root")?.args[0];
  return { kind: "file", root: root ?? "/usr/share/nginx/html", path };
}

/** A page as Nginx makes it. */
export function page(status: number, reason: string): NginxAction {
  const text = `<html>\r\n<head><title>${status} ${reason}</title></head>\r\n<body>\r\n<center><h1>${status} ${reason}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
  return { kind: "answer", status, text, headers: { "content-type": "text/html" } };
}

type Variables = (name: string) => string;

function returned(block: readonly NginxDirective[], variables: Variables): NginxAction | undefined {
  const directive = named(block, "return")[0];
  if (directive === undefined) return undefined;
  const [first = "", second] = directive.args;
  const status = /^\d+$/.test(first) ? Number(first) : 302;
  const text = substituted(/^\d+$/.test(first) ? (second ?? "") : first, variables);
  if (status === 444) return { kind: "close" };
  if (second === undefined && status === 421) return page(421, "Misdirected Request");
  if (status >= 300 && status < 400) {
    const found = page(
      status,
      { 301: "Moved Permanently", 302: "Found", 308: "Permanent Redirect" }[status] ?? "Redirect",
    );
    return found.kind === "answer" ? { ...found, headers: { ...found.headers, location: text } } : found;
  }
  const type = named(block, "default_type")[0]?.args[0] ?? "text/plain";
  return { kind: "answer", status, text, headers: { "content-type": type } };
}

/** `if ($a != $b) { return … }`: the one use of `if` that is safe everywhere. */
function conditional(block: readonly NginxDirective[], variables: Variables): NginxAction | undefined {
  for (const { args, block: inner } of named(block, "if")) {
    const [left = "", operator = "", right = ""] = args
      .join(" ")
      .replace(/^\(|\)$/g, "")
      .trim()
      .split(/\s+/);
    const [a, b] = [substituted(left, variables), substituted(right, variables)];
    const holds =
      operator === "=" ? a === b : operator === "!=" ? a !== b : operator === "" && a !== "" && a !== "0";
    const action = holds ? returned(inner ?? [], variables) : undefined;
    if (action !== undefined) return action;
  }
  return undefined;
}

/** Exact, then the longest prefix unless a regular expression comes before it. */
function locationFor(server: NginxDirective, path: string): NginxDirective | undefined {
  const locations = named(server.block, "location");
  const modified = (modifier: string): readonly NginxDirective[] =>
    locations.filter(({ args }) => args.length === 2 && args[0] === modifier);
  const exact = modified("=").find(({ args }) => args[1] === path);
  if (exact !== undefined) return exact;
  const prefixes = [...locations.filter(({ args }) => args.length === 1), ...modified("^~")].filter(
    ({ args }) => path.startsWith(args.at(-1) ?? ""),
  );
  const [best] = prefixes.sort((a, b) => (b.args.at(-1) ?? "").length - (a.args.at(-1) ?? "").length);
  if (best?.args[0] === "^~") return best;
  const pattern = [...modified("~"), ...modified("~*")].find(({ args }) =>
    regexOf(args[1] ?? "", args[0] === "~*").test(path),
  );
  return pattern ?? best;
}

function proxied(
  loaded: LoadedNginx,
  pass: NginxDirective,
  blocks: readonly (readonly NginxDirective[])[],
  variables: Variables,
  request: NginxRequest,
): NginxAction {
  const url = substituted(pass.args[0] ?? "", variables);
  const [, scheme = "http", where = "", path = ""] = /^(https?):\/\/([^/]+)(\/.*)?$/.exec(url) ?? [];
  const upstream = named(loaded.http, "upstream").find(({ args }) => args[0] === where);
  const target = named(upstream?.block, "server")[0]?.args[0] ?? where;
  const [address = "", port] = target.split(":");
  // proxy_set_header counts from the innermost level that has one; the others are lost.
  const level = blocks.find((block) => named(block, "proxy_set_header").length > 0) ?? [];
  const headers: Record<string, string> = { ...request.headers, host: where };
  for (const { args } of named(level, "proxy_set_header")) {
    const [name = "", value = ""] = args;
    const text = substituted(value, variables);
    if (text === "") delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = text;
  }
  return {
    kind: "proxy",
    address,
    port: Number(port ?? (scheme === "https" ? 443 : 80)),
    secure: scheme === "https",
    path: path === "" ? request.uri : path + request.uri.slice(1),
    headers,
  };
}

function inherited(blocks: readonly (readonly NginxDirective[])[], name: string): NginxDirective | undefined {
  for (const block of blocks) {
    const [found] = named(block, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function variablesOf(
  loaded: LoadedNginx,
  server: NginxDirective,
  request: NginxRequest,
  host: string,
): Variables {
  const { headers, uri, port, secure, serverName, method, clientAddress } = request;
  const [path = "", query = ""] = uri.split(/\?(.*)/s, 2);
  const known: Readonly<Record<string, string>> = {
    host: host || (serverNames(server)[0] ?? ""),
    remote_addr: clientAddress,
    scheme: secure ? "https" : "http",
    https: secure ? "on" : "",
    request_uri: uri,
    uri: path,
    document_uri: path,
    args: query,
    query_string: query,
    is_args: query === "" ? "" : "?",
    request_method: method,
    server_port: String(port),
    server_name: serverNames(server)[0] ?? "",
    ssl_server_name: serverName,
    proxy_add_x_forwarded_for: [headers["x-forwarded-for"], clientAddress].filter(Boolean).join(", "),
    http_host: headers.host ?? "",
  };
  const value: Variables = (name) => {
    if (Object.hasOwn(known, name)) return known[name] ?? "";
    if (name.startsWith("http_")) return headers[name.slice("http_".length).replaceAll("_", "-")] ?? "";
    const map = named(loaded.http, "map").find(({ args }) => args[1] === `$${name}`);
    return map === undefined ? "" : mapped(map, value);
  };
  return value;
}

function mapped({ args, block }: NginxDirective, variables: Variables): string {
  const source = substituted(args[0] ?? "", variables);
  const entries = (block ?? []).map(({ name, args: [result = ""] }) => ({ name, result }));
  const entry =
    entries.find(({ name }) => name !== "default" && name === source) ??
    entries.find(({ name }) => name.startsWith("~") && regexOf(name.slice(1)).test(source)) ??
    entries.find(({ name }) => name === "default");
  return entry === undefined ? "" : substituted(entry.result, variables);
}

function substituted(text: string, variables: Variables): string {
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) =>
    variables(braced ?? plain ?? ""),
  );
}

function sizeOf(text: string): number {
  const [, number = "0", unit = ""] = /^(\d+)([kmg]?)$/i.exec(text) ?? [];
  return Number(number) * ({ "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[unit.toLowerCase()] ?? 1);
}

function regexOf(pattern: string, ignoreCase = false): RegExp {
  try {
    return new RegExp(pattern, ignoreCase ? "i" : "");
  } catch {
    return /(?!)/;
  }
}
