/** What the mesh should route: every routed service of the one list, to the place that answers for it. */
import { dynamicConfig, dynamicHash, dynamicUnits, type MeshRoute } from "../../formats/traefik/index.ts";
import { routedServices, type Site } from "../../model.ts";
import { canonicalJson, type Resource } from "../../resource.ts";

export const paths = {
  /** The watched directory. Other files in it are other people's. */
  directory: "/etc/traefik/dynamic",
  configuration: "/etc/traefik/dynamic/dynamic_conf.yml",
  /** Where files are made before they are moved into place: every event in the watched directory is a reload. */
  staging: "/etc/traefik",
  /** In the watched directory, so that a new root is noticed; Traefik loads only .yml, .yaml and .toml there. */
  root: "/etc/traefik/dynamic/phoenix-root-ca.crt",
  static: "/etc/traefik/traefik.yml",
} as const;

/** Applied in this order: the root that a route trusts must be there when the route is loaded. */
export function compile(site: Site): readonly Resource[] {
  const routes = routesOf(site);
  const text = dynamicConfig({ routes, rootFile: paths.root });
  return [
    ...(needsRoot(routes) ? [rootResource(site, "trusted")] : []),
    routesResource(site, text),
    serviceResource(site, { active: true, enabled: true }),
  ];
}

export function routesOf(site: Site): readonly MeshRoute[] {
  return routedServices(site).map(({ id, rule, priority, backend, middlewares, loadBalancer }) => ({
    id,
    rule,
    ...(priority === undefined ? {} : { priority }),
    backend,
    middlewares,
    loadBalancer,
  }));
}

/** Whether some backend shows a certificate that the site's root must vouch for. */
export function needsRoot(routes: readonly MeshRoute[]): boolean {
  return routes.some(
    ({ backend, loadBalancer }) => backend.scheme === "https" && loadBalancer.serversTransport === undefined,
  );
}

/** The hash that the mesh answers with once it has loaded this site's routes. */
export function expectedHash(site: Site): string | undefined {
  return dynamicHash(dynamicConfig({ routes: routesOf(site), rootFile: paths.root }));
}

export function routesResource(site: Site, text: string): Resource {
  const from = Object.fromEntries(routedServices(site).map((service) => [service.id, service.from]));
  return { id: "traefik/routes", host: site.roles.mesh.host, text, units: dynamicUnits(text), from };
}

/**
 * Which root it is shows on the CA only, so what is declared is the state: the root that the CA has is the one in place.
 * @param certificate the PEM text in place when it is another one, so that it can be put back. It is public.
 */
export function rootResource(site: Site, state: string, certificate?: string): Resource {
  return {
    id: "traefik/root",
    host: site.roles.mesh.host,
    text: canonicalJson({ state, certificate }),
    units: { "the CA's root": state },
  };
}

/** The certificate that a resource's text holds. */
export function certificateOf(resource: Resource): string | undefined {
  const { certificate } = JSON.parse(resource.text) as { certificate?: string };
  return certificate;
}

export function serviceResource(site: Site, state: { active: boolean; enabled: boolean }): Resource {
  const units = { running: state.active ? "yes" : "no", "starts at boot": state.enabled ? "yes" : "no" };
  return { id: "traefik/service", host: site.roles.mesh.host, text: canonicalJson(state), units };
}
