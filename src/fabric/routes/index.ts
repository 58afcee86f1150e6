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
import {
  askedOfMesh,
  type DeclaredRouter,
  type DeclaredService,
  type LabelFault,
  LabelFaults,
  type LabelledContainer,
  type Labels,
  newService,
} from "./labels.ts";
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
  const faults = new LabelFaults();
  const labels = readLabels(
    containers.map((container) => withPublisher(container, containers)),
    faults,
  );
  const routes = [...labels.routers].flatMap(([name, router]) => routeOf(labels, name, router, faults) ?? []);
  const kept = withoutRedirects(labels, routes);
  reportAmbiguous(kept, faults);
  return { routes: kept, faults: faults.all };
}

/** A container in the network of another service has no ports of its own: that service publishes them. */
function withPublisher(
  container: LabelledContainer,
  containers: readonly LabelledContainer[],
): LabelledContainer {
  const name = /^service:(.*)$/s.exec(container.networkMode ?? "")?.[1];
  const publisher = containers.find(({ service }) => service === name);
  if (publisher === undefined) return container;
  const { service, ports, networkMode } = publisher;
  const { networkMode: _, ...own } = container;
  return { ...own, ports, publisher: service, ...defined({ networkMode }) };
}

function routeOf(
  labels: Labels,
  name: string,
  router: DeclaredRouter,
  faults: LabelFaults,
): Route | undefined {
  const { stack, from, rule, priority } = router;
  if (/[@\s]/.test(name))
    return faults.error(
      from,
      `${JSON.stringify(name)} is not a valid name of a router`,
      'leave out spaces and "@"',
    );
  if (rule === undefined || rule === "") {
    const hint = `add the label traefik.http.routers.${name}.rule=Host(\`…\`)`;
    return faults.error(from, `router ${name} has no rule`, hint);
  }
  const { hosts, faults: ofRule } = readRule(rule);
  for (const { message, hint } of ofRule) faults.error(from, `router ${name}: ${message}`, hint);
  if (ofRule.length === 0 && hosts.length === 0) {
    const hint = "DNS, the certificate and the gateway need a name: add Host(`…`) to the rule";
    faults.error(from, `router ${name} names no host`, hint);
  }
  const middlewares = middlewaresOf(labels, name, router, faults);
  const service = serviceOf(labels, name, router, faults);
  if (service === undefined) return undefined;
  const { backends, loadBalancer } = backendsOf(service, faults);
  const [backend, ...more] = backends;
  if (backend === undefined || hosts.length === 0) return undefined;
  const servers = more.length === 0 ? undefined : more.map((each) => ({ url: urlOf(each) }));
  return {
    id: `${stack}-${name}`,
    names: hosts,
    rule,
    ...defined({ priority }),
    backend,
    middlewares,
    loadBalancer: { ...loadBalancer, ...defined({ servers }) },
    from,
  };
}

/** The service that a router names, or the only one of its container, or the container itself. */
function serviceOf(
  labels: Labels,
  name: string,
  { service, from: ofRule, containers, places }: DeclaredRouter,
  faults: LabelFaults,
): DeclaredService | undefined {
  const from = places.get("service") ?? ofRule;
  if (service !== undefined) {
    const wanted = service.replace(/@docker$/, "");
    const found = labels.services.get(wanted);
    if (found !== undefined) return found;
    // Traefik's own name for a container without labels about services.
    const own = containers.find((container) => wanted === `${container.service}-${container.stack}`);
    if (own !== undefined) return { ...newService(name, from), containers: [own] };
    if (/@internal$/.test(wanted)) {
      const hint = "remove the router: the mesh's dashboard and API answer on its entry point traefik";
      return faults.error(from, `router ${name} leads to ${wanted}, which is Traefik itself`, hint);
    }
    const hint = "labels of other stacks and files of the mesh cannot be named: name a service of this stack";
    const message = `router ${name} names service ${service}, which no label of the stack declares`;
    return faults.error(from, message, hint);
  }
  const declared = [...labels.services.values()].filter((each) =>
    each.containers.some((container) => containers.includes(container)),
  );
  const [first = { ...newService(name, from), containers }, second] = declared;
  if (second === undefined) return first;
  const names = declared.map((each) => each.name).join(", ");
  const hint = `add the label traefik.http.routers.${name}.service=${first.name}`;
  return faults.error(from, `router ${name} does not name one of its services: ${names}`, hint);
}

/** A router's middlewares, with chains expanded. */
function middlewaresOf(
  labels: Labels,
  router: string,
  { stack, middlewares, from: ofRule, places }: DeclaredRouter,
  faults: LabelFaults,
): readonly Middleware[] {
  const expand = (written: string, within: readonly string[]): readonly Middleware[] => {
    const from = places.get(`middleware ${within[0] ?? written}`) ?? ofRule;
    const name = written.replace(/@docker$/, "");
    if (name.endsWith("@file")) {
      const message = `router ${router} uses ${name}, which must be declared in the mesh by other means`;
      faults.warn(from, message, askedOfMesh);
      return [{ name, options: {} }];
    }
    const found = labels.middlewares.get(name);
    if (found === undefined || within.includes(name)) {
      const why = found === undefined ? "which no label of the stack declares" : "which contains itself";
      const hint = "repeat its labels in this stack: stacks do not share them";
      faults.error(
        from,
        `router ${router} uses middleware ${name}, ${why}`,
        found === undefined ? hint : undefined,
      );
      return [];
    }
    const chain = found.options.chain as { middlewares?: readonly string[] } | undefined;
    if (chain !== undefined)
      return (chain.middlewares ?? []).flatMap((each) => expand(each, [...within, name]));
    return [{ name: `${stack}-${name}`, options: found.options }];
  };
  return middlewares.flatMap((name) => expand(name, []));
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
    .map((route) => ({ ...route, middlewares: route.middlewares.filter((each) => !redirects(each)) }));
}

/** Reports equal rules of equal priority: which one is used changes from reload to reload (measured). */
function reportAmbiguous(routes: readonly Route[], faults: LabelFaults): void {
  const ids = new Map<string, string>();
  for (const { id, rule, priority = 0, from } of routes) {
    const key = `${priority} ${rule}`;
    const before = ids.get(key);
    ids.set(key, before ?? id);
    if (before === undefined) continue;
    const message = `routers ${before} and ${id} have the same rule and the same priority`;
    faults.error(from, message, "give one of them a priority, or another rule");
  }
}
