/** Which services and names the gateway serves. */
import type { Service, Site } from "../model.ts";

/** The services that clients reach through the gateway. */
export function routedServices({ services }: Pick<Site, "services">): readonly Service[] {
  return services.filter(({ path }) => path === "routed");
}

/** Every name that the gateway terminates TLS for, sorted, without duplicates. */
export function gatewayNames(site: Pick<Site, "services" | "roles">): readonly string[] {
  const own = site.services.filter((service) => service.guest.host === site.roles.gateway?.host);
  const names = [...routedServices(site), ...own].flatMap((service) => service.names);
  return [...new Set(names)].sort();
}
