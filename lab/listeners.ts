/** Who listens on a lab machine besides containers: the programs of its units, as `ss` shows them. */
import type { HostName } from "../src/resource.ts";
import type { Lab } from "./parts.ts";
import { isActive, unitOn } from "./units.ts";

export interface Listener {
  /** As the kernel names the process: at most 15 characters. */
  readonly program: string;
  readonly pid: number;
  readonly protocol: "tcp" | "udp";
  /** "0.0.0.0" is every address. */
  readonly address: string;
  readonly port: number;
}

interface Known {
  readonly program: string;
  readonly address: string;
  readonly ports: readonly number[];
  readonly udp?: true;
}

/** Name servers and others that people have, by their unit. */
const known: Readonly<Record<string, Known>> = {
  AdGuardHome: { program: "AdGuardHome", address: "0.0.0.0", ports: [53], udp: true },
  "pihole-FTL": { program: "pihole-FTL", address: "0.0.0.0", ports: [53], udp: true },
  unbound: { program: "unbound", address: "0.0.0.0", ports: [53], udp: true },
  named: { program: "named", address: "0.0.0.0", ports: [53], udp: true },
  "systemd-resolved": { program: "systemd-resolve", address: "127.0.0.53", ports: [53], udp: true },
  "dnsmasq@zone1": { program: "dnsmasq", address: "10.77.0.1", ports: [53], udp: true },
  cockpit: { program: "cockpit-tls", address: "0.0.0.0", ports: [9090] },
  ssh: { program: "sshd", address: "0.0.0.0", ports: [22] },
};

export function listenersOn(lab: Pick<Lab, "store">, host: HostName): readonly Listener[] {
  return Object.entries(known).flatMap(([unit, { program, address, ports, udp }]) => {
    if (!isActive(lab, host, unit)) return [];
    const pid = unitOn(lab, host, unit)?.mainPid ?? 0;
    const protocols = udp === true ? (["udp", "tcp"] as const) : (["tcp"] as const);
    return protocols.flatMap((protocol) =>
      ports.map((port): Listener => ({ program, pid, protocol, address, port })),
    );
  });
}
