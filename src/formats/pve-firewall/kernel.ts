/**
 * What iptables-restore (1.8.9) and ipset (7.17) refuse of what pve-firewall takes. Both load everything or nothing: one such
 * line and the node keeps its previous rules, at every later change as well. Pure.
 */
import { portNames, portProtocols } from "../netbase/ports.ts";
import { ipv6Number, numberInC, spanOf } from "./addresses.ts";
import { portLimit, readProtocol } from "./fields.ts";
import { partsOf, type RulePart } from "./macros.ts";
import { type FwRule, isGiven } from "./rule.ts";

/** The longest name of an interface (IFNAMSIZ). */
const longestInterface = 15;

/**
 * Why the kernel's tools refuse a rule that is compiled; undefined when they take it.
 * @param addressOf what is behind an alias, for a rule's source and destination
 * @param isGuests a guest's interfaces are no interfaces of the host
 */
export function kernelRuleFault(
  rule: FwRule,
  addressOf: (text: string) => string | undefined,
  isGuests: boolean,
): string | undefined {
  const { iface, source, dest } = rule;
  if (!isGuests && isGiven(iface) && iface.length > longestInterface)
    return `interface name '${iface}' must be shorter than 16`;
  for (const text of [source, dest]) {
    if (!isGiven(text) || text.startsWith("+")) continue;
    const address = /^(?:dc\/|guest\/)?[A-Za-z][A-Za-z0-9_-]+$/.test(text) ? addressOf(text) : text;
    const refused = address?.split(",").find((part) => spanOf(part) === undefined);
    if (refused !== undefined) return `invalid address, mask or range '${refused}'`;
  }
  for (const part of ([4, 6] as const).flatMap((family) => partsOf(rule, family))) {
    const fault = part && portsFault(part);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function portsFault({ proto, dport, sport }: RulePart): string | undefined {
  if (!isGiven(proto)) return undefined;
  if (/^(?:icmp|icmpv6|ipv6-icmp)$/.test(proto))
    return dport !== undefined && /^\d+$/.test(dport) && numberInC(dport) === undefined
      ? `invalid ICMP type '${dport}'`
      : undefined;
  return listFault(proto, dport) ?? listFault(proto, sport);
}

function listFault(proto: string, ports: string | undefined): string | undefined {
  if (!isGiven(ports)) return undefined;
  const parts = ports.split(",");
  const reading = readProtocol(proto);
  const number = "meaning" in reading ? reading.meaning : undefined;
  // There is no match for UDP-Lite's ports, but for lists of them.
  if (parts.length === 1 && number === 136) return "udplite has no single port";
  const isDecimal = parts.length === 1 && readsDecimals(number);
  const sizes = parts.map((part) => part.split(":").length);
  if (parts.length > 1 && sizes.reduce((sum, size) => sum + size, 0) > portLimit) return "too many ports";
  for (const part of parts) {
    const bounds = part.split(":").map((port) => {
      if (/^\d+$/.test(port)) return isDecimal ? Number(port) : numberInC(port);
      return namedPort(port, isDecimal ? undefined : number);
    });
    const [first, last] = bounds;
    if (bounds.includes(undefined)) return `invalid port '${part}'`;
    if (first !== undefined && last !== undefined && first > last) return `invalid range of ports '${part}'`;
  }
  return undefined;
}

/**
 * Whether the match of a protocol reads a port, as long as it is not in a list, by its decimal number and by its name for any
 * protocol. Others read octal numbers behind a zero, and names for their own protocol only.
 */
export function readsDecimals(protocol: number | undefined): boolean {
  return protocol === 17 || protocol === 33;
}

/** /etc/services names a port for some protocols only. A name that only the hypervisor knows counts as port 0. */
function namedPort(name: string, protocol: number | undefined): number | undefined {
  const port = portNames.get(name);
  if (port === undefined || protocol === undefined) return port ?? 0;
  return portProtocols(name).includes(protocol) ? port : undefined;
}

/** Why ipset refuses a set that pve-firewall makes of these addresses of one family; undefined when it takes it. */
export function kernelSetFault(
  addresses: readonly string[],
): { readonly address: string; readonly message: string } | undefined {
  const known = new Map<string, string>();
  for (const address of new Set(addresses)) {
    const span = spanOf(address);
    if (span === undefined) return { address, message: `invalid network '${address}'` };
    const [text = "", prefix = ""] = address.split("/");
    if (numberInC(prefix) === 0) return { address, message: `prefix of zero in '${address}'` };
    // pve-firewall puts IPv6 into one notation before it looks for copies.
    const written = `${ipv6Number(text) ?? text}/${prefix}`;
    const key = `${span.first}-${span.last}`;
    const same = known.get(key);
    if (same !== undefined && same !== written)
      return { address, message: `'${address}' is in the set already, in another notation` };
    known.set(key, written);
  }
  return undefined;
}
