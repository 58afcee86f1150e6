/** What `nginx -t` finds in a configuration (1.22.1, measured; the http2 warning is 1.26's). */
import { isIP } from "node:net";
import { checkCertificates } from "./certificates.ts";
import {
  httpBlock,
  listenOf,
  listensOf,
  type NginxDirective,
  NginxEmergency,
  type NginxSource,
  named,
  serverNames,
} from "./config.ts";
import { isKnownDirective, isKnownVariable } from "./names.ts";

export interface NginxSurroundings extends NginxSource {
  /** Whether a host name resolves. */
  resolves(name: string): boolean;
}

/** @returns warnings, without "[warn] ". @throws NginxEmergency with the first failure */
export function checkNginx(
  configuration: readonly NginxDirective[],
  around: NginxSurroundings,
): readonly string[] {
  const warnings: string[] = [];
  for (const directive of configuration) visit(directive, undefined, warnings);
  const http = httpBlock(configuration);
  const upstreams = checkUpstreams(http, around);
  const defined = definedVariables(http);
  const servers = named(http, "server");
  for (const server of servers) {
    checkLocations(server);
    checkProxies(server, upstreams, around);
    checkVariables(server, defined);
  }
  checkListeners(servers);
  warnings.push(...conflicts(servers));
  for (const server of servers) checkCertificates(server, http, around);
  return warnings;
}

function visit(directive: NginxDirective, parent: string | undefined, warnings: string[]): void {
  const { name, args, file, line, block } = directive;
  const at = `in ${file}:${line}`;
  // The members of these blocks are data, not directives.
  if (["map", "geo", "types", "split_clients", "charset_map"].includes(name)) return;
  if (!isKnownDirective(name)) throw new NginxEmergency(`unknown directive "${name}" ${at}`);
  const place = places[name];
  if (place !== undefined && !place.includes(parent ?? "main"))
    throw new NginxEmergency(`"${name}" directive is not allowed here ${at}`);
  if (single.has(name) && args.length !== 1)
    throw new NginxEmergency(`invalid number of arguments in "${name}" directive ${at}`);
  if (name === "listen") {
    listenOf(directive);
    if (args.includes("http2"))
      warnings.push(
        `the "listen ... http2" directive is deprecated, use the "http2" directive instead ${at}`,
      );
  }
  for (const inner of block ?? []) visit(inner, name, warnings);
}

/** Where some directives may stand; others are not looked at. */
const places: Readonly<Record<string, readonly string[]>> = {
  server: ["http", "upstream", "stream", "mail"],
  location: ["server", "location", "if"],
  listen: ["server"],
  server_name: ["server"],
  proxy_pass: ["location", "if", "limit_except"],
  keepalive: ["upstream"],
  upstream: ["http", "stream"],
  http: ["main"],
  events: ["main"],
  ssl_certificate: ["http", "server"],
  ssl_certificate_key: ["http", "server"],
};

/** Directives with exactly one argument. */
const single = new Set([
  "proxy_http_version",
  "proxy_pass",
  "proxy_read_timeout",
  "proxy_send_timeout",
  "proxy_connect_timeout",
  "client_max_body_size",
  "ssl_certificate",
  "ssl_certificate_key",
  "keepalive",
  "root",
  "default_type",
]);

/** @returns the upstreams' names */
function checkUpstreams(http: readonly NginxDirective[], around: NginxSurroundings): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { args, block, file, line } of named(http, "upstream")) {
    const [name = ""] = args;
    if (names.has(name)) throw new NginxEmergency(`duplicate upstream "${name}" in ${file}:${line}`);
    names.add(name);
    const servers = named(block, "server");
    if (servers.length === 0) throw new NginxEmergency(`no servers are inside upstream in ${file}:${line}`);
    for (const server of servers) resolveOrFail(server.args[0] ?? "", server, around);
  }
  return names;
}

function resolveOrFail(where: string, { file, line }: NginxDirective, around: NginxSurroundings): void {
  const host = where.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 || host === "localhost" || where.startsWith("unix:") || around.resolves(host)) return;
  throw new NginxEmergency(`host not found in upstream "${where}" in ${file}:${line}`);
}

function checkProxies(
  server: NginxDirective,
  upstreams: ReadonlySet<string>,
  around: NginxSurroundings,
): void {
  for (const directive of everyDirective(server)) {
    if (directive.name !== "proxy_pass") continue;
    const [url = ""] = directive.args;
    const where = /^https?:\/\/([^/$]+)(\/|$)/.exec(url)?.[1];
    if (where === undefined && !url.includes("$"))
      throw new NginxEmergency(`invalid URL prefix in ${directive.file}:${directive.line}`);
    if (where !== undefined && !upstreams.has(where)) resolveOrFail(where, directive, around);
  }
}

function checkLocations({ block }: NginxDirective): void {
  const seen = new Set<string>();
  for (const { args, file, line, block: inner } of named(block, "location")) {
    const key = args.join(" ");
    if (seen.has(key))
      throw new NginxEmergency(`duplicate location "${args.at(-1) ?? ""}" in ${file}:${line}`);
    seen.add(key);
    checkLocations({ name: "location", args, file, line, ...(inner === undefined ? {} : { block: inner }) });
  }
}

function checkListeners(servers: readonly NginxDirective[]): void {
  const defaults = new Set<string>();
  for (const server of servers) {
    const own = new Set<string>();
    for (const directive of named(server.block, "listen")) {
      const listen = listenOf(directive);
      if (listen === undefined) continue;
      const at = `in ${directive.file}:${directive.line}`;
      if (own.has(listen.address)) throw new NginxEmergency(`a duplicate listen ${listen.address} ${at}`);
      own.add(listen.address);
      if (!listen.isDefault) continue;
      if (defaults.has(listen.address))
        throw new NginxEmergency(`a duplicate default server for ${listen.address} ${at}`);
      defaults.add(listen.address);
    }
  }
}

function conflicts(servers: readonly NginxDirective[]): readonly string[] {
  const seen = new Set<string>();
  const warnings: string[] = [];
  for (const server of servers) {
    for (const { address } of listensOf(server)) {
      for (const name of serverNames(server)) {
        const key = `${name} ${address}`;
        if (seen.has(key)) warnings.push(`conflicting server name "${name}" on ${address}, ignored`);
        seen.add(key);
      }
    }
  }
  return warnings;
}

function definedVariables(http: readonly NginxDirective[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const top of http) {
    for (const { name, args } of [top, ...everyDirective(top)]) {
      const variable = name === "set" ? args[0] : name === "map" || name === "geo" ? args.at(-1) : undefined;
      if (variable?.startsWith("$") === true) names.add(variable.slice(1));
    }
  }
  return names;
}

function checkVariables(server: NginxDirective, defined: ReadonlySet<string>): void {
  for (const { name, args } of everyDirective(server)) {
    if (name === "location" || name === "server_name" || name === "rewrite") continue;
    for (const match of args.join(" ").matchAll(/\$\{?([a-z_][a-z0-9_]*)\}?/gi)) {
      const variable = match[1] ?? "";
      if (!defined.has(variable) && !isKnownVariable(variable))
        throw new NginxEmergency(`unknown "${variable}" variable`);
    }
  }
}

function everyDirective({ block }: NginxDirective): readonly NginxDirective[] {
  return (block ?? []).flatMap((directive) => [directive, ...everyDirective(directive)]);
}
