/** How single hops follow from the site. Pure. */
import { urlOf } from "../formats/traefik/index.ts";
import type { Backend, Certificate, Guest, RoleGuest, Service, Site, Stack } from "../model.ts";
import type { HostName, SourceRef } from "../resource.ts";
import { type PublishedService, placeOfPort, servicesAt, stackServices } from "./containers-at.ts";
import { firewallOf, verdictOn } from "./firewall.ts";
import type { Application, BackendHop, Connection, ContainerHop, TcpHop, TlsHop } from "./hop.ts";
import type { FirewallPath } from "./paths.ts";
import { agentContainer, serverContainer, serverProject } from "./portainer-server.ts";
import { agentMachines } from "./swarms.ts";

/** A port of a machine, and the line that is about it. */
interface Target {
  readonly host: HostName;
  readonly address: string;
  readonly port: number;
  readonly from: SourceRef;
}

export function connection(
  site: Site,
  { host, address, port, from }: Target,
  sender: FirewallPath["from"],
  why: string,
): Connection {
  const path = {
    why,
    from: sender,
    to: host,
    address,
    protocol: "tcp",
    port,
    vital: false,
    at: from,
  } as const;
  return { path, opening: verdictOn(site, firewallOf(site), path).from };
}

export function tcpHop(site: Site, to: Target, sender: FirewallPath["from"], why: string): TcpHop {
  const expected = `${to.address}:${to.port}`;
  return { kind: "tcp", host: to.host, expected, from: to.from, ...connection(site, to, sender, why) };
}

export function tlsHop(
  { host, address, port, from }: Target,
  name: string,
  issuer: TlsHop["issuer"],
  certificate?: Certificate,
): TlsHop {
  const expected = issuer === "site" ? `a certificate for ${name}` : "a certificate of its own";
  const base = { kind: "tls", host, address, port, name, issuer, expected } as const;
  return certificate === undefined ? { ...base, from } : { ...base, certificate, from: certificate.from };
}

export function certificateFor({ certificates }: Site, name: string): Certificate | undefined {
  return certificates.find(({ names, serves }) => serves !== "gateway" && names.includes(name));
}

export function agentsClient({ portainer }: Site): FirewallPath["from"] {
  return portainer?.guest.host ?? "pve";
}

export function applicationAt(site: Site, { host }: RoleGuest, port: number): Application {
  const { portainer, roles, ca } = site;
  if (host === roles.ca?.host && port === ca?.port) return "ca";
  if (host === portainer?.guest.host && port === portainer.port) return "portainer";
  const isAgent = portainer?.environments.some(
    (each) => each.port === port && agentMachines(site, each).some((machine) => machine.host === host),
  );
  return isAgent === true ? "agent" : "service";
}

/** The backend of the service, and the further servers that share its requests. */
export function backends(site: Site, service: Service, sender: FirewallPath["from"]): readonly BackendHop[] {
  const { guest, backend, loadBalancer, from } = service;
  const more = ((loadBalancer.servers ?? []) as readonly { readonly url: string }[]).map(
    ({ url }): Backend => {
      const { protocol, hostname, port } = new URL(url);
      const scheme = protocol.slice(0, -1) as Backend["scheme"];
      return { scheme, address: hostname, port: Number(port || (scheme === "https" ? 443 : 80)) };
    },
  );
  const stack = stackOf(site, service);
  const hopTo = (each: Backend): BackendHop => {
    const host = site.guests.find(({ address }) => address === each.address)?.host ?? guest.host;
    const to = { host, address: each.address, port: each.port, from };
    const { serverName } = each;
    const published = stack === undefined ? undefined : placeOfPort(stack, each.port);
    return {
      ...{ kind: "backend", host, from: published ?? from, scheme: each.scheme, expected: urlOf(each) },
      ...(serverName === undefined ? {} : { serverName }),
      application: applicationAt(site, guest, each.port),
      ...connection(site, to, sender, `requests reach ${service.id}`),
      ...(each.others === undefined
        ? {}
        : { others: each.others.map((address) => hopTo(alone(each, address))) }),
    };
  };
  return [backend, ...more].map(hopTo);
}

function alone({ others: _, ...backend }: Backend, address: string): Backend {
  return { ...backend, address };
}

function stackOf({ stacks }: Site, { stack, guest }: Service): Stack | undefined {
  return stacks.find((each) => each.name === stack && each.guest.host === guest.host);
}

/** The containers behind a service of a stack, or behind Portainer and its agents. */
export function containers(site: Site, service: Service): readonly ContainerHop[] {
  const { guest, backend } = service;
  const stack = stackOf(site, service);
  if (stack === undefined)
    return ownContainers(site, guest)
      .filter(({ port }) => port === backend.port)
      .map(({ port: _, ...hop }) => hop);
  const own = servicesAt(stack, backend.port);
  const others = stackServices(stack).filter((each) => !own.includes(each));
  return [...containersOf(stack, own), ...containersOf(stack, others, true)];
}

/** @param services some of the stack's; @param isBeside requests do not pass through them */
export function containersOf(
  stack: Stack,
  services: readonly PublishedService[],
  isBeside = false,
): readonly ContainerHop[] {
  const [first] = services;
  if (first === undefined) return [];
  const names = services.map((service) => service.name);
  const { guest, project } = stack;
  const expected = `${names.join(", ")} of stack ${stack.name} running`;
  return [
    {
      kind: "container",
      host: guest.host,
      project,
      services: names,
      jobs: services
        .filter(({ restart }) => restart === "no" || restart === "on-failure")
        .map(({ name }) => name),
      ...(isBeside ? { isBeside } : {}),
      stack,
      expected,
      from: first.from,
    },
  ];
}

/** Portainer's server and agent, on the machines that run them, with the ports they publish. */
export function ownContainers(
  { portainer }: Site,
  { host }: Guest,
): readonly (ContainerHop & { readonly port: number })[] {
  if (portainer === undefined) return [];
  const base = { kind: "container", host, services: [] } as const;
  const server = portainer.guest.host === host ? serverContainer(portainer.compose.text) : undefined;
  // In a Swarm the agent is a task, whose container has another name each time.
  const agents = portainer.environments.filter(
    ({ kind, guest, swarm }) => kind === "agent" && guest.host === host && swarm === undefined,
  );
  return [
    ...(server === undefined
      ? []
      : [
          {
            ...base,
            project: serverProject,
            container: server,
            port: portainer.port,
            expected: `${server} running`,
            from: portainer.guest.from,
          },
        ]),
    ...agents.map(({ port, from }) => ({
      ...base,
      project: "",
      container: agentContainer,
      port,
      expected: `${agentContainer} running`,
      from,
    })),
  ];
}
