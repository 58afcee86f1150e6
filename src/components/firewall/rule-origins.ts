/** Which lines of the site a firewall rule follows from: the rule that declares it, or what needs the opening. */

import type { SiteRule } from "../../fabric/firewall.ts";
import { guestOf } from "../../fabric/guests.ts";
import { backendOrigins } from "../../fabric/label-origins.ts";
import {
  aboutGuest,
  aboutService,
  addressOrigin,
  guestOrigin,
  hypervisorOrigin,
  nameOrigins,
  roleOrigins,
  settingOrigin,
} from "../../fabric/origins.ts";
import type { FirewallPath } from "../../fabric/paths.ts";
import { routedServices } from "../../fabric/services.ts";
import { agentMachines } from "../../fabric/swarms.ts";
import type { PortainerEnvironment, Service, Site } from "../../model.ts";
import type { Origin, Reason, Subject } from "../../origin.ts";
import type { HostName } from "../../resource.ts";

/** @param host whose rule it is */
export function ruleReason(site: Site, { rule, from, path }: SiteRule, host: HostName): Reason {
  const guest = guestOf(site, host);
  const about: readonly Subject[] = [
    ...(guest === undefined ? (["guest:pve"] as const) : aboutGuest(guest)),
    ...portsIn(rule.dport).map((port) => `port:${host}:${port}` as const),
    ...endsOf(site, [rule.source, rule.dest]),
  ];
  if (path === undefined) return declaredReason(site, from, host, about);
  const services = servicesOf(site, path);
  return {
    origins: [
      ...services.flatMap((service) => [...nameOrigins(site, service), ...backendOrigins(site, service)]),
      ...pathOrigins(site, path),
    ],
    about: [...new Set([...about, ...services.flatMap(aboutService)])],
    note: "an opening that the site needs and no rule declares",
  };
}

/** A rule of the guest, of the hypervisor, or of a stack that is assigned to the guest. */
function declaredReason(
  site: Site,
  from: SiteRule["from"],
  host: HostName,
  about: readonly Subject[],
): Reason {
  const stacks = site.stacks.filter(
    ({ guest, compose, name }) =>
      guest.host === host &&
      (directoryOf(compose.file) === directoryOf(from.file) || from.file.startsWith(`stacks/${name}/`)),
  );
  return {
    origins: [
      { at: from, says: "declares the rule" },
      ...stacks.map((stack) => ({ at: stack.from, says: `puts stack ${stack.name} on ${stack.guest.host}` })),
    ],
    about: [...new Set([...about, ...stacks.map(({ name }) => `stack:${name}` as const)])],
  };
}

function directoryOf(file: string): string {
  return file.slice(0, file.lastIndexOf("/"));
}

/** The services behind an opening to a backend. */
function servicesOf(site: Site, { address, port, at }: FirewallPath): readonly Service[] {
  return site.services.filter(
    ({ backend, from }) =>
      from === at && backend.port === port && [backend.address, ...(backend.others ?? [])].includes(address),
  );
}

/** What else decides an opening: the addresses of its ends, the roles that make it necessary. */
function pathOrigins(site: Site, { from, to, at, port }: FirewallPath): readonly Origin[] {
  const receiver = guestOf(site, to as HostName);
  const sender = from === "network" || from === "anywhere" ? undefined : guestOf(site, from);
  const roles = (["gateway", "mesh", "ca"] as const).filter(
    (role) => [to, from].includes(site.roles[role]?.host ?? "pve") && site.roles[role] !== undefined,
  );
  const declares: Origin =
    receiver !== undefined && at === receiver.from
      ? guestOrigin(receiver)
      : { at, says: "needs the opening" };
  return [
    declares,
    ...roles.flatMap((role) => roleOrigins(site, role)),
    ...(sender === undefined ? [] : [addressOrigin(sender)]),
    ...(from === "pve" || from === "network" || to === "pve"
      ? [hypervisorOrigin(site, from === "network" ? "the hypervisor's network" : undefined)]
      : []),
    ...(to === "outside"
      ? [settingOrigin(site, "names the upstream server", "dns_server/upstream_servers")]
      : []),
    ...(to === "pve" && port === 53
      ? [settingOrigin(site, "switches the name server on", "dns_server/enabled")]
      : []),
    ...(receiver !== undefined && routedTo(site, to) ? [] : portOrigins(site, to, port)),
  ];
}

function routedTo(site: Site, to: FirewallPath["to"]): boolean {
  return routedServices(site).some(({ guest }) => guest.host === to);
}

/** What decides the port of the CA, of Portainer and of its agents. */
function portOrigins(site: Site, to: FirewallPath["to"], port: number): readonly Origin[] {
  const { roles, ca, portainer } = site;
  if (to === roles.ca?.host && port === ca?.port)
    return [settingOrigin(site, "the CA's port", "step_ca/port")];
  const runsAgent = (each: PortainerEnvironment): boolean =>
    each.port === port && [each.guest, ...agentMachines(site, each)].some((machine) => machine.host === to);
  if (portainer?.environments.some(runsAgent))
    return [settingOrigin(site, "the agents' port", "network/portainer_agent_port")];
  if (portainer !== undefined && to === portainer.guest.host && port === portainer.port)
    return [settingOrigin(site, "Portainer's port", "network/portainer_server_port")];
  return [];
}

/** "80,443" and "8000:8010" as they are written, and each single port of a list. */
function portsIn(ports: string | undefined): readonly string[] {
  return ports === undefined ? [] : ports.split(",").map((part) => part.trim());
}

/** The machines that a rule names by their addresses. */
function endsOf(site: Site, ends: readonly (string | undefined)[]): readonly Subject[] {
  return ends.flatMap((end) =>
    (end ?? "").split(",").flatMap((part): readonly Subject[] => {
      const address = part.replace(/\/32$/, "");
      const guest = site.guests.find((each) => each.address === address && !each.template);
      if (guest !== undefined) return aboutGuest(guest);
      return address === site.hypervisor.address ? ["guest:pve", `address:${address}`] : [];
    }),
  );
}
