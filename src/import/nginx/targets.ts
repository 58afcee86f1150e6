/** Where a location of Nginx leads. Pure. */
import { defined } from "../../defined.ts";
import type { LocatedDirective } from "../../formats/nginx/includes.ts";
import type { FoundEndpoint, FoundTarget } from "../found/web.ts";
import { isRequestPath, substituted, unknownIn, type Variables } from "./variables.ts";

/** Programs that a location can lead to besides HTTP servers. */
const otherPasses: Readonly<Record<string, string>> = {
  fastcgi_pass: "FastCGI",
  uwsgi_pass: "uWSGI",
  scgi_pass: "SCGI",
  grpc_pass: "gRPC",
  memcached_pass: "memcached",
};

/**
 * @param block the location's directives
 * @param outer the server's, for what a location inherits
 */
export function targetOf(
  block: readonly LocatedDirective[],
  outer: readonly LocatedDirective[],
  upstreams: readonly LocatedDirective[],
  variables: Variables,
): FoundTarget | undefined {
  const own = (name: string): LocatedDirective | undefined => block.find((each) => each.name === name);
  const given = (name: string): string | undefined =>
    (own(name) ?? outer.find((each) => each.name === name))?.args[0];
  const returned = own("return");
  if (returned !== undefined) return returnedTarget(returned.args);
  const pass = own("proxy_pass");
  if (pass !== undefined) {
    const name = given("proxy_ssl_server_name") === "on" ? given("proxy_ssl_name") : undefined;
    return proxyTarget(pass.args[0] ?? "", upstreams, variables, name && substituted(name, variables));
  }
  for (const [name, title] of Object.entries(otherPasses))
    if (own(name) !== undefined) return { kind: "other", what: `${title} at ${own(name)?.args[0] ?? ""}` };
  if (own("deny")?.args[0] === "all" && own("allow") === undefined) return { kind: "refusal", status: "403" };
  const files = own("alias") ?? own("root") ?? own("try_files");
  if (files === undefined) return undefined;
  return { kind: "other", what: `files of ${given("alias") ?? given("root") ?? "its root"}` };
}

/** `return CODE [text]`, `return CODE URL` and `return URL`. */
export function returnedTarget([first = "", second]: readonly string[]): FoundTarget {
  if (/^https?:|^\$scheme:/.test(first)) return { kind: "redirect", to: first };
  if (/^30[12378]$/.test(first)) return { kind: "redirect", to: second ?? "" };
  if (/^4\d\d$/.test(first)) return { kind: "refusal", status: first };
  return { kind: "other", what: `a fixed answer (${first})` };
}

function proxyTarget(
  url: string,
  upstreams: readonly LocatedDirective[],
  variables: Variables,
  serverName: string | undefined,
): FoundTarget {
  // What follows the authority is the path, where variables of the request are no obstacle.
  const [, written = "", rest = ""] = /^([^:]*:\/\/[^/]*?)((?:\/|\$request_uri|\$uri).*)?$/.exec(url) ?? [];
  const start = substituted(written === "" ? url : written, variables);
  if (start === undefined) {
    const names = unknownIn(written === "" ? url : written, variables).map((name) => `$${name}`);
    return { kind: "other", what: `${url}, which depends on ${names.join(", ")}` };
  }
  const [, scheme, authority = "", inVariable = ""] = /^(https?):\/\/([^/]+)(\/.*)?$/i.exec(start) ?? [];
  const path = inVariable + rest;
  if (scheme === undefined || authority.startsWith("unix:"))
    return { kind: "other", what: authority === "" ? url : `the socket ${authority}` };
  const lower = scheme.toLowerCase() as "http" | "https";
  const standard = lower === "https" ? 443 : 80;
  const upstream = upstreams.find(({ args }) => args[0] === authority);
  const servers =
    upstream === undefined ? [endpointOf(authority, standard)] : upstreamServers(upstream, standard);
  if (servers.length === 0 || servers.includes(undefined))
    return { kind: "other", what: upstream === undefined ? url : `upstream ${authority}` };
  return defined({
    kind: "proxy" as const,
    scheme: lower,
    servers: servers.filter((each) => each !== undefined),
    path: isRequestPath(path) ? "" : path,
    serverName,
  });
}

/** The servers of an `upstream` block; those marked down are left out. */
function upstreamServers(
  { block = [] }: LocatedDirective,
  standard: number,
): readonly (FoundEndpoint | undefined)[] {
  return block
    .filter(({ name, args }) => name === "server" && !args.includes("down"))
    .map(({ args }) => endpointOf(args[0] ?? "", standard));
}

/** "10.0.0.5:8096", "[fd00::5]:80", "nas.lan". */
function endpointOf(written: string, standard: number): FoundEndpoint | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]/$]+))(?::(\d+))?$/.exec(written) ?? [];
  const host = (bracketed ?? plain)?.toLowerCase();
  if (host === undefined || host === "unix") return undefined;
  return { host, port: port === undefined ? standard : Number(port) };
}
