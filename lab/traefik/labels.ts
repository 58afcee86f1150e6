/** Traefik's Docker provider (3.7.15): the labels of running containers as a configuration, its names ending in "@docker". Pure. */
import { type DynamicConfiguration, decodedField, RefusedFile, type Section } from "./decode.ts";
import { GoError, parseBool } from "./go.ts";
import { type Field, labelRoots } from "./shapes.ts";
import { fieldsOf, stringsOf } from "./values.ts";

export interface LabelledContainer {
  /** "SERVICE-PROJECT": of its service and its router where labels name none. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string;
  /** The ports that it exposes, of any protocol. */
  readonly ports: readonly number[];
  /** Absent without a health check. */
  readonly health?: "starting" | "healthy" | "unhealthy";
}

export interface ProviderOptions {
  readonly exposedByDefault: boolean;
  /** A template; "" for no default rule. */
  readonly defaultRule: string;
}

type Objects = Record<string, Readonly<Record<string, unknown>>>;

interface Http {
  readonly routers: Objects;
  readonly services: Objects;
  readonly middlewares: Objects;
}

const usual: ProviderOptions = { exposedByDefault: false, defaultRule: "Host(`{{ normalize .Name }}`)" };

/** What the labels of all containers make together; one whose labels cannot be read is dropped alone, as `log` says. */
export function labelConfiguration(
  containers: readonly LabelledContainer[],
  options: ProviderOptions = usual,
): { readonly dynamic: DynamicConfiguration; readonly log: readonly string[] } {
  const log: string[] = [];
  const parts = containers.flatMap((container): readonly Http[] => {
    try {
      return configurationOf(container, options, log);
    } catch (error) {
      if (!(error instanceof GoError || error instanceof RefusedFile)) throw error;
      log.push(`${container.name}: ${error.message}`);
      return [];
    }
  });
  const section = (name: keyof Http): Section => qualifiedKeys(merged(parts.map((part) => part[name])));
  const dynamic = {
    routers: section("routers"),
    services: section("services"),
    middlewares: section("middlewares"),
    serversTransports: {},
    tlsOptions: [],
  };
  return { dynamic, log };
}

function configurationOf(
  container: LabelledContainer,
  options: ProviderOptions,
  log: string[],
): readonly Http[] {
  const { name, labels, health = "healthy" } = container;
  const { enable = options.exposedByDefault } = fieldsOf(decodedLabels(labels, ["enable", "docker"]));
  if (enable !== true || health !== "healthy") return [];
  const decoded = fieldsOf(decodedLabels(labels, ["http", "tcp", "udp", "tls"]));
  const http = fieldsOf(decoded.http);
  if (decoded.http === undefined && (decoded.tcp !== undefined || decoded.udp !== undefined)) return [];
  const declared = fieldsOf(http.services);
  const services = Object.fromEntries(
    Object.entries(Object.keys(declared).length === 0 ? { [name]: { loadBalancer: {} } } : declared).map(
      ([own, service]) => [own, withServer(own, fieldsOf(service), container)],
    ),
  );
  const middlewares = Object.fromEntries(
    Object.entries(fieldsOf(http.middlewares)).map(([own, middleware]) => [
      own,
      qualifiedIn(fieldsOf(middleware)),
    ]),
  );
  const given = fieldsOf(http.routers);
  const routers = Object.entries(Object.keys(given).length === 0 ? { [name]: {} } : given).flatMap(
    ([own, router]) => {
      const built = routerOf(own, fieldsOf(router), Object.keys(services), name, options, log);
      return built === undefined ? [] : [[own, built] as const];
    },
  );
  return [{ routers: Object.fromEntries(routers), services, middlewares }];
}

function routerOf(
  own: string,
  router: Readonly<Record<string, unknown>>,
  services: readonly string[],
  container: string,
  { defaultRule }: ProviderOptions,
  log: string[],
): Readonly<Record<string, unknown>> | undefined {
  const rule = router.rule || defaultRule.replace(/\{\{\s*normalize \.Name\s*\}\}/, container);
  if (rule === "") {
    log.push(`${container}: empty rule for router ${own}`);
    return undefined;
  }
  const [service, ...more] = router.service ? [String(router.service)] : services;
  if (service === undefined || more.length > 0) {
    log.push(`${container}: router ${own} cannot be linked automatically with multiple services`);
    return undefined;
  }
  const { tls, middlewares, ...others } = router;
  return {
    ...others,
    rule,
    service: qualified(service, own),
    ...(middlewares === undefined
      ? {}
      : { middlewares: stringsOf(middlewares).map((each) => qualified(each, own)) }),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** A service's one server: the container's address, and the port of the label or the lowest one that it exposes. */
function withServer(
  own: string,
  service: Readonly<Record<string, unknown>>,
  { address, ports }: LabelledContainer,
): Readonly<Record<string, unknown>> {
  if (service.loadBalancer === undefined)
    throw new RefusedFile(`service "${own}" error: load-balancer is not defined`);
  const { server, serversTransport, ...balancer } = fieldsOf(service.loadBalancer);
  const { url, scheme, port, ...others } = fieldsOf(server);
  const transport =
    typeof serversTransport === "string" ? { serversTransport: qualified(serversTransport) } : {};
  if (url && (scheme || port))
    throw new RefusedFile(
      `service "${own}" error: defining scheme or port is not allowed when URL is defined`,
    );
  const chosen = port || (ports.length === 0 ? undefined : Math.min(...ports));
  if (!url && chosen === undefined) throw new RefusedFile(`service "${own}" error: port is missing`);
  const servers = [{ ...others, url: url || `${scheme || "http"}://${address}:${chosen}` }];
  return { loadBalancer: { ...balancer, ...transport, servers } };
}

/** Names within a middleware belong to the same provider. */
function qualifiedIn(middleware: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { chain, errors } = middleware;
  return {
    ...middleware,
    ...(chain === undefined
      ? {}
      : { chain: { middlewares: stringsOf(fieldsOf(chain).middlewares).map((each) => qualified(each)) } }),
    ...(errors === undefined
      ? {}
      : { errors: { ...fieldsOf(errors), service: qualified(String(fieldsOf(errors).service ?? "")) } }),
  };
}

/** A name without a provider is of the provider of the object that has it, `of`. */
function qualified(name: string, of = ""): string {
  return name.includes("@") ? name : `${name}@${of.split("@")[1] ?? "docker"}`;
}

/** Servers of one service are put together; whatever else two containers declare differently is dropped. */
function merged(parts: readonly Objects[]): Objects {
  const all: Objects = {};
  const conflicts = new Set<string>();
  for (const [name, value] of parts.flatMap((part) => Object.entries(part))) {
    const before = all[name];
    const isSame = before === undefined || withoutServers(before) === withoutServers(value);
    if (!isSame) conflicts.add(name);
    all[name] = before === undefined ? value : withBothServers(before, value);
  }
  return Object.fromEntries(Object.entries(all).filter(([name]) => !conflicts.has(name)));
}

function withoutServers(value: Readonly<Record<string, unknown>>): string {
  const { servers: _, ...others } = fieldsOf(value.loadBalancer);
  return JSON.stringify({ ...value, loadBalancer: Object.entries(others).sort() });
}

function withBothServers(
  first: Readonly<Record<string, unknown>>,
  second: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (first.loadBalancer === undefined) return first;
  const servers = [first, second].flatMap(({ loadBalancer }) => fieldsOf(loadBalancer).servers ?? []);
  return { ...first, loadBalancer: { ...fieldsOf(first.loadBalancer), servers } };
}

function qualifiedKeys(objects: Objects): Section {
  return Object.fromEntries(Object.entries(objects).map(([name, value]) => [`${name}@docker`, value]));
}

type Tree = { [name: string]: Tree | string };

/** The labels below some of Traefik's roots, decoded like a file. @throws GoError @throws RefusedFile */
function decodedLabels(labels: Readonly<Record<string, string>>, roots: readonly string[]): unknown {
  const tree: Tree = {};
  for (const [key, value] of Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [root = "", ...path] = key.split(".");
    if (root.toLowerCase() !== "traefik" || !roots.includes(path[0]?.toLowerCase() ?? "")) continue;
    if (root !== "traefik") throw new RefusedFile(`invalid label root ${root}`);
    if (path.includes("")) throw new RefusedFile(`invalid element: ${key}`);
    plant(tree, path, value);
  }
  return Object.fromEntries(
    Object.entries(tree).map(([name, value]) => {
      const root = name.toLowerCase();
      if (root === "enable") return [root, parseBool(typeof value === "string" ? value : "")];
      return [root, decodedField(name, withLists(value), labelRoots[root] as Field)];
    }),
  );
}

/** Names count in any case: the first one stays. "list[0]" is an item below "list". */
function plant(tree: Tree, path: readonly string[], value: string): void {
  const [first = "", ...rest] = path.flatMap((part) => part.split(/(?=\[)/));
  const name = Object.keys(tree).find((each) => each.toLowerCase() === first.toLowerCase()) ?? first;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const inner = tree[name];
  const branch = typeof inner === "object" ? inner : {};
  tree[name] = branch;
  plant(branch, rest, value);
}

/** Items become a list, in the order of their names. */
function withLists(tree: Tree | string): unknown {
  if (typeof tree === "string") return tree;
  const entries = Object.entries(tree);
  if (entries.every(([name]) => /^\[\d+\]$/.test(name))) return entries.map(([, each]) => withLists(each));
  return Object.fromEntries(entries.map(([name, each]) => [name, withLists(each)]));
}
