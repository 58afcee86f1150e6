/**
 * The connections that the fabric needs, derived from the one list of services: who connects to whom, on which port, and
 * why. The firewall opens them, PHX0520 checks them, the lockout guard protects them. Pure.
 */

import { firstMatch } from "../formats/pve-firewall/decide.ts";
import { concerns, type Packet } from "../formats/pve-firewall/match.ts";
import type { FirewallRule, RoleGuest, Site } from "../model.ts";
import type { GuestName, HostName, SourceRef } from "../resource.ts";
import { hostFirewall } from "./declared.ts";
import { fwRuleOf } from "./declared-rule.ts";
import { describeHost, guestOf } from "./guests.ts";
import { memo } from "./memo.ts";
import { ports } from "./ports.ts";
import { gatewayNames, gatewaysOf, routedServices } from "./services.ts";
import { agentMachines, managersOf, memberAt } from "./swarms.ts";

export interface FirewallPath {
  /** "the gateway passes requests to the mesh": a part of a sentence, fit for a rule's comment. */
  readonly why: string;
  /** A host, "network" for everybody on the hypervisor's network, "anywhere". */
  readonly from: "pve" | GuestName | "network" | "anywhere";
  readonly to: HostName | "outside";
  /** The receiver's address. */
  readonly address: string;
  readonly protocol: "tcp" | "udp" | "vrrp";
  /** 0 for a protocol without ports. */
  readonly port: number;
  /** The service behind it when several machines may run it: which of them listen, their Swarm decides. */
  readonly sharedBy?: string;
  /** Losing it locks somebody out, or breaks what every guest needs. */
  readonly vital: boolean;
  /** The place in the configuration that needs it. */
  readonly at: SourceRef;
}

/** Every path, the hypervisor's own first; one that two parts need is listed once. */
export const requiredPaths = memo((site: Site): readonly FirewallPath[] => {
  const all = [
    ...hypervisorPaths(site),
    ...gatewayPaths(site),
    ...meshPaths(site),
    ...caPaths(site),
    ...portainerPaths(site),
    ...swarmPaths(site),
    ...directPaths(site),
  ];
  const seen = new Set<string>();
  return all.filter((path) => {
    const key = pathKey(path);
    if (path.from === path.to || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
});

/** Two paths with one key are one opening. */
function pathKey({ from, address, protocol, port }: FirewallPath): string {
  return `${from} ${address} ${protocol} ${port}`;
}

/** The sender's address or network as rules name it; undefined for anywhere, and for a guest without a fixed address. */
export function senderOf(site: Site, from: FirewallPath["from"]): string | undefined {
  if (from === "anywhere") return undefined;
  if (from === "network") return site.hypervisor.network;
  if (from === "pve") return site.hypervisor.address;
  return guestOf(site, from)?.address;
}

/** Who begins a path: "10.0.0.0/24", "the hypervisor", "lxc/102 (Traefik)", "a client". */
export function senderName(site: Site, from: FirewallPath["from"]): string {
  if (from === "network") return site.hypervisor.network;
  return from === "anywhere" ? "a client" : from === "pve" ? "the hypervisor" : describeHost(site, from);
}

/** "10.0.0.13:22" or "10.0.0.13:53/udp". */
export function endOf({
  address,
  port,
  protocol,
}: Pick<FirewallPath, "address" | "port" | "protocol">): string {
  if (protocol === "vrrp") return `${address} (${protocol})`;
  return protocol === "tcp" ? `${address}:${port}` : `${address}:${port}/${protocol}`;
}

function hypervisorPaths(site: Site): readonly FirewallPath[] {
  const { address, from: at } = site.hypervisor;
  const base = { to: "pve", address, protocol: "tcp", vital: true, at } as const;
  const { ssh, dns, nfs, proxmox } = ports;
  const network = "network" as const;
  const asked = { ...base, from: "pve", to: "outside", port: dns, vital: false } as const;
  const guests = site.guests.filter(({ template }) => !template);
  const access = [
    { ...base, from: network, port: ssh, why: "SSH to the hypervisor" },
    { ...base, from: network, port: proxmox, why: "Proxmox's interface" },
  ];
  const { bridge: iface, network: source } = site.hypervisor;
  return [
    ...access.filter((path) => !isNarrowed(hostFirewall(site).rules, { ...packetTo(path), source, iface })),
    ...(site.dns?.enabled
      ? [
          { ...base, from: network, port: dns, protocol: "udp" as const, why: "guests ask for names" },
          { ...base, from: network, port: dns, why: "guests ask for names" },
          ...site.dns.upstreams
            .filter(isFiltered)
            .map(upstreamOf)
            .flatMap(({ address, port }) =>
              (["udp", "tcp"] as const).map((protocol) => ({
                ...asked,
                address,
                port,
                protocol,
                why: "the name server asks its upstream",
              })),
            ),
        ]
      : []),
    ...guests.flatMap(({ host, name, shares }) =>
      shares
        .filter(({ server }) => server === address)
        .slice(0, 1)
        .map((share) => ({
          ...base,
          from: host,
          port: nfs,
          why: `${name} mounts its storage`,
          at: share.from,
        })),
    ),
  ];
}

/** The rules are about IPv4; what the hypervisor asks itself passes loopback, which nothing filters. */
function isFiltered(upstream: string): boolean {
  return !upstream.includes(":") && !upstream.startsWith("127.");
}

/** An upstream server as the site writes it: "9.9.9.9", "10.0.0.5#5335". */
function upstreamOf(written: string): { readonly address: string; readonly port: number } {
  const [address = "", port = ports.dns] = written.split("#");
  return { address, port: Number(port) };
}

function gatewayPaths(site: Site): readonly FirewallPath[] {
  if (gatewayNames(site).length === 0) return [];
  const why = "clients reach the gateway";
  return [
    ...gatewaysOf(site).flatMap((gateway) =>
      [ports.http, ports.https].map((port) => ({
        ...receiver(gateway),
        from: "anywhere" as const,
        port,
        why,
      })),
    ),
    ...pairPaths(site),
  ];
}

/** keepalived's advertisements, from each gateway to the other: an IP protocol of its own, without ports. */
function pairPaths({ roles: { gateway }, gatewayPair }: Site): readonly FirewallPath[] {
  if (gateway === undefined || gatewayPair === undefined) return [];
  const { standby, from: at } = gatewayPair;
  return [[gateway, standby] as const, [standby, gateway] as const].map(([from, to]) => ({
    ...receiver(to),
    from: from.host,
    protocol: "vrrp" as const,
    port: 0,
    at,
    why: "the gateways agree on who has the shared address",
  }));
}

function meshPaths(site: Site): readonly FirewallPath[] {
  const { mesh } = site.roles;
  if (mesh === undefined) return [];
  const to = { ...receiver(mesh), vital: true };
  const why = "the gateway passes requests to the mesh";
  return [
    ...gatewaysOf(site).map(({ host }) => ({ ...to, from: host, port: ports.http, why })),
    { ...to, from: "pve", port: ports.http, why: "routes are proved from the hypervisor" },
    { ...to, from: "pve", port: ports.meshApi, why: "what the mesh has loaded is read from the hypervisor" },
    ...routedServices(site).flatMap(({ id, guest, backend, from: at }): readonly FirewallPath[] => {
      const others = (backend.others ?? []).flatMap((address) => memberAt(site, address) ?? []);
      if (backend.address !== guest.address) return [];
      return [guest, ...others].flatMap((machine): readonly FirewallPath[] => {
        const shared = others.length === 0 ? {} : { sharedBy: id };
        const target = { ...receiver(machine), port: backend.port, at, ...shared };
        return [
          { ...target, from: mesh.host, why: `the mesh passes requests to ${id}` },
          { ...target, from: "pve", why: `${id} is proved from the hypervisor` },
        ];
      });
    }),
  ];
}

function caPaths(site: Site): readonly FirewallPath[] {
  const { mesh, ca } = site.roles;
  if (ca === undefined || site.ca === undefined) return [];
  const to = { ...receiver(ca), port: site.ca.port };
  const clients = [...gatewaysOf(site), mesh].filter((guest) => guest !== undefined);
  return [
    { ...to, from: "pve", vital: true, why: "certificates are issued on the hypervisor" },
    ...clients.map(({ host, name }) => ({ ...to, from: host, why: `${name} reaches the CA` })),
    ...(site.portainer === undefined
      ? []
      : [{ ...to, from: site.portainer.guest.host, why: "Portainer reaches the CA" }]),
  ];
}

function portainerPaths(site: Site): readonly FirewallPath[] {
  const { portainer } = site;
  if (portainer === undefined) return [];
  const to = { ...receiver(portainer.guest), port: portainer.port, vital: true };
  return [
    { ...to, from: "pve", why: "Portainer is driven from the hypervisor" },
    ...portainer.environments.flatMap((environment) =>
      agentMachines(site, environment).flatMap((machine): readonly FirewallPath[] => {
        const { port, name, from: at } = environment;
        const agent = { ...receiver(machine), port, at };
        return [
          { ...agent, from: portainer.guest.host, why: `Portainer drives environment ${name}` },
          { ...agent, from: "pve", why: `the agent of ${name} is proved from the hypervisor` },
        ];
      }),
    ),
  ];
}

/** Between the members of a Swarm, and from nowhere else: whoever reaches these ports is inside it. */
function swarmPaths({ swarms }: Site): readonly FirewallPath[] {
  const { swarmManager, swarmGossip, swarmOverlay } = ports;
  return swarms.flatMap((swarm): readonly FirewallPath[] => {
    const managers = managersOf(swarm);
    return swarm.members.flatMap(({ guest, from: at }) => {
      const to = { ...receiver(guest), at };
      const toManager = { port: swarmManager, why: `members of Swarm ${swarm.name} reach its managers` };
      const gossip = { port: swarmGossip, why: `members of Swarm ${swarm.name} find each other` };
      const overlay = `containers of Swarm ${swarm.name} reach each other across members`;
      const openings = [
        ...(managers.includes(guest) ? [toManager] : []),
        gossip,
        { ...gossip, protocol: "udp" as const },
        { port: swarmOverlay, protocol: "udp" as const, why: overlay },
      ];
      return swarm.members.flatMap(({ guest: { host } }) =>
        host === guest.host ? [] : openings.map((opening) => ({ ...to, ...opening, from: host })),
      );
    });
  });
}

function packetTo({ address, protocol, port }: Pick<FirewallPath, "address" | "protocol" | "port">): Packet {
  return { direction: "IN", dest: address, protocol, port };
}

/** Whether an owner's rules let some of the clients in and leave the rest to the policy: only those shall come in. */
function isNarrowed(declared: readonly FirewallRule[], packet: Packet): boolean {
  const rules = declared.map(fwRuleOf);
  return (
    firstMatch(rules, packet) === undefined &&
    rules.some((rule) => rule.type === "IN" && rule.action === "ACCEPT" && concerns(rule, packet))
  );
}

/**
 * A service that clients reach without the gateway is open to its network, unless a rule of its guest is about that port: then
 * the owner decides who may connect. Only Portainer connects to an agent.
 */
function directPaths(site: Site): readonly FirewallPath[] {
  const own = site.roles.gateway?.host;
  const agents = new Set(
    (site.portainer?.environments ?? []).flatMap((environment) =>
      [environment.guest, ...agentMachines(site, environment)].map(
        ({ host }) => `${host} ${environment.port}`,
      ),
    ),
  );
  const isAgent = (guest: RoleGuest, port: number): boolean => agents.has(`${guest.host} ${port}`);
  return site.services
    .filter(
      ({ path, guest, backend }) =>
        path === "direct" &&
        guest.host !== own &&
        backend.address === guest.address &&
        !isAgent(guest, backend.port) &&
        !isDecided(guest, backend.port),
    )
    .map(({ id, guest, backend, from: at }) => ({
      ...receiver(guest),
      from: "network" as const,
      port: backend.port,
      at,
      why: `clients reach ${id}`,
    }));
}

function isDecided({ firewall }: RoleGuest, port: number): boolean {
  const rules = (firewall?.rules ?? []).map(fwRuleOf);
  return rules.some((rule) => rule.type === "IN" && concerns(rule, { protocol: "tcp", port }));
}

function receiver(guest: RoleGuest): Pick<FirewallPath, "to" | "address" | "protocol" | "vital" | "at"> {
  return { to: guest.host, address: guest.address, protocol: "tcp", vital: false, at: guest.from };
}
