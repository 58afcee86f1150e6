/** Which services and names the gateway serves. */
import type { RoleGuest, Service, Site } from "../model.ts";

/** The services that clients reach through the gateway. */
export function routedServices({ services }: Pick<Site, "services">): readonly Service[] {
  return services.filter(({ path }) => path === "routed");
}

/** The address that clients reach the gateway at; undefined without one. */
export function frontAddress({
  gatewayPair,
  roles,
}: Pick<Site, "gatewayPair" | "roles">): string | undefined {
  return gatewayPair?.address ?? roles.gateway?.address;
}

/** The gateways of the site, the one that is preferred first. */
export function gatewaysOf({
  gatewayPair,
  roles,
}: Pick<Site, "gatewayPair" | "roles">): readonly RoleGuest[] {
  return [roles.gateway, gatewayPair?.standby].filter((guest) => guest !== undefined);
}

/** Where the mesh's requests come from. */
export function gatewayAddresses(site: Pick<Site, "gatewayPair" | "roles">): readonly string[] {
  return gatewaysOf(site).map(({ address }) => address);
}

/** Every name that the gateway terminates TLS for, sorted, without duplicates. */
export function gatewayNames(site: Pick<Site, "services" | "roles">): readonly string[] {
  const own = site.services.filter((service) => service.guest.host === site.roles.gateway?.host);
  const names = [...routedServices(site), ...own].flatMap((service) => service.names);
  return [...new Set(names)].sort();
}
