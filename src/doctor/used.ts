/** The machines that a sync works in. Pure. */
import type { Component, ComponentName } from "../component.ts";
import { filteredGuests } from "../fabric/firewall.ts";
import { routedServices } from "../fabric/services.ts";
import type { Site } from "../model.ts";
import type { HostName } from "../resource.ts";

/** Where these components have resources, and what their checks reach: backends, and guests with a firewall. */
export function usedMachines(site: Site, components: readonly Component[]): ReadonlySet<HostName> {
  const has = (...names: readonly ComponentName[]): boolean =>
    components.some(({ name }) => names.includes(name));
  const filtered = has("firewall") && site.firewall?.enabled === true ? filteredGuests(site) : [];
  const backends = has("traefik", "nginx") ? routedServices(site).map(({ guest }) => guest) : [];
  return new Set([
    ...components.flatMap((each) => each.compile(site)).map(({ host }) => host),
    ...[...filtered, ...backends].map(({ host }) => host),
  ]);
}
