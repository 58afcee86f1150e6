/** What the mesh does with a request on an entry point: the router that wins, its middlewares, its service. Pure. */
import { inRange } from "../address-range.ts";
import type { LoadedTraefik } from "./load.ts";
import type { MatchedRequest } from "./match.ts";
import { innerServices, qualified } from "./objects.ts";
import { type TraefikRuntime, traefikRuntime } from "./runtime.ts";
import { fieldsOf, stringsOf } from "./values.ts";

export interface MeshRequest extends MatchedRequest {
  readonly entryPoint: string;
}

export type MeshAction =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly text: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "proxy";
      /** In the order of their turn: the next one is asked when one cannot be connected to, as long as there are attempts. */
      readonly servers: readonly [ProxyServer, ...ProxyServer[]];
      /** How many of them may be asked: more than one with the middleware `retry` alone. */
      readonly attempts: number;
      readonly healthCheck?: Readonly<Record<string, unknown>>;
      readonly headers: Readonly<Record<string, string>>;
      /** False: the server's own name is sent instead of the client's. */
      readonly passHost: boolean;
      readonly responseHeaders: Readonly<Record<string, string | undefined>>;
      readonly transport: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "api" };

export interface ProxyServer {
  readonly url: URL;
  readonly path: string;
}

export function meshAction(loaded: LoadedTraefik, request: MeshRequest): MeshAction {
  const runtime = traefikRuntime(loaded.static, loaded.dynamic);
  const [router] = runtime.routers
    .filter(({ status, tls, using }) => status !== "disabled" && !tls && using.includes(request.entryPoint))
    .filter(({ matches }) => matches(request))
    .sort((a, b) => b.priority - a.priority);
  if (router === undefined) return answer(404, "404 page not found\n");
  const passing = passThrough(runtime, router.middlewares, forwarded(loaded, request));
  if (passing.answer !== undefined) return passing.answer;
  const action = serve(loaded, runtime, router.service, passing, 0);
  return action.kind === "answer"
    ? { ...action, headers: { ...action.headers, ...defined(passing.responseHeaders) } }
    : action;
}

interface Passing {
  uri: string;
  attempts: number;
  headers: Record<string, string>;
  responseHeaders: Record<string, string | undefined>;
  answer?: MeshAction;
}

/** X-Forwarded-* as the entry point leaves them: kept from those it trusts, set again for all others. */
function forwarded(
  loaded: LoadedTraefik,
  { headers, clientAddress, host, uri, entryPoint }: MeshRequest,
): Passing {
  const { trusted = [], port = 80 } = loaded.static.entryPoints[entryPoint] ?? {};
  const isTrusted = trusted.some((range) => inRange(clientAddress, range));
  const kept = Object.fromEntries(
    Object.entries(headers).filter(([name]) => isTrusted || !/^x-(forwarded-.*|real-ip)$/.test(name)),
  );
  const before = kept["x-forwarded-for"];
  return {
    uri,
    attempts: 1,
    responseHeaders: {},
    headers: {
      ...kept,
      "x-forwarded-for": before === undefined ? clientAddress : `${before}, ${clientAddress}`,
      "x-forwarded-host": kept["x-forwarded-host"] ?? host,
      "x-forwarded-port": kept["x-forwarded-port"] ?? String(port),
      "x-forwarded-proto": kept["x-forwarded-proto"] ?? "http",
      "x-forwarded-server": "traefik",
      "x-real-ip": kept["x-real-ip"] ?? clientAddress,
    },
  };
}

function passThrough(runtime: TraefikRuntime, names: readonly string[], passing: Passing): Passing {
  for (const name of names) {
    const configuration = runtime.middlewares.get(name)?.configuration ?? {};
    const [type = ""] = Object.keys(configuration);
    apply(runtime, type, fieldsOf(configuration[type]), passing);
    if (passing.answer !== undefined) break;
  }
  return passing;
}

/** The middlewares that a mesh behind a gateway uses; others let the request through as it is. */
function apply(
  runtime: TraefikRuntime,
  type: string,
  options: Readonly<Record<string, unknown>>,
  passing: Passing,
): void {
  switch (type) {
    case "chain":
      passThrough(runtime, stringsOf(options.middlewares).map(qualified), passing);
      return;
    case "headers":
      for (const [name, value] of Object.entries(fieldsOf(options.customRequestHeaders))) {
        if (value === "") delete passing.headers[name.toLowerCase()];
        else passing.headers[name.toLowerCase()] = String(value);
      }
      for (const [name, value] of Object.entries(fieldsOf(options.customResponseHeaders)))
        passing.responseHeaders[name.toLowerCase()] = value === "" ? undefined : String(value);
      return;
    case "retry":
      passing.attempts = Math.max(1, Number(options.attempts ?? 1));
      return;
    case "addPrefix":
      passing.uri = String(options.prefix ?? "") + passing.uri;
      return;
    case "stripPrefix": {
      const prefix = stringsOf(options.prefixes).find((each) => passing.uri.startsWith(each));
      if (prefix === undefined) return;
      passing.headers["x-forwarded-prefix"] = prefix;
      passing.uri = `/${passing.uri.slice(prefix.length).replace(/^\/+/, "")}`;
      return;
    }
    case "replacePath":
      passing.headers["x-replaced-path"] = passing.uri;
      passing.uri = String(options.path ?? "/") + (/\?.*/s.exec(passing.uri)?.[0] ?? "");
      return;
    case "redirectScheme": {
      const scheme = String(options.scheme ?? "https");
      if (passing.headers["x-forwarded-proto"] === scheme) return;
      const location = `${scheme}://${passing.headers.host ?? ""}${passing.uri}`;
      passing.answer =
        options.permanent === true
          ? answer(301, "Moved Permanently", { location })
          : answer(302, "Found", { location });
      return;
    }
    default:
  }
}

/** Services within services: a cycle would never end. */
const depthLimit = 8;

function serve(
  loaded: LoadedTraefik,
  runtime: TraefikRuntime,
  name: string,
  passing: Passing,
  depth: number,
): MeshAction {
  switch (name) {
    case "noop@internal":
      return answer(418, "");
    case "ping@internal":
      return answer(200, "OK");
    case "api@internal":
    case "dashboard@internal":
      return { kind: "api" };
    default:
  }
  const configuration = fieldsOf(runtime.services.get(qualified(name))?.configuration);
  if (depth > depthLimit) return answer(500, "Internal Server Error");
  const [inner] = innerServices(configuration);
  if (inner !== undefined) return serve(loaded, runtime, inner, passing, depth + 1);
  return balance(loaded, fieldsOf(configuration.loadBalancer), passing);
}

function balance(
  loaded: LoadedTraefik,
  balancer: Readonly<Record<string, unknown>>,
  passing: Passing,
): MeshAction {
  const declared = Array.isArray(balancer.servers) ? balancer.servers.map(fieldsOf) : [];
  const [first, ...others] = declared.map((server) => proxyServer(server, passing.uri));
  if (declared.length === 0) return answer(503, "no available server\n");
  if (first === undefined) return answer(500, "Internal Server Error");
  const passHost = balancer.passHostHeader !== false && balancer.passHostHeader !== "false";
  const transport = String(balancer.serversTransport ?? "").replace(/@file$/, "");
  return {
    kind: "proxy",
    servers: [first, ...others.flatMap((server) => server ?? [])],
    attempts: passing.attempts,
    ...(balancer.healthCheck === undefined ? {} : { healthCheck: fieldsOf(balancer.healthCheck) }),
    headers: passing.headers,
    passHost,
    responseHeaders: passing.responseHeaders,
    transport: loaded.dynamic.serversTransports[transport] ?? {},
  };
}

function proxyServer(server: Readonly<Record<string, unknown>>, uri: string): ProxyServer | undefined {
  const url = typeof server.url === "string" && server.url !== "" ? new URL(server.url) : undefined;
  if (url === undefined) return undefined;
  // The path of a server's address is dropped unless it is to be preserved.
  return { url, path: server.preservePath === true ? url.pathname.replace(/\/$/, "") + uri : uri };
}

function answer(status: number, text: string, headers: Readonly<Record<string, string>> = {}): MeshAction {
  return { kind: "answer", status, text, headers };
}

function defined(headers: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}
