/** The services that guests declare, and checks for names that several services claim. */

import { defined } from "../../defined.ts";
import { ports } from "../../fabric/ports.ts";
import {
  type Backend,
  type CertificateAuthority,
  type DnsRecord,
  defaultServiceOptions,
  type Guest,
  type RoleGuest,
  type Roles,
  type Service,
} from "../../model.ts";
import { hostName, qualified } from "../machines/addresses.ts";
import { type GuestEntry, isAddressed } from "../machines/guests.ts";
import type { Cell } from "../text/cell.ts";
import { Claims } from "../text/claims.ts";
import type { Problems } from "../text/problems.ts";
import { readOptions } from "./options.ts";

/** Ports that speak TLS unless a `scheme` says otherwise. */
const tlsPorts = new Set<number>([ports.https, 8443, ports.portainer]);

interface PortainerAddress {
  readonly guest: RoleGuest;
  readonly hostname: string;
  readonly port: number;
}

/** What the services of guests depend on. */
export interface Fabric {
  readonly domain: string;
  readonly roles: Roles;
  readonly ca: CertificateAuthority | undefined;
  /** Portainer's host name and port; undefined when no guest runs it. */
  readonly portainer: PortainerAddress | undefined;
  readonly agentPort: number;
}

/** The services of the guests in the order of the files, Portainer's, and those of the stacks. */
export function readServices(
  entries: readonly GuestEntry[],
  ofStacks: readonly Service[],
  fabric: Fabric,
  problems: Problems,
): readonly Service[] {
  const own = entries.flatMap((entry) =>
    (entry.cell.get("traefik_service")?.each ?? []).flatMap((cell) =>
      cell.isObject ? (readService(entry, cell, fabric, problems) ?? []) : [],
    ),
  );
  const { portainer } = fabric;
  const isDeclared = portainer === undefined || own.some(({ names }) => names.includes(portainer.hostname));
  const services = [...own, ...(isDeclared ? [] : [portainerService(portainer, fabric)]), ...ofStacks];
  checkServices(services, problems);
  return services;
}

function readService(entry: GuestEntry, cell: Cell, fabric: Fabric, problems: Problems): Service | undefined {
  const { guest } = entry;
  const port = cell.get("port")?.integer;
  const name = cell.get("name");
  if (name?.text === undefined || port === undefined) return undefined;
  if (guest.template)
    return problems.report(
      "PHX0308",
      cell,
      `${guest.host} is a template and never runs; its service is ignored`,
      {
        severity: "warning",
      },
    );
  if (!isAddressed(guest))
    return problems.report(
      "PHX0308",
      cell,
      `${guest.host} (${guest.name}) has no fixed address, so its service cannot be reached`,
      { hint: "give the guest an address in network_config.ip, or remove traefik_service" },
    );
  const names = serviceNames(cell, name, entry, fabric, problems);
  const [first] = names;
  if (first === undefined) return undefined;
  const isExternal = cell.get("external")?.flag === true;
  const path = isExternal ? "external" : isDirect(guest, port, fabric) ? "direct" : "routed";
  const serverName = cell.get("server_name")?.text ?? knownServerName(guest, port, fabric);
  const scheme = schemeOf(cell, guest, port, path, fabric);
  return {
    id: idOf(hostName(name.text) ?? first, fabric.domain),
    names,
    path,
    guest,
    ...reachedAt(names, guest, scheme, port, serverName),
    options: readOptions(cell, problems),
    from: cell.ref,
  };
}

/** The backend and rule of a guest's own service. A server name counts with https only. */
function reachedAt(
  names: readonly string[],
  { address }: RoleGuest,
  scheme: Backend["scheme"],
  port: number,
  serverName: string | undefined,
): Pick<Service, "backend" | "rule" | "middlewares" | "loadBalancer"> {
  return {
    backend: {
      scheme,
      address,
      port,
      ...defined({ serverName: scheme === "https" ? serverName : undefined }),
    },
    rule: names.map((name) => `Host(\`${name}\`)`).join(" || "),
    middlewares: [],
    loadBalancer: {},
  };
}

/** Portainer's service, for a guest that does not declare it. */
function portainerService({ guest, hostname, port }: PortainerAddress, { roles }: Fabric): Service {
  return {
    id: "portainer",
    names: [hostname],
    path: roles.gateway === undefined ? "direct" : "routed",
    guest,
    ...reachedAt([hostname], guest, tlsPorts.has(port) ? "https" : "http", port, hostname),
    options: defaultServiceOptions,
    from: guest.from,
  };
}

function serviceNames(
  cell: Cell,
  name: Cell,
  { guest }: GuestEntry,
  { domain, portainer }: Fabric,
  problems: Problems,
): readonly string[] {
  const declared = cell.get("host")?.each ?? [name];
  const names = declared.flatMap((one) => {
    if (one.text === undefined) return [];
    const host = hostName(one.text);
    if (host !== undefined) return [one === name || !host.includes(".") ? qualified(host, domain) : host];
    return problems.invalid("PHX0302", one, "host name", "use letters, digits and hyphens") ?? [];
  });
  const isPortainer = portainer?.guest.host === guest.host && cell.get("port")?.integer === portainer.port;
  return [...new Set(isPortainer && names.length > 0 ? [...names, portainer.hostname] : names)];
}

/**
 * The gateway, the mesh, the CA (which everything trusts first) and agents are reached without the mesh; so is Portainer, which
 * has a certificate of its own, where the site has no gateway.
 */
function isDirect(guest: Guest, port: number, { roles, portainer, agentPort }: Fabric): boolean {
  if (Object.values(roles).some(({ host }) => host === guest.host)) return true;
  const isPortainer = portainer?.guest.host === guest.host && portainer.port === port;
  if (isPortainer && roles.gateway === undefined) return true;
  return guest.portainerRole === "agent" && port === agentPort && portainer?.guest.host !== guest.host;
}

function schemeOf(
  cell: Cell,
  guest: Guest,
  port: number,
  path: Service["path"],
  { roles, ca, agentPort, portainer }: Fabric,
): Backend["scheme"] {
  const declared = cell.get("scheme")?.text?.toLowerCase();
  if (declared === "http" || declared === "https" || declared === "h2c") return declared;
  const isCa = guest.host === roles.ca?.host && port === ca?.port;
  const isAgent = path === "direct" && guest.portainerRole === "agent" && port === agentPort;
  const isPortainer = guest.host === portainer?.guest.host && port === portainer.port && port !== 9000;
  return isCa || isAgent || isPortainer || tlsPorts.has(port) ? "https" : "http";
}

function knownServerName(guest: Guest, port: number, { roles, ca, portainer }: Fabric): string | undefined {
  if (guest.host === roles.ca?.host && port === ca?.port) return ca?.hostname;
  return guest.host === portainer?.guest.host && port === portainer.port ? portainer.hostname : undefined;
}

/** "chat.internal.example.net" in that domain is "chat", which can be a router's name. */
function idOf(name: string, domain: string): string {
  const short = name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : name;
  return short.replace(/[^a-z0-9_-]+/g, "-");
}

/**
 * Reports services with the same host name, of which one would never be reached. Routers may share a host name as long as
 * their rules separate its requests.
 */
function checkServices(services: readonly Service[], problems: Problems): void {
  const ids = new Claims<Service>();
  const claims = new Claims<Service>();
  for (const service of services) {
    const { id, names, path, guest, rule, priority = 0 } = service;
    const keys = isWholeHost(service)
      ? names.map((name) => `${name}, all paths, priority ${priority}`)
      : [`${rule}, priority ${priority}`];
    const taken = keys.map((key) => claims.take(key, service)).find((other) => other !== undefined);
    const elsewhere = names
      .map((name) => claims.take(`${name}, somewhere`, service))
      .find(
        (other) =>
          other !== undefined &&
          (other.path !== path || (path === "direct" && other.guest.host !== guest.host)),
      );
    const other = taken ?? elsewhere;
    const sameId = ids.take(id, service);
    if (other !== undefined) {
      const shared = names.find((name) => other.names.includes(name)) ?? names[0];
      const message = `${titleOf(service)} and ${titleOf(other)} both claim the name ${shared}`;
      const hint = "give one of them another name";
      problems.report("PHX0303", service.from, message, { related: [other.from], hint });
    } else if (sameId !== undefined)
      problems.report("PHX0304", service.from, `two services have the id ${id}`, { related: [sameId.from] });
  }
}

/** Reports records that have the host name of a service and another address. */
export function checkRecords(
  records: readonly DnsRecord[],
  services: readonly Service[],
  gateway: string | undefined,
  problems: Problems,
): void {
  const names = new Map(services.flatMap((service) => service.names.map((name) => [name, service] as const)));
  for (const { name, address, from } of records) {
    const service = names.get(name);
    if (service?.path === "external") continue;
    const meant = service?.path === "direct" ? service.guest.address : gateway;
    if (service === undefined || meant === undefined || meant === address) continue;
    const message = `the record for ${name} has ${address}, but ${titleOf(service)} needs ${meant}`;
    const hint = "remove the record: Phoenix adds one for each service";
    problems.report("PHX0306", from, message, { related: [service.from], hint });
  }
}

/** Whether a rule has host names only, so that it matches every path. */
function isWholeHost({ rule }: Service): boolean {
  return /^(?:\s*\|\|\s*|Host\([^)]*\))*$/.test(rule);
}

function titleOf(service: Service): string {
  return service.stack === undefined
    ? `service ${service.id} of ${service.guest.host}`
    : `${service.id} of stack ${service.stack}`;
}
