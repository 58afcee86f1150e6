/** Which server plays an address and port of the site, and the servers that run for it in this process. */
import type { Endpoint } from "../src/hosts/network.ts";
import { type GuestName, type HostName, isGuestName } from "../src/resource.ts";
import { nodeOf } from "./cluster.ts";
import type { LabServer } from "./context.ts";
import { loadedDnsmasq } from "./dns/dnsmasq-config.ts";
import { isNode, type NodeHost } from "./nodes.ts";
import type { Lab } from "./parts.ts";
import { loadedTraefik } from "./traefik/load.ts";
import { isActive, unitOn } from "./units.ts";

/** Somebody who listens: servers with one key are one server. */
export interface Player {
  readonly key: string;
  /** What faults call it; its host otherwise. */
  readonly role: string;
  readonly start: () => Promise<LabServer>;
}

/** Ports of a node that answer with nothing but an open connection, and what they say first. */
const nodePorts: Readonly<Record<number, string>> = {
  22: "SSH-2.0-OpenSSH_10.0p2 Debian-7\r\n",
  2049: "",
};

/** Proxmox's interface: a certificate of the host's own, and a page. */
const proxmoxPort = 8006;

/** Whoever listens on a host's port now; undefined when nobody does. @param from who connects: proxies see it as their client */
export async function playerOn(
  lab: Lab,
  from: HostName,
  host: HostName,
  { protocol, address, port }: Endpoint,
): Promise<Player | undefined> {
  if (isNode(host) && isActive(lab, host, "dnsmasq") && dnsListens(lab, host, address, port))
    return dnsPlayer(lab, host, protocol);
  const member = await memberPlayer(lab, host, protocol, port);
  if (member !== undefined || protocol === "udp") return member;
  const greeting = isNode(host) ? nodePorts[port] : undefined;
  if (greeting !== undefined) {
    const start = async (): Promise<LabServer> => (await import("./backend.ts")).startAcceptor(greeting);
    return { key: `acceptor ${port}`, role: host, start };
  }
  if (isNode(host) && port === proxmoxPort) {
    const start = async (): Promise<LabServer> => {
      const [{ startBackend }, { selfSigned }] = await Promise.all([
        import("./backend.ts"),
        import("./self-signed.ts"),
      ]);
      return startBackend({ name: "pveproxy", host, port, tls: await selfSigned([nodeOf(lab, host).name]) });
    };
    return { key: keyOf("pveproxy", host), role: host, start };
  }
  return (
    (await nginxPlayer(lab, from, host, port)) ??
    traefikPlayer(lab, from, host, port) ??
    caPlayer(lab, host, port) ??
    (await containerPlayer(lab, from, host, port)) ??
    servicePlayer(lab, host, port)
  );
}

/** Of a service that every node has. */
function keyOf(service: string, host: NodeHost): string {
  return host === "pve" ? service : `${service} ${host}`;
}

function dnsPlayer(lab: Lab, host: NodeHost, protocol: Endpoint["protocol"]): Player {
  const start = async (): Promise<LabServer> => {
    const { startTcpDns, startUdpDns } = await import("./dns/server.ts");
    return protocol === "udp" ? startUdpDns(lab, host) : startTcpDns(lab, host);
  };
  return { key: keyOf(`dns ${protocol}`, host), role: "dns", start };
}

/** By `listen-address` and `interface`; everywhere when neither is given. */
function dnsListens(lab: Lab, host: NodeHost, address: string, port: number): boolean {
  const options = loadedDnsmasq(lab, host);
  const values = (name: string): readonly string[] =>
    options.filter((option) => option.name === name).flatMap(({ value }) => value.split(","));
  if (port !== Number(values("port")[0] ?? 53)) return false;
  const addresses = values("listen-address");
  const interfaces = values("interface");
  if (addresses.length === 0 && interfaces.length === 0) return true;
  return addresses.includes(address) || interfaces.includes(lab.facts.bridge);
}

async function nginxPlayer(
  lab: Lab,
  from: HostName,
  host: HostName,
  port: number,
): Promise<Player | undefined> {
  if (!isActive(lab, host, "nginx")) return undefined;
  const { nginxListens, startNginx } = await import("./nginx/server.ts");
  if (!nginxListens(lab, host, port)) return undefined;
  const role = host === lab.facts.roles.gateway ? "gateway" : host;
  return { key: `nginx ${host} ${port} ${from}`, role, start: () => startNginx(lab, host, port, from) };
}

function traefikPlayer(lab: Lab, from: HostName, host: HostName, port: number): Player | undefined {
  if (!isActive(lab, host, "traefik")) return undefined;
  const points = Object.values(loadedTraefik(lab, host)?.static.entryPoints ?? {});
  if (!points.some((point) => point.port === port)) return undefined;
  const start = async (): Promise<LabServer> =>
    (await import("./traefik/server.ts")).startTraefikServer(lab, host, port, from);
  return {
    key: `traefik ${host} ${port} ${from}`,
    role: host === lab.facts.roles.mesh ? "mesh" : host,
    start,
  };
}

function caPlayer(lab: Lab, host: HostName, port: number): Player | undefined {
  const { facts } = lab;
  if (host !== facts.roles.ca || port !== facts.caPort || !isActive(lab, host, "step-ca")) return undefined;
  const start = async (): Promise<LabServer> => (await import("./step-ca/start.ts")).startStepCa(lab, host);
  // It reads its configuration when it starts, so a restarted one is another one.
  return { key: `ca ${host} ${unitOn(lab, host, "step-ca")?.invocation}`, role: "ca", start };
}

/** A published port of a running container: Portainer, its agent, or somebody's service. */
async function containerPlayer(
  lab: Lab,
  from: HostName,
  host: HostName,
  port: number,
): Promise<Player | undefined> {
  if (!isGuestName(host) || !isActive(lab, host, "docker")) return undefined;
  const [{ LabDocker }, { isAgent, isPortainer }] = await Promise.all([
    import("./docker.ts"),
    import("./docker/processes.ts"),
  ]);
  const publisher = new LabDocker(lab, host).publisher(port) ?? (await meshedTask(lab, host, port));
  if (publisher === undefined) return undefined;
  const { container, port: inside } = publisher;
  const { name, image, ports } = container;
  const published = ports.find((each) => each.host === port)?.address ?? "0.0.0.0";
  if (published.startsWith("127.") && from !== host) return undefined;
  const key = `container ${host} ${port} ${name} ${image} ${inside}`;
  if (isPortainer(image) && (inside === 9443 || inside === 9000)) {
    const scheme = inside === 9443 ? "https" : "http";
    const start = async (): Promise<LabServer> =>
      (await import("./portainer/start.ts")).startPortainer(lab, host, container, { scheme });
    return { key, role: "portainer", start };
  }
  if (isAgent(image) && inside === 9001) {
    const start = async (): Promise<LabServer> =>
      (await import("./agent.ts")).startAgent(lab, host, container);
    return { key, role: "agent", start };
  }
  const start = async (): Promise<LabServer> =>
    (await import("./backend.ts")).startBackend({ name, host, port });
  return { key, role: host, start };
}

async function meshedTask(lab: Lab, host: GuestName, port: number) {
  return (await import("./docker/swarm/overlay.ts")).ingressTask(lab, host, port);
}

/** Ports that members of a Swarm have for each other. */
const memberPorts = { tcp: [2377, 7946], udp: [7946, 4789] } as const;

async function memberPlayer(
  lab: Lab,
  host: HostName,
  protocol: Endpoint["protocol"],
  port: number,
): Promise<Player | undefined> {
  const ports: readonly number[] = memberPorts[protocol];
  if (!ports.includes(port) || !isGuestName(host) || !isActive(lab, host, "docker")) return undefined;
  const seat = (await import("./docker/swarm/cluster.ts")).seatOf(lab, host);
  if (seat === undefined || (port === 2377 && seat.node.acts !== "manager")) return undefined;
  const start = async (): Promise<LabServer> => (await import("./backend.ts")).startAcceptor("");
  return { key: "member of a Swarm", role: host, start };
}

function servicePlayer(lab: Lab, host: HostName, port: number): Player | undefined {
  const service = lab.facts.services.find((each) => each.host === host && each.port === port);
  // An engine's ports are its containers': without the container nothing listens there.
  if (service === undefined || isEngine(lab, host, port)) return undefined;
  const { name, scheme } = service;
  const start = async (): Promise<LabServer> => {
    const [{ startBackend }, { serviceCertificate }] = await Promise.all([
      import("./backend.ts"),
      import("./service-certificate.ts"),
    ]);
    const secured = scheme === "https" ? { tls: await serviceCertificate(lab, service) } : {};
    return startBackend({ name, host, port, ...secured });
  };
  return { key: `service ${host} ${port} ${name}`, role: host, start };
}

/** Ports of Portainer and its agents. */
function isEngine({ facts }: Lab, host: HostName, port: number): boolean {
  const { portainer, agents, roles, caPort } = facts;
  return (
    (portainer?.host === host && portainer.port === port) ||
    agents.some((agent) => agent.host === host && agent.port === port) ||
    (roles.ca === host && caPort === port)
  );
}

export interface Servers {
  /** The port of a player's server, which is started for its first connection. */
  portOf(player: Player): Promise<number>;
  close(): Promise<void>;
}

export function createServers(): Servers {
  const running = new Map<string, Promise<LabServer>>();
  return {
    portOf: async (player) => {
      const known = running.get(player.key) ?? player.start();
      running.set(player.key, known);
      return (await known).port;
    },
    close: async () => {
      const ended = await Promise.allSettled(running.values());
      running.clear();
      await Promise.all(ended.map((each) => (each.status === "fulfilled" ? each.value.close() : undefined)));
    },
  };
}
