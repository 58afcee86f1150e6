/**
 * The ways of requests to the site's names, hop by hop. Pure: `why` and the dashboard show them as they should be, `trace`
 * measures them.
 */

import { urlsOf } from "../formats/traefik/index.ts";
import type { Guest, RoleGuest, Service, Site } from "../model.ts";
import type { SourceRef } from "../resource.ts";
import { stackServices } from "./containers-at.ts";
import { describeHost, guestOf } from "./guests.ts";
import type { DnsHop, GuestHop, Hop, Way } from "./hop.ts";
import {
  agentsClient,
  applicationAt,
  backends,
  certificateFor,
  connection,
  containers,
  containersOf,
  ownContainers,
  tcpHop,
  tlsHop,
} from "./hop-parts.ts";
import { memo } from "./memo.ts";
import { ports } from "./ports.ts";
import { type DeclaredRecord, recordsOf } from "./records.ts";
import { frontAddress } from "./services.ts";

/** Every name that the site declares, those of services first, each once. Wildcards as they are written: "*.x". */
export const tracedNames = memo((site: Site): readonly string[] => {
  const { exact, wildcards } = recordsOf(site);
  const records = [...exact, ...wildcards].map(({ name }) => name);
  return [...new Set([...site.services.flatMap(({ names }) => names), ...records])];
});

/** The ways to a name; none for a name that the site does not declare. A wildcard's record is a way for all names below it. */
export function waysTo(site: Site, name: string): readonly Way[] {
  const { services, records } = indexOf(site);
  const record = records.get(name) ?? wildcardOf(site, name);
  const dns = dnsHop(site, name, record);
  const found = (services.get(name) ?? []).map((service) => {
    const hops = [...(service.path === "external" ? [] : dns), ...hopsOf(site, service, name)];
    return { name, leadsTo: service.id, service, hops };
  });
  if (found.length > 0) return found;
  if (record === undefined) return [];
  const { leadsTo, hops } = directWay(site, name, record);
  return [{ name, leadsTo, hops: [...dns, ...hops] }];
}

/** The hypervisor's own interface, port 8006. */
export function wayToHypervisor(site: Site): Way {
  const { address, from } = site.hypervisor;
  const to = { host: "pve", address, port: ports.proxmox, from } as const;
  const hops = [tcpHop(site, to, "network", "Proxmox's interface"), tlsHop(to, "pve", "own")];
  return { name: "pve", leadsTo: "Proxmox's interface", hops };
}

/** A guest itself: its name, whether it runs, and where it is one of Docker's machines, the containers on it. */
export function wayToGuest(site: Site, guest: Guest): Way {
  const record = recordsOf(site).exact.find(
    ({ address, from }) => address === guest.address && from === guest.from,
  );
  const dns = record === undefined ? [] : dnsHop(site, record.name, record);
  return {
    name: record?.name ?? guest.host,
    leadsTo: describeHost(site, guest.host),
    hops: [
      ...dns,
      guestHop(site, guest),
      ...ownContainers(site, guest),
      ...site.stacks
        .filter((stack) => stack.guest.host === guest.host)
        .flatMap((stack) => containersOf(stack, stackServices(stack))),
    ],
  };
}

const indexOf = memo((site: Site) => {
  const services = new Map<string, Service[]>();
  for (const service of site.services)
    for (const name of service.names) {
      const known = services.get(name);
      if (known === undefined) services.set(name, [service]);
      else known.push(service);
    }
  const records = new Map(recordsOf(site).exact.map((record) => [record.name, record]));
  return { services, records };
});

/** The most specific wildcard above a name, as dnsmasq chooses. */
function wildcardOf(site: Site, name: string): DeclaredRecord | undefined {
  return recordsOf(site)
    .wildcards.filter((record) => record.name === name || name.endsWith(record.name.slice(1)))
    .sort((a, b) => b.name.length - a.name.length)[0];
}

function dnsHop({ dns }: Site, name: string, record: DeclaredRecord | undefined): readonly DnsHop[] {
  if (dns?.enabled !== true || record === undefined) return [];
  const { address, from } = record;
  return [{ kind: "dns", host: "pve", name, address, expected: address, from }];
}

function hopsOf(site: Site, service: Service, name: string): readonly Hop[] {
  if (service.path === "external") return [...backends(site, service, "pve"), ...containers(site, service)];
  return service.path === "routed" ? routedHops(site, service, name) : directHops(site, service, name);
}

function routedHops(site: Site, service: Service, name: string): readonly Hop[] {
  const { gateway, mesh } = site.roles;
  if (gateway === undefined || mesh === undefined) return [];
  const { from } = service;
  const front = {
    host: gateway.host,
    address: frontAddress(site) ?? gateway.address,
    port: ports.https,
    from: gateway.from,
  };
  const entry = { host: mesh.host, address: mesh.address, port: ports.http, from: mesh.from };
  const certificate = site.certificates.find(({ serves }) => serves === "gateway");
  return [
    tcpHop(site, front, "anywhere", "clients reach the gateway"),
    tlsHop(front, name, "site", certificate),
    {
      ...{
        kind: "gateway",
        host: gateway.host,
        name,
        from,
        expected: `nginx -> http://${mesh.address}:${ports.http}`,
      },
      ...connection(site, entry, gateway.host, "the gateway passes requests to the mesh"),
    },
    {
      kind: "mesh",
      host: mesh.host,
      service,
      from,
      expected: `router ${service.id} -> ${urlsOf(service.backend).join(", ")}`,
    },
    ...backends(site, service, mesh.host),
    ...containers(site, service),
  ];
}

/** The gateway's own names end at the gateway; others at the guest itself. */
function directHops(site: Site, service: Service, name: string): readonly Hop[] {
  const { guest, backend, from } = service;
  const application = applicationAt(site, guest, backend.port);
  const to = { host: guest.host, address: backend.address, port: backend.port, from };
  const isGateway = guest.host === site.roles.gateway?.host;
  const certificate = isGateway
    ? site.certificates.find(({ serves }) => serves === "gateway")
    : certificateFor(site, name);
  const sender = application === "agent" ? agentsClient(site) : "network";
  return [
    tcpHop(site, to, sender, `clients reach ${service.id}`),
    ...(backend.scheme === "https"
      ? [tlsHop(to, name, application === "agent" ? "own" : "site", certificate)]
      : []),
    ...backends(site, service, sender),
    ...containers(site, service),
  ];
}

function guestHop(site: Site, guest: Guest): GuestHop {
  return {
    kind: "guest",
    host: guest.host,
    guest,
    expected: `${describeHost(site, guest.host)} running`,
    from: guest.from,
  };
}

/** What a record without a service leads to: an agent, Portainer, the CA, a guest, or an address and nothing more. */
function directWay(site: Site, name: string, record: DeclaredRecord): Pick<Way, "leadsTo" | "hops"> {
  const { portainer, ca, roles } = site;
  const agent = portainer?.environments.find((each) => each.hostname === name && each.kind === "agent");
  if (agent !== undefined) {
    const { guest, port, from } = agent;
    return {
      leadsTo: `the agent of ${agent.name}`,
      hops: applicationHops(site, guest, { name, port, from, application: "agent" }),
    };
  }
  if (name === portainer?.hostname) {
    const { guest, port } = portainer;
    return {
      leadsTo: "Portainer",
      hops: applicationHops(site, guest, { name, port, from: guest.from, application: "portainer" }),
    };
  }
  if (name === ca?.hostname && roles.ca !== undefined)
    return {
      leadsTo: "the CA",
      hops: applicationHops(site, roles.ca, { name, port: ca.port, from: roles.ca.from, application: "ca" }),
    };
  const guest = site.guests.find(
    (each) => !each.template && each.address === record.address && each.from === record.from,
  );
  if (guest === undefined) return { leadsTo: "a record", hops: [] };
  return {
    leadsTo: describeHost(site, guest.host),
    hops: wayToGuest(site, guest).hops.filter(({ kind }) => kind !== "dns"),
  };
}

interface ApplicationAt {
  readonly name: string;
  readonly port: number;
  readonly from: SourceRef;
  readonly application: "agent" | "portainer" | "ca";
}

function applicationHops(
  site: Site,
  guest: RoleGuest,
  { name, port, from, application }: ApplicationAt,
): readonly Hop[] {
  const to = { host: guest.host, address: guest.address, port, from };
  const sender = application === "agent" ? agentsClient(site) : "network";
  const title = guestOf(site, guest.host)?.name ?? guest.host;
  return [
    tcpHop(site, to, sender, `clients reach ${title}`),
    tlsHop(
      to,
      name,
      application === "agent" ? "own" : "site",
      application === "portainer" ? certificateFor(site, name) : undefined,
    ),
    {
      ...{
        kind: "backend",
        host: guest.host,
        from,
        scheme: "https",
        application,
        expected: `https://${guest.address}:${port}`,
      },
      ...connection(site, to, sender, `clients reach ${title}`),
    },
    ...ownContainers(site, guest)
      .filter((each) => each.port === port)
      .map(({ port: _, ...hop }) => hop),
  ];
}
