/** Proxies that run as containers: what they serve for guests is declared as somebody else's, and each is told. */
import { expandIncludes } from "../../formats/nginx/includes.ts";
import { readRule } from "../../formats/traefik/rule.ts";
import type { Backend } from "../../model.ts";
import type { FoundEngine } from "../found/docker.ts";
import type { FoundLocation, FoundRouter, FoundServer, FoundTraefik } from "../found/web.ts";
import type { FoundGuest, ReadIo } from "../found.ts";
import { foundServers } from "../nginx/servers.ts";
import {
  type ContainedProgram,
  containedPrograms,
  endpointOutside,
  pathOutside,
  portOutside,
  titleOf,
} from "./contained.ts";
import { entriesOn, filesOn } from "./files.ts";
import { namesShown, tellForeign } from "./foreign-proxies.ts";
import { traefikAt } from "./traefik.ts";

export interface ContainedProxies {
  readonly servers: readonly FoundServer[];
  readonly traefiks: readonly FoundTraefik[];
}

export async function readContainedProxies(
  io: ReadIo,
  guests: readonly FoundGuest[],
  engines: readonly FoundEngine[],
): Promise<ContainedProxies> {
  const found = containedPrograms(engines, ["Nginx Proxy Manager", "traefik", "caddy", "haproxy"]);
  const read = await Promise.all(
    found.map(async (each): Promise<ContainedProxies> => {
      const guest = guests.find(({ host }) => host === each.engine.host);
      if (each.program === "Nginx Proxy Manager") return { servers: await managed(io, each), traefiks: [] };
      if (each.program === "traefik" && guest !== undefined)
        return { servers: [], traefiks: [await traefik(io, guest, each)] };
      const { program, engine, container } = each;
      const { source, state } = container;
      await tellForeign(
        io,
        { host: engine.host, program, isRunning: state === "running", source },
        { title: titleOf(each), pathOf: (path) => pathOutside(container, path) },
      );
      return { servers: [], traefiks: [] };
    }),
  );
  return {
    servers: read.flatMap(({ servers }) => servers),
    traefiks: read.flatMap(({ traefiks }) => traefiks),
  };
}

/** What every file of Nginx Proxy Manager (2.9 to 2.13) includes from its image; the others filter, or answer for ACME. */
const managersProxy = "/etc/nginx/conf.d/include/proxy.conf";
const managersOwn: ReadonlyMap<string, string> = new Map([
  [managersProxy, "proxy_pass $forward_scheme://$server:$port$request_uri;"],
  ...[
    ...["assets", "block-exploits", "force-ssl", "hsts", "letsencrypt-acme-challenge", "ip_ranges"],
    ...["resolvers", "ssl-ciphers", "ssl-cache", "ssl-cache-stream"],
  ].map((name) => [`/etc/nginx/conf.d/include/${name}.conf`, ""] as const),
]);
const managersCustom = "/data/nginx/custom";
const managersKinds = ["proxy_host", "redirection_host", "dead_host"];

/** The hosts that Nginx Proxy Manager was told, from the files that it writes into its data. */
async function managed(io: ReadIo, contained: ContainedProgram): Promise<readonly FoundServer[]> {
  const { engine, container } = contained;
  const { host } = engine;
  const data = pathOutside(container, "/data/nginx");
  tell(io, contained, data === undefined ? noMount : staysReason);
  if (data === undefined) return [];
  const directories = managersKinds.map((kind) => `${data}/${kind}`);
  const custom = `${data}/custom`;
  const listed = await Promise.all([...directories, custom].map((each) => entriesOn(io, host, each)));
  const files = await filesOn(
    io,
    host,
    listed.flat().filter((path) => path.endsWith(".conf")),
  );
  // What people add is included by its path in the container.
  const keyOf = (path: string): string =>
    path.startsWith(`${custom}/`) ? `${managersCustom}${path.slice(custom.length)}` : path;
  const main = "/etc/nginx/nginx.conf";
  const patterns = [`${managersCustom}/http*.conf`, ...directories.map((directory) => `${directory}/*.conf`)];
  const includes = patterns.map((pattern) => `include ${pattern};`);
  const texts = new Map([
    ...managersOwn,
    [main, `http { ${includes.join(" ")} }`] as const,
    ...[...files].map(([path, { text }]) => [keyOf(path), text] as const),
  ]);
  const { servers, left } = foundServers(host, expandIncludes(texts, main), () => false);
  for (const each of left) io.left(each);
  return servers.map((server) => serverOutside(contained, server));
}

/** Its certificates are paths of the container, which renews them by itself. */
function serverOutside(contained: ContainedProgram, { certificate: _, ...server }: FoundServer): FoundServer {
  const locationOutside = (location: FoundLocation): FoundLocation => {
    if (location.target.kind !== "proxy") return location;
    const servers = location.target.servers.map((each) => endpointOutside(contained, each));
    const [refused] = servers.flatMap((each) => ("reason" in each ? [each.reason] : []));
    if (refused !== undefined) return { ...location, target: { kind: "other", what: refused } };
    const endpoints = servers.flatMap((each) => ("reason" in each ? [] : [each]));
    return { ...location, target: { ...location.target, servers: endpoints } };
  };
  return { ...server, locations: server.locations.map(locationOutside) };
}

async function traefik(io: ReadIo, guest: FoundGuest, contained: ContainedProgram): Promise<FoundTraefik> {
  const { engine, container } = contained;
  const found = await traefikAt(io, guest, {
    argv: container.args,
    pathOf: (path) => pathOutside(container, path),
    portOf: (port) => portOutside(container, port),
  });
  const rules = engine.containers.flatMap(({ labels }) =>
    Object.entries(labels).flatMap(([key, rule]) =>
      /^traefik\.http\.routers\.[^.]+\.rule$/i.test(key) ? readRule(rule).hosts : [],
    ),
  );
  tell(
    io,
    contained,
    rules.length === 0 ? staysReason : `the labels of containers ask it for names; ${staysReason}`,
    rules,
  );
  const entryPoints = Object.entries(found.entryPoints).flatMap(([name, port]) => {
    const published = portOutside(container, port);
    return published === undefined ? [] : [[name, published] as const];
  });
  return {
    ...found,
    isOurs: false,
    entryPoints: Object.fromEntries(entryPoints),
    // Its paths are the container's.
    certificates: [],
    routers: found.routers.map((router) => routerOutside(contained, router)),
  };
}

function routerOutside(contained: ContainedProgram, router: FoundRouter): FoundRouter {
  const asked = router.backends.map((backend) => ({
    backend,
    outside: endpointOutside(contained, { host: backend.address, port: backend.port }),
  }));
  const refused = asked.flatMap(({ outside }) => ("reason" in outside ? [outside.reason] : []));
  const backends = asked.flatMap(({ backend, outside }): readonly Backend[] =>
    "reason" in outside ? [] : [{ ...backend, address: outside.host, port: outside.port }],
  );
  if (refused.length === 0) return { ...router, backends };
  return {
    ...router,
    backends: [],
    remarks: [...refused.map((each) => `it leads to ${each}`), ...router.remarks],
  };
}

const staysReason =
  "it stays as it is; names that it serves from a port of a guest are in the site as external services";
const noMount = "its configuration is in the container alone, where import does not look: it stays as it is";

function tell(io: ReadIo, contained: ContainedProgram, reason: string, names: readonly string[] = []): void {
  io.left({
    source: contained.container.source,
    what: titleOf(contained) + namesShown([...new Set(names)]),
    reason,
  });
}
