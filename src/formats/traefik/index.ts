/**
 * The mesh's dynamic configuration: one file for Traefik's watched directory, valid from 3.0 to 3.7. It is JSON, which is
 * valid YAML, and no prefix of it loads: a truncated file never removes routes.
 */
import { parse } from "yaml";
import { defined } from "../../defined.ts";
import {
  isObject,
  type JsonObject,
  listOf,
  member,
  membersOf,
  objectsOf,
  parseJson,
  textOf,
} from "../json/index.ts";
import { digest } from "../text/digest.ts";
import { dialTimeout, machinesOf, memberCheck, retryOf } from "./members.ts";

/** Where a route leads. */
export interface RouteBackend {
  readonly scheme: "http" | "https" | "h2c";
  readonly address: string;
  readonly port: number;
  /** Further machines that may answer on the same port: the other members of a Swarm. */
  readonly others?: readonly string[];
  /** For https: the name in the backend's certificate, when it is known. */
  readonly serverName?: string;
}

export interface MeshRoute {
  /** The name of the router and of its service. */
  readonly id: string;
  readonly rule: string;
  readonly priority?: number;
  readonly backend: RouteBackend;
  /** In the order they apply. One with "@" in its name is declared elsewhere. */
  readonly middlewares: readonly { readonly name: string; readonly options: JsonObject }[];
  /** Members of the load balancer besides the server; `servers` holds further ones. */
  readonly loadBalancer: JsonObject;
}

export interface DynamicSettings {
  readonly routes: readonly MeshRoute[];
  /** The root certificate that backends with TLS are verified with: a path in the mesh guest. */
  readonly rootFile: string;
}

/** The entry point that the gateway sends everything to. */
export const entryPoint = "web";

/** Where the loaded configuration identifies itself, in a header. Traefik itself answers, with status 418. */
export const sentinel = {
  router: "phoenix-configuration",
  host: "phoenix.invalid",
  path: "/configuration",
  header: "X-Phoenix-Configuration",
} as const;

/** Stands in for the hash while the hash is computed. */
const hashPlaceholder = "0".repeat(16);

/** The 16 hexadecimal digits that a configuration identifies itself with once it is loaded. */
export function dynamicHash(text: string): string | undefined {
  return /"cfg-([0-9a-f]{16})": \{/.exec(text)?.[1];
}

/** The middleware that is named after the configuration: once Traefik's API lists it, the whole file is live. */
export function sentinelMiddleware(hash: string): string {
  return `cfg-${hash}`;
}

/** Prints the file: equal routes, in any order, give equal texts. */
export function dynamicConfig(settings: DynamicSettings): string {
  const draft = print(settings);
  const hash = digest(draft);
  return draft.replaceAll(hashPlaceholder, hash);
}

type Members = Record<string, unknown>;

function print({ routes, rootFile }: DynamicSettings): string {
  const routers: Members = {};
  const services: Members = {};
  const middlewares: Members = {};
  const transports: Members = {};
  const mark = sentinelMiddleware(hashPlaceholder);
  routers[sentinel.router] = {
    rule: `Host(\`${sentinel.host}\`) && Path(\`${sentinel.path}\`)`,
    entryPoints: [entryPoint],
    service: "noop@internal",
    middlewares: [mark],
  };
  middlewares[mark] = { headers: { customResponseHeaders: { [sentinel.header]: hashPlaceholder } } };

  for (const route of [...routes].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const { id, rule, priority } = route;
    const transport = transportOf(route, rootFile);
    if (transport !== undefined) transports[transport.name] = transport.options;
    const passed = middlewaresOf(route);
    for (const { name, options } of passed) if (!name.includes("@")) middlewares[name] = options;
    routers[id] = {
      rule,
      entryPoints: [entryPoint],
      service: id,
      ...(passed.length === 0 ? {} : { middlewares: passed.map(({ name }) => name) }),
      ...defined({ priority }),
    };
    services[id] = {
      loadBalancer: { ...balancerOf(route), ...defined({ serversTransport: transport?.name }) },
    };
  }
  // An empty section is refused, and the whole file with it.
  const http = Object.fromEntries(
    Object.entries({ routers, services, middlewares, serversTransports: transports }).filter(
      ([, section]) => Object.keys(section).length > 0,
    ),
  );
  return `${literal(JSON.stringify({ http }, null, 2))}\n`;
}

/** Traefik reads every file as a Go template first; "{{" occurs in strings only, where an escape means the same. */
function literal(json: string): string {
  return json.replaceAll("{{", "{\\u007b");
}

/** The servers, each machine that may answer, and the options of the load balancer. */
function balancerOf({ backend, loadBalancer }: MeshRoute): Members {
  const { servers = [], ...balancer } = loadBalancer;
  const urls = urlsOf(backend);
  return {
    servers: [...urls.map((url) => ({ url })), ...(Array.isArray(servers) ? servers : [])],
    ...balancer,
    ...(urls.length === 1 ? {} : defined({ healthCheck: memberCheck(balancer) })),
  };
}

/** The declared middlewares; innermost is the one that asks the next machine. */
function middlewaresOf({ backend, middlewares }: MeshRoute): MeshRoute["middlewares"] {
  const retry = retryOf(backend);
  return retry === undefined ? middlewares : [...middlewares, retry];
}

/**
 * A backend with TLS is verified with the site's root, for the name in its certificate: its URL has an address only. One of several
 * machines is given up on sooner.
 */
function transportOf(
  { backend, loadBalancer }: MeshRoute,
  rootFile: string,
): { readonly name: string; readonly options: Members } | undefined {
  const name = transportName(backend);
  if (name === undefined || loadBalancer.serversTransport !== undefined) return undefined;
  const verified =
    backend.scheme === "https" ? defined({ serverName: backend.serverName, rootCAs: [rootFile] }) : {};
  const impatient = machinesOf(backend).length === 1 ? {} : { forwardingTimeouts: { dialTimeout } };
  return { name, options: { ...verified, ...impatient } };
}

/** The name of the transport to a backend; undefined where Traefik's own does. */
export function transportName(backend: RouteBackend): string | undefined {
  const verified = backend.scheme === "https" ? [backend.serverName ?? "root"] : [];
  const parts = [...verified, ...(machinesOf(backend).length === 1 ? [] : ["members"])];
  return parts.length === 0 ? undefined : `phoenix-${parts.join("-")}`;
}

/** The URLs that a route's requests may go to. */
export function urlsOf(backend: RouteBackend): readonly string[] {
  return machinesOf(backend).map((address) => urlOf({ ...backend, address }));
}

export function urlOf({ scheme, address, port }: Omit<RouteBackend, "serverName">): string {
  return `${scheme}://${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** A router as a file declares it. */
export interface DynamicRouter {
  readonly name: string;
  readonly rule: string;
  readonly service: string;
  readonly middlewares: readonly string[];
  readonly priority?: number;
  /** Of its service, in order. */
  readonly urls: readonly string[];
}

/** The routers of a dynamic configuration, ours or not; none for any other text. */
export function dynamicRouters(text: string): readonly DynamicRouter[] {
  const { routers, services } = membersOf(parseConfiguration(text).http);
  return Object.entries(membersOf(routers)).map(([name, value]) => {
    const router = membersOf(value);
    const service = textOf(router, "service");
    const balancer = member(member(services, service), "loadBalancer");
    return defined({
      name,
      rule: textOf(router, "rule"),
      service,
      middlewares: listOf(router.middlewares),
      priority: typeof router.priority === "number" ? router.priority : undefined,
      urls: objectsOf(member(balancer, "servers")).map((server) => textOf(server, "url")),
    });
  });
}

/** Each route in a user's terms: its rule and where it leads. */
export function dynamicUnits(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    dynamicRouters(text)
      .filter(({ name }) => name !== sentinel.router)
      .map(({ name, rule, urls, service, middlewares, priority }) => [
        name,
        `${rule} · to ${urls.length === 0 ? service : urls.join(", ")}` +
          (middlewares.length === 0 ? "" : ` · through ${middlewares.join(", ")}`) +
          (priority === undefined ? "" : ` · priority ${priority}`),
      ]),
  );
}

/** The options of middlewares and load balancers, one by one: "middleware slow: rateLimit.average" -> "50". */
export function dynamicOptions(text: string): Readonly<Record<string, string>> {
  const { middlewares, services } = membersOf(parseConfiguration(text).http);
  const balancers = Object.entries(membersOf(services)).map(([name, service]): [string, unknown] => {
    const { servers: _, ...balancer } = membersOf(member(service, "loadBalancer"));
    return [`service ${name}`, balancer];
  });
  const own = Object.entries(membersOf(middlewares))
    .filter(([name]) => !/^cfg-[0-9a-f]{16}$/.test(name))
    .map(([name, options]): [string, unknown] => [`middleware ${name}`, options]);
  return Object.fromEntries(
    [...own, ...balancers].flatMap(([name, options]) =>
      leavesOf(options).map(([path, value]) => [`${name}: ${path}`, value]),
    ),
  );
}

/** Every value of a tree by its path; lists of values are one. */
function leavesOf(value: unknown, path: readonly string[] = []): readonly (readonly [string, string])[] {
  if (isObject(value))
    return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
  if (Array.isArray(value) && value.some(isObject))
    return value.flatMap((inner, at) => leavesOf(inner, [...path, String(at)]));
  return [[path.join("."), Array.isArray(value) ? value.join(", ") : String(value)]];
}

/** A configuration's text as a value; empty for a text that cannot be read. */
export function parseConfiguration(text: string): JsonObject {
  // Our own files are JSON, which is read a hundred times faster as JSON than as YAML.
  const json = parseJson(text);
  if (json !== undefined) return membersOf(json);
  try {
    return membersOf(parse(text, { uniqueKeys: false }));
  } catch {
    return {};
  }
}
