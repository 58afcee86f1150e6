/** Traefik's API on the entry point `traefik` (3.7.15): versions, routers, services, middlewares, and /ping. Pure. */
import type { LoadedTraefik } from "./load.ts";
import { type RuntimeObject, type RuntimeRouter, traefikRuntime } from "./runtime.ts";
import { fieldsOf, stringsOf } from "./values.ts";

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const version = { Version: "3.7.15", Codename: "langres" };

export function traefikApi(loaded: LoadedTraefik, uri: string): ApiAnswer {
  const url = new URL(uri, "http://traefik.invalid");
  const path = decodeURIComponent(url.pathname).replace(/(.)\/$/, "$1");
  if (path === "/ping") return loaded.static.ping ? { status: 200, text: "OK" } : notFound;
  if (!loaded.static.api || !path.startsWith("/api/")) return notFound;
  const { routers, services, middlewares } = traefikRuntime(loaded.static, loaded.dynamic);
  const shown = {
    routers: routers.map(routerJson),
    services: [...services.values()].map((service) => objectJson(service, true)),
    middlewares: [...middlewares.values()].map((middleware) => objectJson(middleware, false)),
  };
  switch (path) {
    case "/api/version":
      return json({ ...version, startDate: new Date(loaded.startMs).toISOString() });
    case "/api/entrypoints":
      return json(
        Object.entries(loaded.static.entryPoints).map(([name, { port }]) => ({ address: `:${port}`, name })),
      );
    case "/api/overview":
      return json(overview(shown));
    case "/api/rawdata":
      return json(
        Object.fromEntries(
          Object.entries(shown)
            .filter(([, list]) => list.length > 0)
            .map(([kind, list]) => [kind, Object.fromEntries(list.map((each) => [each.name, each]))]),
        ),
      );
    default:
      return listOrOne(shown, path, url.searchParams);
  }
}

type Shown = Readonly<Record<"routers" | "services" | "middlewares", readonly ObjectJson[]>>;

interface ObjectJson {
  readonly name: string;
  readonly status: string;
  readonly [member: string]: unknown;
}

function listOrOne(shown: Shown, path: string, query: URLSearchParams): ApiAnswer {
  const [, kind = "", name] = /^\/api\/http\/(routers|services|middlewares)(?:\/(.+))?$/.exec(path) ?? [];
  const list = shown[kind as keyof Shown];
  if (list === undefined) return notFound;
  if (name !== undefined) {
    const found = list.find((each) => each.name === name);
    if (found !== undefined) return json(found);
    const text = JSON.stringify({ message: `${kind.slice(0, -1)} not found: ${name}` });
    return { status: 404, text, headers: { "content-type": "text/plain; charset=utf-8" } };
  }
  const status = query.get("status");
  const search = query.get("search") ?? "";
  const wanted = list.filter(
    (each) =>
      (status === null || each.status === status) &&
      `${each.name} ${String(each.rule ?? "")}`.includes(search),
  );
  const page = Number(query.get("page") ?? 1);
  const perPage = Number(query.get("per_page") ?? 100);
  const first = (page - 1) * perPage;
  if (perPage < 1 || (first >= wanted.length && page > 1)) {
    return { status: 400, text: `invalid request: page: ${page}, per_page: ${perPage}\n` };
  }
  const isLast = first + perPage >= wanted.length;
  return {
    ...json(wanted.slice(first, first + perPage)),
    headers: { "x-next-page": isLast ? "1" : String(page + 1) },
  };
}

function overview(shown: Shown): unknown {
  const count = (list: readonly ObjectJson[], internal: number) => ({
    total: list.length + internal,
    warnings: list.filter(({ status }) => status === "warning").length,
    errors: list.filter(({ status }) => status === "disabled").length,
  });
  return {
    http: {
      routers: count(shown.routers, 3),
      services: count(shown.services, 4),
      middlewares: count(shown.middlewares, 2),
    },
    features: { tracing: "", metrics: "", accessLog: false },
    providers: ["File"],
  };
}

function routerJson(router: RuntimeRouter): ObjectJson {
  const { name, rule, service, entryPoints, middlewares, priority, tls, status, errors, using } = router;
  return {
    entryPoints,
    ...(middlewares.length === 0 ? {} : { middlewares }),
    ...(service === "" ? {} : { service }),
    ...(rule === "" ? {} : { rule }),
    ...(priority === 0 ? {} : { priority }),
    ...(tls ? { tls: {} } : {}),
    ...(errors.length === 0 ? {} : { error: errors }),
    status,
    ...(using.length === 0 ? {} : { using }),
    name,
    provider: "file",
  };
}

function objectJson(
  { name, status, errors, usedBy, configuration }: RuntimeObject,
  isService: boolean,
): ObjectJson {
  const [type = ""] = Object.keys(configuration);
  const servers = fieldsOf(configuration.loadBalancer).servers;
  const urls = Array.isArray(servers) ? servers.flatMap((server) => stringsOf(fieldsOf(server).url)) : [];
  return {
    ...configuration,
    ...(errors.length === 0 ? {} : { error: errors }),
    status,
    ...(usedBy.length === 0 ? {} : { usedBy }),
    ...(isService && urls.length > 0
      ? { serverStatus: Object.fromEntries(urls.map((url) => [url, "UP"])) }
      : {}),
    name,
    provider: "file",
    type: type.toLowerCase(),
  };
}

const notFound: ApiAnswer = { status: 404, text: "404 page not found\n" };

function json(value: unknown): ApiAnswer {
  return { status: 200, text: JSON.stringify(value), headers: { "content-type": "application/json" } };
}
