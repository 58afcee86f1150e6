/**
 * The mesh's dynamic configuration: one file for Traefik's watched directory, valid from 3.0 to 3.7. It is JSON, which is
 * valid YAML and of which no beginning loads, so that a file cut short never takes routes away.
 */
import { parse } from "yaml";
import type { Backend, Middleware } from "../../model.ts";
import { digest } from "../text/digest.ts";

export interface MeshRoute {
  /** Names the router and its service. */
  readonly id: string;
  readonly rule: string;
  readonly priority?: number;
  readonly backend: Backend;
  /** In the order they apply. One with "@" in its name is declared by somebody else. */
  readonly middlewares: readonly Middleware[];
  /** Members of the load balancer besides the server; `servers` holds further ones. */
  readonly loadBalancer: Readonly<Record<string, unknown>>;
}

export interface DynamicSettings {
  readonly routes: readonly MeshRoute[];
  /** The root that backends with TLS are trusted by, as the mesh sees it. */
  readonly rootFile: string;
}

/** The entry point that the gateway sends everything to. */
export const entryPoint = "web";

/** Where the loaded configuration says which one it is, in a header. Answered by Traefik itself, with status 418. */
export const sentinel = {
  router: "phoenix-configuration",
  host: "phoenix.invalid",
  path: "/configuration",
  header: "X-Phoenix-Configuration",
} as const;

/** Stands in for the hash while the hash is computed. */
const hashPlaceholder = "0".repeat(16);

/** The 16 hexadecimal digits that a configuration answers with once it is loaded. */
export function dynamicHash(text: string): string | undefined {
  return /"cfg-([0-9a-f]{16})": \{/.exec(text)?.[1];
}

/** The middleware that is named after the configuration: when Traefik's API lists it, all of the file is live. */
export function sentinelMiddleware(hash: string): string {
  return `cfg-${hash}`;
}

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
    const { id, rule, priority, backend } = route;
    const transport = transportOf(route, rootFile);
    if (transport !== undefined) transports[transport.name] = transport.options;
    for (const { name, options } of route.middlewares) if (!name.includes("@")) middlewares[name] = options;
    const { servers = [], ...balancer } = route.loadBalancer;
    routers[id] = {
      rule,
      entryPoints: [entryPoint],
      service: id,
      ...(route.middlewares.length === 0 ? {} : { middlewares: route.middlewares.map(({ name }) => name) }),
      ...(priority === undefined ? {} : { priority }),
    };
    services[id] = {
      loadBalancer: {
        servers: [{ url: urlOf(backend) }, ...(Array.isArray(servers) ? servers : [])],
        ...balancer,
        ...(transport === undefined ? {} : { serversTransport: transport.name }),
      },
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

/** Every file is a Go template first; "{{" occurs in texts only, where an escape reads the same. */
function literal(json: string): string {
  return json.replaceAll("{{", "{\\u007b");
}

/** How a backend with TLS is trusted: by the site's root, for the name in its certificate, since its url is an address. */
function transportOf(
  { backend, loadBalancer }: MeshRoute,
  rootFile: string,
): { readonly name: string; readonly options: Members } | undefined {
  if (backend.scheme !== "https" || loadBalancer.serversTransport !== undefined) return undefined;
  const { serverName } = backend;
  return {
    name: `phoenix-${serverName ?? "root"}`,
    options: { ...(serverName === undefined ? {} : { serverName }), rootCAs: [rootFile] },
  };
}

export function urlOf({ scheme, address, port }: Pick<Backend, "scheme" | "address" | "port">): string {
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

/** The routers of a dynamic configuration, ours or not; none for a text that is no configuration. */
export function dynamicRouters(text: string): readonly DynamicRouter[] {
  const { routers, services } = membersOf(parsed(text).http);
  return Object.entries(membersOf(routers)).map(([name, value]) => {
    const router = membersOf(value);
    const service = String(router.service ?? "");
    const { servers } = membersOf(membersOf(membersOf(services)[service]).loadBalancer);
    return {
      name,
      rule: String(router.rule ?? ""),
      service,
      middlewares: Array.isArray(router.middlewares) ? router.middlewares.map(String) : [],
      ...(typeof router.priority === "number" ? { priority: router.priority } : {}),
      urls: Array.isArray(servers) ? servers.map((server) => String(membersOf(server).url ?? "")) : [],
    };
  });
}

/** What a configuration says in a user's terms: each route with its rule and where it leads. */
export function dynamicUnits(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    dynamicRouters(text)
      .filter(({ name }) => name !== sentinel.router)
      .map(({ name, rule, urls, service, middlewares, priority }) => [
        name,
        `${rule} -> ${urls.length === 0 ? service : urls.join(", ")}` +
          (middlewares.length === 0 ? "" : ` by ${middlewares.join(", ")}`) +
          (priority === undefined ? "" : ` (priority ${priority})`),
      ]),
  );
}

/** A configuration's text as a value; empty for a text that cannot be read. */
export function parsed(text: string): Readonly<Members> {
  try {
    // Our own files are JSON, which is read a hundred times faster as what it is.
    return membersOf(JSON.parse(text));
  } catch {
    // Written by hand: YAML.
  }
  try {
    return membersOf(parse(text, { uniqueKeys: false }));
  } catch {
    return {};
  }
}

export function membersOf(value: unknown): Readonly<Members> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}
