/**
 * A stack's Traefik labels as routes of the file provider. Traefik reads labels only from an engine of its own; the mesh
 * runs elsewhere, so container ports become published ports of the virtual machine. TLS ends at the gateway: all requests
 * arrive at the one entry point `web`, and labels about TLS have no effect.
 */
import { defined } from "../../defined.ts";
import { urlOf } from "../../formats/traefik/index.ts";
import { readRule } from "../../formats/traefik/rule.ts";
import type { Backend, Middleware } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import { backendsOf } from "./backend.ts";
import type { DeclaredRouter, DeclaredService, LabelFault, LabelledContainer, Labels } from "./labels.ts";
import { readLabels } from "./read.ts";

export interface Route {
  /** "<stack>-<router>" */
  readonly id: string;
  /** Host names in the rule, lower case. At least one. */
  readonly names: readonly string[];
  readonly rule: string;
  readonly priority?: number;
  readonly backend: Backend;
  /**
   * In the order they apply, chains expanded. One with "@" in its name is declared elsewhere and has no options; the names
   * of the stack's own begin with the stack's.
   */
  readonly middlewares: readonly Middleware[];
  /** Members of the load balancer besides the server; `servers` holds the URLs of further ones. */
  readonly loadBalancer: Readonly<Record<string, unknown>>;
  readonly from: SourceRef;
}

export interface TranslatedLabels {
  readonly routes: readonly Route[];
  readonly faults: readonly LabelFault[];
}

/** Translates the labels of all containers of one stack: services and middlewares are shared by their names. Pure. */
export function translateLabels(containers: readonly LabelledContainer[]): TranslatedLabels {
  const labels = readLabels(containers);
  const faults = [...labels.faults];
  const routes = [...labels.routers].flatMap(([name, router]): readonly Route[] => {
    const { route, faults: own } = routeOf(labels, name, router);
    faults.push(...own);
    return route === undefined ? [] : [route];
  });
  const kept = withoutRedirects(labels, routes);
  faults.push(...ambiguous(kept));
  return { routes: kept, faults };
}

function routeOf(
  labels: Labels,
  name: string,
  router: DeclaredRouter,
): { readonly route?: Route; readonly faults: readonly LabelFault[] } {
  const { stack, from, rule, priority } = router;
  if (rule === undefined) {
    const hint = `add the label traefik.http.routers.${name}.rule=Host(\`…\`)`;
    return { faults: [{ message: `router ${name} has no rule`, place: from, hint }] };
  }
  const read = readRule(rule);
  const faults: LabelFault[] = read.faults.map((fault) => ({
    ...fault,
    message: `router ${name}: ${fault.message}`,
    place: from,
  }));
  if (read.faults.length === 0 && read.hosts.length === 0)
    faults.push({
      message: `router ${name} names no host`,
      place: from,
      hint: "DNS, the certificate and the gateway need a name: add Host(`…`) to the rule",
    });
  const service = serviceOf(labels, name, router);
  if ("message" in service) return { faults: [...faults, service] };
  const backends = backendsOf(service);
  const middlewares = middlewaresOf(labels, name, router);
  faults.push(...backends.faults, ...middlewares.faults);
  const [backend, ...more] = backends.backends;
  if (backend === undefined || read.hosts.length === 0) return { faults };
  return {
    route: {
      id: `${stack}-${name}`,
      names: read.hosts,
      rule,
      ...defined({ priority }),
      backend,
      middlewares: middlewares.middlewares,
      loadBalancer:
        more.length === 0
          ? backends.loadBalancer
          : {
              ...backends.loadBalancer,
              servers: more.map((each) => ({ url: urlOf(each) })),
            },
      from,
    },
    faults,
  };
}

/** The service that a router names, or the only one of its container, or the container itself. */
function serviceOf(labels: Labels, name: string, router: DeclaredRouter): DeclaredService | LabelFault {
  const { service, from, containers } = router;
  if (service !== undefined) {
    const own = service.replace(/@docker$/, "");
    const found = labels.services.get(own);
    if (found !== undefined) return found;
    const message = `router ${name} names service ${service}, which no label of the stack declares`;
    return { message, place: from };
  }
  const declared = [...labels.services.values()].filter((each) =>
    each.containers.some((container) => containers.includes(container)),
  );
  const [first, second] = declared;
  if (second !== undefined && first !== undefined) {
    const names = declared.map((each) => each.name).join(", ");
    return {
      message: `router ${name} does not name one of its services: ${names}`,
      place: from,
      hint: `add the label traefik.http.routers.${name}.service=${first.name}`,
    };
  }
  return first ?? { name, containers, from, servers: new Map(), loadBalancer: {} };
}

/** A router's middlewares, with chains expanded. */
function middlewaresOf(
  labels: Labels,
  router: string,
  { stack, middlewares, from }: DeclaredRouter,
): { readonly middlewares: readonly Middleware[]; readonly faults: readonly LabelFault[] } {
  const faults: LabelFault[] = [];
  const expand = (written: string, within: readonly string[]): readonly Middleware[] => {
    const name = written.replace(/@docker$/, "");
    if (name.includes("@")) {
      faults.push({
        message: `router ${router} uses ${name}, which must be declared in the mesh by other means`,
        place: from,
        severity: "warning",
      });
      return [{ name, options: {} }];
    }
    const found = labels.middlewares.get(name);
    if (found === undefined || within.includes(name)) {
      const why = found === undefined ? "which no label of the stack declares" : "which contains itself";
      faults.push({ message: `router ${router} uses middleware ${name}, ${why}`, place: from });
      return [];
    }
    const chain = found.options.chain as { middlewares?: readonly string[] } | undefined;
    if (chain !== undefined)
      return (chain.middlewares ?? []).flatMap((each) => expand(each, [...within, name]));
    return [{ name: `${stack}-${name}`, options: found.options }];
  };
  return { middlewares: middlewares.flatMap((name) => expand(name, [])), faults };
}

/**
 * Routes without redirects to HTTPS, which the gateway does. A router that exists only to redirect is left out when another
 * has its rule; of any other router the redirect is removed: behind the gateway it has no effect at best, and loops at worst.
 */
function withoutRedirects(labels: Labels, routes: readonly Route[]): readonly Route[] {
  const redirects = (middleware: Middleware): boolean => {
    const scheme = (middleware.options.redirectScheme as { scheme?: string } | undefined)?.scheme;
    return scheme?.toLowerCase() === "https";
  };
  const isRedirect = ({ middlewares }: Route): boolean => middlewares.some(redirects);
  return routes
    .filter((route) => {
      if (!isRedirect(route)) return true;
      const others = routes.filter((other) => other !== route && other.rule === route.rule);
      if (others.some((other) => !isRedirect(other))) return false;
      // Where every router of a rule redirects, the one that was meant for TLS serves.
      const serves =
        [route, ...others].find(({ id }) => labels.secure.has(id)) ??
        routes.find(({ rule }) => rule === route.rule);
      return route === serves;
    })
    .map((route) =>
      isRedirect(route)
        ? { ...route, middlewares: route.middlewares.filter((each) => !redirects(each)) }
        : route,
    );
}

/** Equal rules of equal priority: which one is used changes from reload to reload (measured). */
function ambiguous(routes: readonly Route[]): readonly LabelFault[] {
  return routes.flatMap((route, at): readonly LabelFault[] => {
    const before = routes
      .slice(0, at)
      .find(({ rule, priority }) => rule === route.rule && (priority ?? 0) === (route.priority ?? 0));
    if (before === undefined) return [];
    const message = `routers ${before.id} and ${route.id} have the same rule and the same priority`;
    return [{ message, place: route.from, hint: "give one of them a priority, or another rule" }];
  });
}
