/** ss of iproute2 (6.1) as far as it lists listeners: `ss -Hlntup sport = :53`. */
import type { HostName } from "../../src/resource.ts";
import { loadedDnsmasq } from "../dns/dnsmasq-config.ts";
import { type Listener, listenersOn } from "../listeners.ts";
import { isNode } from "../nodes.ts";
import { done, type Lab, type Program } from "../parts.ts";
import { loadedTraefik } from "../traefik/load.ts";
import { isActive, unitOn } from "../units.ts";

export const ss: Program = async ({ context, host, args }) => {
  const port = Number(/:(\d+)$/.exec(args.join(" "))?.[1] ?? Number.NaN);
  const all = [
    ...dnsmasqListeners(context, host),
    ...(await nginxListeners(context, host)),
    ...traefikListeners(context, host),
    ...caListeners(context, host),
    ...(await containerListeners(context, host)),
    ...serviceListeners(context, host),
    ...listenersOn(context, host),
  ];
  const lines = all
    .filter((each) => Number.isNaN(port) || each.port === port)
    .map(({ program, pid, protocol, address, port: at }) => {
      const state = protocol === "udp" ? "UNCONN 0      0     " : "LISTEN 0      32    ";
      return `${protocol}   ${state} ${address}:${at}      0.0.0.0:*    users:(("${program}",pid=${pid},fd=4))\n`;
    });
  return done(lines.join(""));
};

function dnsmasqListeners(lab: Lab, host: HostName): readonly Listener[] {
  if (!isNode(host) || !isActive(lab, host, "dnsmasq")) return [];
  const named = loadedDnsmasq(lab, host).filter(({ name }) => name === "listen-address");
  const addresses = named.length === 0 ? ["0.0.0.0"] : named.map(({ value }) => value);
  return addresses.flatMap((address) =>
    (["udp", "tcp"] as const).map((protocol) => ({
      ...processOf(lab, host, "dnsmasq", "dnsmasq"),
      protocol,
      address,
      port: 53,
    })),
  );
}

async function nginxListeners(lab: Lab, host: HostName): Promise<readonly Listener[]> {
  if (!isActive(lab, host, "nginx")) return [];
  const [{ loadedNginx }, { listensOf, named }] = await Promise.all([
    import("../nginx/load.ts"),
    import("../nginx/config.ts"),
  ]);
  const listens = named(loadedNginx(lab, host)?.http, "server").flatMap(listensOf);
  return [...new Map(listens.map((each) => [each.address, each])).values()].map(({ address, port }) => ({
    ...processOf(lab, host, "nginx", "nginx"),
    protocol: "tcp",
    address: address.slice(0, address.lastIndexOf(":")),
    port,
  }));
}

function traefikListeners(lab: Lab, host: HostName): readonly Listener[] {
  if (!isActive(lab, host, "traefik")) return [];
  return Object.values(loadedTraefik(lab, host)?.static.entryPoints ?? {}).map(({ port }) => ({
    ...processOf(lab, host, "traefik", "traefik"),
    protocol: "tcp",
    address: "*",
    port,
  }));
}

function caListeners(lab: Lab, host: HostName): readonly Listener[] {
  const { roles, caPort } = lab.facts;
  if (host !== roles.ca || caPort === undefined || !isActive(lab, host, "step-ca")) return [];
  return [{ ...processOf(lab, host, "step-ca", "step-ca"), protocol: "tcp", address: "*", port: caPort }];
}

/** Docker has a process of its own behind each published port. */
async function containerListeners(lab: Lab, host: HostName): Promise<readonly Listener[]> {
  if (!isActive(lab, host, "docker")) return [];
  const { LabDocker } = await import("../docker.ts");
  const running = new LabDocker(lab, host).state.containers.filter(({ state }) => state === "running");
  return running
    .flatMap(({ ports }) => ports)
    .flatMap(({ protocol, address, host: port }): Listener[] =>
      protocol === "tcp" || protocol === "udp"
        ? [{ program: "docker-proxy", pid: 20_000 + (port % 10_000), protocol, address, port }]
        : [],
    );
}

/** Portainer and its agents are containers. */
function serviceListeners(lab: Lab, host: HostName): readonly Listener[] {
  const { portainer, agents, services, roles, caPort } = lab.facts;
  const others = [
    ...(portainer === undefined ? [] : [portainer]),
    ...agents,
    { host: roles.ca, port: caPort },
  ];
  return services
    .filter((each) => each.host === host)
    .filter(({ port }) => !others.some((other) => other.host === host && other.port === port))
    .map(({ name, port }) => ({
      program: name.slice(0, 15),
      pid: 900 + port,
      protocol: "tcp",
      address: "0.0.0.0",
      port,
    }));
}

function processOf(
  lab: Lab,
  host: HostName,
  unit: string,
  program: string,
): Pick<Listener, "program" | "pid"> {
  return { program, pid: unitOn(lab, host, unit)?.mainPid ?? 0 };
}
