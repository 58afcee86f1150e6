/** The names of ports and protocols that the host has in /etc/services and /etc/protocols. Part of the oracle: see read.ts. */

export interface Netbase {
  readonly ports: ReadonlyMap<string, number>;
  readonly protocols: ReadonlyMap<string, number>;
  /** The protocols that each name of a port is for: iptables knows it for no other. */
  readonly services: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Reads both files as pve-firewall does: the first name of a line only, no alias. */
export function readNetbase(services: string, protocols: string): Netbase {
  const named = (text: string, pattern: RegExp): ReadonlyMap<string, number> =>
    new Map([...text.matchAll(pattern)].map(([, name = "", number]) => [name, Number(number)]));
  const lines = [...services.matchAll(/^([^#\s]\S*)\s+\d+\/(\w+)/gm)];
  const of = (wanted: string): ReadonlySet<string> =>
    new Set(lines.flatMap(([, name, protocol = ""]) => (name === wanted ? [protocol] : [])));
  return {
    services: new Map(lines.map(([, name = ""]) => [name, of(name)])),
    ports: named(services, /^([^#\s]\S*)\s+(\d+)\/(?:tcp|udp|sctp)/gm),
    protocols: named(protocols, /^([^#\s]\S*)\s+(\d+)(?:\s|$)/gm),
  };
}
