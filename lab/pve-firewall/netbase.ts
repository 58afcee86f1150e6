/** The names of ports and protocols that the host has in /etc/services and /etc/protocols. Part of the oracle: see read.ts. */

export interface Netbase {
  readonly ports: ReadonlyMap<string, number>;
  readonly protocols: ReadonlyMap<string, number>;
}

/** Reads both files as pve-firewall does: the first name of a line only, no alias. */
export function readNetbase(services: string, protocols: string): Netbase {
  const named = (text: string, pattern: RegExp): ReadonlyMap<string, number> =>
    new Map([...text.matchAll(pattern)].map(([, name = "", number]) => [name, Number(number)]));
  return {
    ports: named(services, /^([^#\s]\S*)\s+(\d+)\/(?:tcp|udp|sctp)/gm),
    protocols: named(protocols, /^([^#\s]\S*)\s+(\d+)(?:\s|$)/gm),
  };
}
