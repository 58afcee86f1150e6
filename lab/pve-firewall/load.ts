/**
 * What iptables-restore 1.8.9, ip6tables-restore and ipset restore 7.17 say to what pve-firewall gives them. Each loads
 * everything or nothing: after an error the node keeps its previous rules. Part of the oracle: see read.ts.
 */
import type { ChainRule } from "./chains.ts";
import type { Ruleset } from "./compile.ts";
import { blockOf, strtoul } from "./ip.ts";
import type { Netbase } from "./netbase.ts";

/** The first error; undefined when everything is loaded. */
export function loadError({ sets, chains, ipv6, netbase }: Ruleset): string | undefined {
  for (const [name, entries] of sets) {
    const error = setError(entries.map(({ address }) => address));
    if (error !== undefined) return `ipset v7.17: ${name}: ${error}`;
  }
  for (const [program, all] of [["iptables", chains] as const, ["ip6tables", ipv6] as const])
    for (const rules of all.values())
      for (const rule of rules) {
        const error = ruleError(rule, netbase);
        if (error !== undefined) return `${program}-restore v1.8.9 (legacy): ${error}`;
      }
  return undefined;
}

function setError(addresses: readonly string[]): string | undefined {
  const added = new Set<string>();
  for (const address of addresses) {
    const block = blockOf(address);
    const prefix = address.split("/")[1];
    if (block === undefined)
      return `Syntax error: '${prefix ?? address}' is invalid as number or out of range`;
    if (prefix !== undefined && strtoul(prefix) === 0)
      return "The value of the CIDR parameter of the IP address is invalid";
    const element = `${block.from}-${block.to}`;
    if (added.has(element)) return "Element cannot be added to the set: it's already added";
    added.add(element);
  }
  return undefined;
}

function ruleError(
  { iface, source, dest, protocol, icmpType, dport, sport }: ChainRule,
  netbase: Netbase,
): string | undefined {
  if (iface !== undefined && iface.name.length > 15)
    return `interface name \`${iface.name}' must be shorter than IFNAMSIZ (15)`;
  for (const end of [source, dest]) {
    if (typeof end !== "string") continue;
    const bad = end.split(",").find((part) => blockOf(part) === undefined);
    if (bad !== undefined) return `invalid mask or host/network \`${bad}' not found`;
  }
  if (icmpType !== undefined && /^\d+$/.test(icmpType) && strtoul(icmpType) === undefined)
    return `Invalid ICMP type \`${icmpType}'`;
  return portError(protocol, dport, netbase) ?? portError(protocol, sport, netbase);
}

function portError(
  protocol: string | undefined,
  ports: string | undefined,
  netbase: Netbase,
): string | undefined {
  if (ports === undefined || protocol === undefined) return undefined;
  const number = netbase.protocols.get(protocol) ?? Number(protocol);
  const items = ports.split(",");
  const isList = items.length > 1;
  // libxt_udplite does not exist; multiport knows the protocol.
  if (!isList && number === 136) return 'unknown option "--dport"';
  if (isList && items.flatMap((item) => item.split(":")).length > 15) return "too many ports specified";
  // udp and dccp read a single decimal number, and a name of any protocol.
  const protocolName = !isList && (number === 17 || number === 33) ? undefined : numberNames[number];
  for (const item of items) {
    const bounds = item.split(":").map((port) => portNumber(port, protocolName, netbase));
    const [low, high] = bounds;
    if (bounds.includes(undefined)) return `invalid port/service \`${item}' specified`;
    if (low !== undefined && high !== undefined && low > high) return `invalid portrange (min > max)`;
  }
  return undefined;
}

const numberNames: Readonly<Record<number, string>> = {
  6: "tcp",
  17: "udp",
  33: "dccp",
  132: "sctp",
  136: "udplite",
};

function portNumber(
  port: string,
  protocol: string | undefined,
  { ports, services }: Netbase,
): number | undefined {
  if (/^\d+$/.test(port)) return protocol === undefined ? Number(port) : strtoul(port);
  const known = services.get(port);
  return protocol === undefined || known?.has(protocol) === true ? ports.get(port) : undefined;
}
