/** From the names that proxies serve to what answers for them: server → upstream → router → backend. Pure. */
import { defined } from "../../defined.ts";
import type { Backend } from "../../model.ts";
import type { FoundOptions, FoundRouter, FoundServer, FoundTarget, FoundWeb, Remark } from "../found/web.ts";
import type { FoundGuest, Left, Source } from "../found.ts";
import { backendAt, guestAt, type Machines } from "./endpoints.ts";
import { isProtecting, kindOf } from "./protection.ts";

/** A name that a proxy serves, and the guest that answers for it. */
export interface JoinedName {
  readonly name: string;
  readonly guest: FoundGuest;
  readonly port: number;
  readonly scheme: Backend["scheme"];
  readonly serverName?: string;
  readonly options: FoundOptions;
  /** The router that leads there, where one does. */
  readonly router?: FoundRouter;
  /** Every proxy on the way has it from a file that Phoenix writes. */
  readonly isOurs: boolean;
  readonly source: Source;
}

export interface JoinedNames {
  readonly joined: readonly JoinedName[];
  /** Names that the gateway's own file serves and no router has: the gateway's own. */
  readonly gatewayNames: readonly FoundServer[];
  readonly left: readonly Left[];
}

/** @param routed ids of routers that stacks' labels declare: they come back with their stacks */
export function joinNames(web: FoundWeb, machines: Machines, routed: ReadonlySet<string>): JoinedNames {
  const left: Left[] = [];
  const joined: JoinedName[] = [];
  const gatewayNames: FoundServer[] = [];
  const reached = new Set<FoundRouter>();
  const join = new Join(web, machines, left);
  for (const [name, servers] of byName(web.servers)) {
    const chosen = join.serverFor(name, servers);
    if (chosen === undefined) continue;
    const { server, target } = chosen;
    const before = left.length;
    const routers = join.routersBehind(server, target, name);
    for (const router of routers ?? []) reached.add(router);
    if (routers?.length === 0 && server.isOurs) gatewayNames.push(server);
    else if (routers === undefined) joined.push(...(join.behind(server, target, name) ?? []));
    else if (routers.length === 0)
      left.push({
        source: server.source,
        what: name,
        reason: "Traefik behind it has no router with this name",
      });
    else
      joined.push(
        ...routers
          .filter(({ name: id }) => !routed.has(id))
          .flatMap((router) => join.router(router, name, server) ?? []),
      );
    if (left.length === before) join.tell(server);
  }
  for (const router of web.traefiks.flatMap(({ routers }) => routers)) {
    if (reached.has(router) || routed.has(router.name) || router.provider === "docker") continue;
    joined.push(...router.names.flatMap((name) => join.router(router, name, undefined) ?? []));
    if (router.names.length === 0)
      left.push({ source: router.source, what: `router ${router.name}`, reason: noName(router) });
  }
  return { joined, gatewayNames, left: unique(left) };
}

function noName({ rule, remarks: [first] }: FoundRouter): string {
  return first ?? `its rule names no host: ${rule}`;
}

function byName(servers: readonly FoundServer[]): ReadonlyMap<string, readonly FoundServer[]> {
  const found = new Map<string, FoundServer[]>();
  for (const server of servers) found.set(server.name, [...(found.get(server.name) ?? []), server]);
  return found;
}

type Proxy = Extract<FoundTarget, { kind: "proxy" }>;

class Join {
  readonly #web: FoundWeb;
  readonly #machines: Machines;
  readonly #left: Left[];

  constructor(web: FoundWeb, machines: Machines, left: Left[]) {
    this.#web = web;
    this.#machines = machines;
    this.#left = left;
  }

  #leave(source: Source, what: string, reason: string): undefined {
    this.#left.push({ source, what, reason });
  }

  /** The server that answers for a name, and where it leads; undefined, with the reason told, when that cannot be expressed. */
  serverFor(
    name: string,
    servers: readonly FoundServer[],
  ): { readonly server: FoundServer; readonly target: Proxy } | undefined {
    const meant = servers.filter((server) => !isBeside(server));
    const [server, ...others] = meant.filter((each) => mainOf(each)?.kind === "proxy");
    if (server === undefined) return this.#unserved(name, meant);
    if (/[*~]/.test(name) || name === "" || name.startsWith("$"))
      return this.#leave(server.source, nameOf(name), "a service has plain host names");
    const different = others.find(
      (other) => JSON.stringify(mainOf(other)) !== JSON.stringify(mainOf(server)),
    );
    if (different !== undefined) {
      const { path, line } = different.source;
      return this.#leave(server.source, name, `another server of this name leads elsewhere: ${path}:${line}`);
    }
    const protections = meant.flatMap((each) => each.protections);
    if (protections.length > 0) {
      const outcome = server.isOurs
        ? "added by hand to a file of Phoenix, and a sync would replace it"
        : "left to this proxy, so that it stays protected";
      return this.#leave(
        server.source,
        wholeOf(server),
        `a site cannot express what keeps requests out here (${placed(protections)}): ${outcome}`,
      );
    }
    return { server, target: mainOf(server) as Proxy };
  }

  /** A name without a proxy: redirects and files are told, refusals are no service. */
  #unserved(name: string, servers: readonly FoundServer[]): undefined {
    for (const server of servers) {
      const main = mainOf(server);
      if (main === undefined || main.kind === "refusal" || main.kind === "proxy" || server.isOurs) continue;
      if (main.kind === "redirect") {
        if (!isOwnRedirect(main.to, name))
          this.#leave(server.source, nameOf(name), `it redirects to ${main.to}: a site has no redirects`);
        continue;
      }
      if (!isDistribution(server))
        this.#leave(server.source, nameOf(name), `${main.what}: a service is a port of a guest`);
    }
  }

  /** The routers with this name of the Traefik that a server leads to; undefined when it leads elsewhere. */
  routersBehind(server: FoundServer, target: Proxy, name: string): readonly FoundRouter[] | undefined {
    const [endpoint, ...more] = target.servers;
    if (endpoint === undefined || more.length > 0) return undefined;
    const resolved = guestAt(this.#machines, endpoint.host, server.host);
    if (!("guest" in resolved)) return undefined;
    const traefik = this.#web.traefiks.find(({ host }) => host === resolved.guest.host);
    const point = Object.entries(traefik?.entryPoints ?? {}).find(([, port]) => port === endpoint.port)?.[0];
    if (traefik === undefined || point === undefined || point === "traefik") return undefined;
    return traefik.routers.filter(
      ({ names, entryPoints }) => names.includes(name) && entryPoints.includes(point),
    );
  }

  /** The guest that a server leads to without a router between. */
  behind(server: FoundServer, target: Proxy, name: string): readonly JoinedName[] | undefined {
    const [endpoint, ...more] = target.servers;
    if (endpoint === undefined || more.length > 0)
      return this.#leave(
        server.source,
        wholeOf(server),
        `it balances over several servers (${target.servers.map(({ host, port }) => `${host}:${port}`).join(", ")}): a service has one`,
      );
    if (target.path !== "" && target.path !== "/")
      return this.#leave(
        server.source,
        wholeOf(server),
        `it puts ${target.path} before each path, which a service cannot`,
      );
    const resolved = backendAt(this.#machines, endpoint.host, server.host);
    if (!("guest" in resolved)) return this.#leave(server.source, wholeOf(server), resolved.reason);
    const { options, isOurs, source } = server;
    const { scheme, serverName } = target;
    return [
      defined({
        name,
        guest: resolved.guest,
        port: endpoint.port,
        scheme,
        serverName,
        options,
        isOurs,
        source,
      }),
    ];
  }

  /** The guest that a router leads to. @param server the one before it, if there is one */
  router(
    router: FoundRouter,
    name: string,
    server: FoundServer | undefined,
  ): readonly JoinedName[] | undefined {
    const { source, backends, rule, middlewares, remarks, loadBalancer } = router;
    const what = `router ${router.name} (${name})`;
    const protections = middlewares.filter(isProtecting).map(kindOf);
    if (/clientip\s*\(/i.test(rule)) protections.push("ClientIP");
    const demands = remarks.find((remark) => remark.includes("demands"));
    if (demands !== undefined) protections.push(demands);
    // Only the labels of a stack give Phoenix such a router.
    const isOfStack = router.isOurs && (protections.length > 0 || !isPlain(rule) || middlewares.length > 0);
    if (isOfStack)
      return this.#leave(
        source,
        what,
        "Phoenix made it from the labels of a stack that is not in this site: a sync would remove it",
      );
    if (protections.length > 0)
      return this.#leave(
        source,
        what,
        `a guest's service cannot express what keeps requests out here (${protections.join(", ")}): left to Traefik, so that it stays protected`,
      );
    if (!isPlain(rule))
      return this.#leave(source, what, `a guest's service has host names only, not the rule ${rule}`);
    const [backend, ...more] = backends;
    if (backend === undefined || more.length > 0)
      return this.#leave(
        source,
        what,
        remarks[0] ?? `it balances over ${backends.length} servers: a service has one`,
      );
    const resolved = backendAt(this.#machines, backend.address, router.host);
    if (!("guest" in resolved)) return this.#leave(source, what, resolved.reason);
    const told = [...remarks, ...middlewares.map(kindOf), ...Object.keys(loadBalancer)];
    if (told.length > 0)
      this.#leave(source, what, `declared without what a guest's service cannot express: ${told.join(", ")}`);
    const { scheme, port, serverName } = backend;
    const isOurs = router.isOurs && server?.isOurs !== false;
    return [
      defined({
        name,
        guest: resolved.guest,
        port,
        scheme,
        serverName,
        options: server?.options ?? {},
        router,
        isOurs,
        source: server?.source ?? source,
      }),
    ];
  }

  /** What a server does besides, which stays with it. */
  tell(server: FoundServer): void {
    const { isOurs, source, name, treatments } = server;
    if (isOurs) return;
    const told = [...new Set(treatments.map(({ what }) => what)), ...otherLocations(server)];
    if (told.length > 0)
      this.#leave(
        source,
        name,
        `declared without what a service cannot express, which stays with this proxy: ${told.join(", ")}`,
      );
  }
}

/** Locations that lead elsewhere than the whole server does. */
function otherLocations({ locations }: FoundServer): readonly string[] {
  const main = locations.find(({ path }) => path === "/")?.target;
  return locations
    .filter(
      ({ path, target }) =>
        path !== "/" && !isBesidePath(path) && JSON.stringify(target) !== JSON.stringify(main),
    )
    .map(({ path }) => `location ${path}`);
}

/** A name that is left out, with all that its server has. */
function wholeOf(server: FoundServer): string {
  return [nameOf(server.name), ...otherLocations(server)].join(", ");
}

function mainOf({ locations }: FoundServer): FoundTarget | undefined {
  return locations.find(({ path }) => path === "/")?.target;
}

/** A server of plain HTTP that only sends clients to the same name by HTTPS. */
function isBeside(server: FoundServer): boolean {
  const main = mainOf(server);
  return main?.kind === "redirect" && isOwnRedirect(main.to, server.name);
}

/** The page that the packages of Debian and nginx.org install. */
function isDistribution({ source, name }: FoundServer): boolean {
  return (
    /\/(?:sites-enabled|conf\.d)\/default(?:\.conf)?$/.test(source.path) && /^(?:|localhost)$/.test(name)
  );
}

function isOwnRedirect(to: string, name: string): boolean {
  const [, host] = /^https:\/\/([^/$]+|\$\{?\w+\}?)/.exec(to) ?? [];
  return host !== undefined && (host === name || /^\$\{?(?:host|server_name|http_host)\}?$/.test(host));
}

/** What ACME asks for, which every proxy answers by itself. */
function isBesidePath(path: string): boolean {
  return path.includes("/.well-known/acme-challenge");
}

/** Host names alone, joined by "or". */
function isPlain(rule: string): boolean {
  return /^(?:\s*\|\|\s*|[Hh][Oo][Ss][Tt]\([^)]*\)|\s)*$/.test(rule);
}

function nameOf(name: string): string {
  return name === "" ? "a server without a name" : name;
}

/** "auth_basic in /data/nginx/proxy_host/2.conf:17". */
function placed(remarks: readonly Remark[]): string {
  const [first] = remarks;
  const words = [...new Set(remarks.map(({ what }) => what))].join(", ");
  return first === undefined ? words : `${words}; ${first.source.path}:${first.source.line}`;
}

function unique(left: readonly Left[]): readonly Left[] {
  return [...new Map(left.map((each) => [JSON.stringify(each), each])).values()];
}
