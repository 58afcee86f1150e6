/** What the mesh should route: every routed service, to the backend that answers for it. */

import { defined } from "../../defined.ts";
import { roleOf } from "../../fabric/declared.ts";
import { routedServices } from "../../fabric/services.ts";
import {
  dynamicConfig,
  dynamicHash,
  dynamicOptions,
  dynamicUnits,
  type MeshRoute,
} from "../../formats/traefik/index.ts";
import type { Site } from "../../model.ts";
import type { Resource } from "../../resource.ts";
import { Secret } from "../../secret.ts";
import { looksSecret } from "../../secret-spans.ts";
import { isSensitiveName } from "../../sensitive.ts";
import { countWords, rootResource, serviceResource } from "../resources.ts";

export const rootId = "traefik/root";
export const serviceId = "traefik/service";

export const paths = {
  /** The watched directory. Other files in it are foreign. */
  directory: "/etc/traefik/dynamic",
  configuration: "/etc/traefik/dynamic/dynamic_conf.yml",
  /** Where files are written before they are moved into place: every event in the watched directory causes a reload. */
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
    ...(needsRoot(routes) ? [rootResource(rootId, roleOf(site, "mesh").host, "trusted")] : []),
    routesResource(site, text),
    serviceResource(serviceId, roleOf(site, "mesh").host, { active: true, enabled: true }),
  ];
}

export function routesOf(site: Site): readonly MeshRoute[] {
  return routedServices(site).map(({ id, rule, priority, backend, middlewares, loadBalancer }) =>
    defined({ id, rule, priority, backend, middlewares, loadBalancer }),
  );
}

/** Whether some backend presents a certificate that the site's root must verify. */
export function needsRoot(routes: readonly MeshRoute[]): boolean {
  return routes.some(
    ({ backend, loadBalancer }) => backend.scheme === "https" && loadBalancer.serversTransport === undefined,
  );
}

/** The hash in the mesh's answers once it has loaded this site's routes. */
export function expectedHash(site: Site): string | undefined {
  return dynamicHash(dynamicConfig({ routes: routesOf(site), rootFile: paths.root }));
}

export function routesResource(site: Site, text: string): Resource {
  const from = Object.fromEntries(routedServices(site).map((service) => [service.id, service.from]));
  const options = dynamicOptions(text);
  const units = { ...dynamicUnits(text), ...options };
  const host = roleOf(site, "mesh").host;
  const summary = countWords(routedServices(site).length, "route");
  return { id: "traefik/routes", host, text, units, summary, from, secrets: secretOptions(options) };
}

/** Options that hold a secret: the header that a middleware sends, the hash of a user's password. */
function secretOptions(options: Readonly<Record<string, string>>): Readonly<Record<string, Secret>> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([unit, value]) => isSensitiveName(unit) || looksSecret(value))
      .map(([unit, value]) => [unit, new Secret(value)]),
  );
}
