/** Which places of the site declare guests, names, services and ports: the origins that several components share. Pure. */

import type { Certificate, Guest, PortainerEnvironment, RoleGuest, Service, Site, Stack } from "../model.ts";
import type { Origin, Reason, Subject } from "../origin.ts";
import type { SourceRef } from "../resource.ts";
import { backendOrigins, labelOrigins, optionOrigins, stackOf } from "./label-origins.ts";
import { memo } from "./memo.ts";

/** The whole of the hypervisor's configuration. */
function configuration({ hypervisor }: Site): SourceRef {
  return { file: hypervisor.from.file, line: 1, column: 1 };
}

/** A key of the hypervisor's configuration: "dns_server/enabled". The first that is there counts. */
export function settingOrigin(site: Site, says: string, ...keys: readonly string[]): Origin {
  return { at: configuration(site), keys, says };
}

export function domainOrigin(site: Site): Origin {
  return settingOrigin(site, "the domain of the site's own names", "domain_name");
}

export function hypervisorOrigin({ hypervisor }: Site, says = "the hypervisor's address"): Origin {
  return { at: hypervisor.from, says };
}

/** "vm/311 (docker-one)". */
function titleOf({ host, name }: Guest): string {
  return `${host} (${name})`;
}

/** The machine that a stack is assigned to, or its Swarm. */
function placeOf({ guest, swarm }: Stack): string {
  return swarm === undefined ? titleOf(guest) : `the Swarm ${swarm}`;
}

export function guestOrigin(guest: Guest): Origin {
  return { at: guest.from, says: `declares ${titleOf(guest)}` };
}

export function addressOrigin(guest: Guest, says = `the address of ${titleOf(guest)}`): Origin {
  return { at: guest.from, keys: ["network_config/ip"], says };
}

/** What makes a guest the gateway, the mesh or the CA. */
export function roleOrigin(guest: Guest, role: "gateway" | "mesh" | "ca"): Origin {
  const title = role === "ca" ? "CA" : role;
  return {
    at: guest.from,
    keys: ["fabric_role", "features", "name"],
    says: `shows that ${titleOf(guest)} is the ${title}`,
  };
}

export function roleOrigins({ roles }: Site, role: "gateway" | "mesh" | "ca"): readonly Origin[] {
  const guest = roles[role];
  return guest === undefined ? [] : [roleOrigin(guest, role)];
}

/** Where the names of a service are declared, and the stack that brings it. */
export function nameOrigins(site: Site, service: Service): readonly Origin[] {
  const stack = stackOf(site, service);
  if (stack !== undefined) {
    return [
      { at: service.from, says: "declares the name and the router's rule" },
      { at: stack.from, says: `puts stack ${stack.name} on ${placeOf(stack)}` },
    ];
  }
  const { portainer } = site;
  const isPortainers = portainer !== undefined && service.names.includes(portainer.hostname);
  const own: Origin = { at: service.from, keys: ["host", "name"], says: "declares the name" };
  return [
    ...(service.from === service.guest.from ? [] : [own]),
    ...(isPortainers ? portainerNameOrigins(site) : []),
    ...(service.names.some((name) => isBelow(name, site.domain)) ? [domainOrigin(site)] : []),
  ];
}

/** Where Portainer's host name is declared. */
export function portainerNameOrigins(site: Site): readonly Origin[] {
  return [settingOrigin(site, "Portainer's host name", "portainer_api/portainer_hostname")];
}

/** Everything that decides a routed service's router: names, rule, middlewares, backend. */
export function routerOrigins(site: Site, service: Service): readonly Origin[] {
  return [
    ...nameOrigins(site, service),
    ...labelOrigins(site, service),
    ...backendOrigins(site, service),
    addressOrigin(service.guest),
  ];
}

/** Where clients of a name are sent: the gateway, or the guest itself. */
export function destinationOrigins(site: Site, service: Service): readonly Origin[] {
  const { gateway } = site.roles;
  if (service.path !== "routed") return [addressOrigin(service.guest)];
  return gateway === undefined ? [] : [addressOrigin(gateway), roleOrigin(gateway, "gateway")];
}

/** What decides how the gateway treats a service's requests. */
export function treatmentOrigins(site: Site, service: Service): readonly Origin[] {
  return [...nameOrigins(site, service), ...optionOrigins(site, service)];
}

/** What concerns a guest. */
export function aboutGuest(guest: Pick<Guest, "host" | "address">): readonly Subject[] {
  return [
    `guest:${guest.host}`,
    ...(guest.address === undefined ? [] : [`address:${guest.address}` as const]),
  ];
}

/** What concerns a service: its names, its guest and port, its stack. */
export function aboutService(service: Service): readonly Subject[] {
  const { id, names, guest, backend, stack } = service;
  return [
    ...names.map((name) => `name:${name}` as const),
    `service:${id}`,
    ...aboutGuest(guest),
    `port:${guest.host}:${backend.port}`,
    ...(stack === undefined ? [] : [`stack:${stack}` as const]),
  ];
}

/** Why an environment of Portainer is there. */
export function environmentReason({ guest, name, kind, swarm, from }: PortainerEnvironment): Reason {
  if (swarm !== undefined)
    return {
      origins: [
        { at: guest.from, keys: ["swarm"], says: `makes it the first manager of the Swarm ${swarm}` },
        { at: from, says: "names the environment" },
        addressOrigin(guest),
      ],
      about: [`environment:${name}`, ...aboutGuest(guest)],
    };
  const role = kind === "agent" ? "makes it a machine of Portainer's agent" : "makes it Portainer's machine";
  return {
    origins: [
      { at: guest.from, keys: ["portainer_role"], says: role },
      { at: guest.from, keys: ["portainer_environment_name", "name"], says: "names the environment" },
      addressOrigin(guest),
    ],
    about: [`environment:${name}`, ...aboutGuest(guest)],
  };
}

/** Where a name of a certificate is declared: in the manifest, or with the service that is served by it. */
export function certificateNameOrigins(
  site: Site,
  certificate: Certificate,
  name: string,
): readonly Origin[] {
  const { serves } = certificate;
  const services = servicesByName(site).get(name) ?? [];
  const isPortainers =
    serves === "portainer" && (name === site.portainer?.hostname || name === site.portainer?.guest.address);
  const listed: Origin = {
    at: certificate.from,
    keys: [`sans/${name}`, ...(name === certificate.commonName ? ["common_name"] : [])],
    says: "names it in the manifest",
    optional: true,
  };
  const derived: readonly Origin[] = [
    ...(serves === "gateway" ? services.flatMap((service) => nameOrigins(site, service)) : []),
    ...(isPortainers ? [...portainerNameOrigins(site), addressOrigin(site.portainer.guest)] : []),
  ];
  return [...derived, listed];
}

/** Where the files of a certificate are declared. */
export function certificatePathOrigins({ from }: Certificate): readonly Origin[] {
  return [
    { at: from, keys: ["cert_path"], says: "where the certificate is" },
    { at: from, keys: ["key_path"], says: "where its key is" },
  ];
}

/** The services that have a name. */
export const servicesByName = memo((site: Site): ReadonlyMap<string, readonly Service[]> => {
  const byName = new Map<string, Service[]>();
  for (const service of site.services)
    for (const name of service.names) byName.set(name, [...(byName.get(name) ?? []), service]);
  return byName;
});

export function isBelow(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}

/** A guest with a share that lies on the hypervisor, or a guest alone. */
export function shareOrigin(
  guest: Pick<RoleGuest, "host" | "name">,
  share: { readonly from: SourceRef },
): Origin {
  return { at: share.from, says: `the NFS volume of ${guest.host} (${guest.name})` };
}
