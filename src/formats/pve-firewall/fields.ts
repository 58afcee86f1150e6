/**
 * The fields of a firewall rule: what a value means, or what is wrong with it. The site's reader and the check of Proxmox's
 * files ask here and word the faults themselves. Last checked against pve-firewall 6.0.4, 2026-11. Pure.
 */
import { type AddressRange, addressRange, hasHostBits } from "../ipv4/index.ts";
import { portNames } from "../netbase/ports.ts";
import { protocolNumbers } from "../netbase/protocols.ts";
import { ipv6Number, spanOf } from "./addresses.ts";

/** What is wrong with a value, and with which part of it. */
export interface FieldFault {
  readonly kind:
    | "invalid protocol"
    | "invalid port"
    | "trailing comma"
    | "backwards range"
    | "too many ports"
    | "invalid address"
    | "invalid address range"
    | "host bits"
    | "mixed families"
    | "range in a list"
    | "name in a list"
    | "invalid set name"
    | "invalid interface"
    | "foreign interface";
  readonly part: string;
}

/** The meaning of a value, or its fault. */
export type Reading<Meaning> = { readonly meaning: Meaning } | { readonly fault: FieldFault };

function faulty(kind: FieldFault["kind"], part: string): { readonly fault: FieldFault } {
  return { fault: { kind, part } };
}

/** A protocol's number in an IP header, from its name or number in Debian's /etc/protocols; 0 (ip) is every protocol. */
export function readProtocol(text: string): Reading<number> {
  const number = text === "icmpv6" ? 58 : (protocolNumbers.get(text) ?? knownNumbers.get(text));
  return number === undefined ? faulty("invalid protocol", text) : { meaning: number };
}

/** pve-firewall takes a number only where /etc/protocols has it, and without leading zeros. */
const knownNumbers = new Map([...protocolNumbers.values()].map((number) => [String(number), number]));

/** tcp, udp, dccp, sctp and udplite. */
export function hasPorts(protocol: string | undefined): boolean {
  const read = protocol === undefined ? undefined : readProtocol(protocol);
  return read !== undefined && "meaning" in read && [6, 17, 33, 132, 136].includes(read.meaning);
}

/** Ports from `first` to `last`, both included. */
export interface PortSpan {
  readonly first: number;
  readonly last: number;
}

/** As many as one multiport match of iptables holds; a range counts twice. */
export const portLimit = 15;

/**
 * A list of ports and ranges. Where a name is unknown here, its span is too: only the hypervisor's /etc/services knows it.
 * In a range pve-firewall takes numbers only.
 */
export function readPorts(text: string): Reading<readonly (PortSpan | undefined)[]> {
  if (text.endsWith(",")) return faulty("trailing comma", text);
  const spans: (PortSpan | undefined)[] = [];
  let count = 0;
  for (const part of text.split(",")) {
    const [, first = "", last] = /^(\d+)(?::(\d+))?$/.exec(part) ?? [];
    if (first === "") {
      if (!/^(?=.*[a-z])[a-z0-9-]{2,}$/.test(part)) return faulty("invalid port", part);
      const port = portNames.get(part);
      spans.push(port === undefined ? undefined : { first: port, last: port });
      count += 1;
      continue;
    }
    const span = { first: Number(first), last: Number(last ?? first) };
    // iptables reads a number behind a zero as an octal one.
    const large = [first, last].find((number = "") => Number(number) > 65_535 || /^0\d/.test(number));
    if (large !== undefined) return faulty("invalid port", large);
    if (span.first > span.last) return faulty("backwards range", part);
    spans.push(span);
    count += last === undefined ? 1 : 2;
  }
  return count > portLimit ? faulty("too many ports", text) : { meaning: spans };
}

/** The addresses that a rule names. */
export type Addresses =
  /** Scope "dc/" or "guest/" says whose name it is; "" is the guest's, then that of cluster.fw. */
  | { readonly kind: "set"; readonly scope: string; readonly name: string }
  | { readonly kind: "alias"; readonly scope: string; readonly name: string }
  /** `ranges` are IPv4; none for a list of IPv6 addresses. */
  | { readonly kind: "list"; readonly family: 4 | 6; readonly ranges: readonly AddressRange[] };

const namePattern = "([A-Za-z][A-Za-z0-9_-]+)";
const setPattern = new RegExp(`^\\+(dc/|guest/|sdn/)?${namePattern}$`);
const aliasPattern = new RegExp(`^(dc/|guest/)?${namePattern}$`);

/** Addresses, networks with zero host bits and ranges of one family, or one set or alias alone. */
export function readAddresses(text: string): Reading<Addresses> {
  if (text.startsWith("+")) {
    const [, scope = "", name] = setPattern.exec(text) ?? [];
    return name === undefined ? faulty("invalid set name", text) : { meaning: { kind: "set", scope, name } };
  }
  const [, scope = "", alias] = aliasPattern.exec(text) ?? [];
  if (alias !== undefined) return { meaning: { kind: "alias", scope, name: alias.toLowerCase() } };
  if (text.endsWith(",")) return faulty("trailing comma", text);
  const parts = text.split(",");
  const ranges: AddressRange[] = [];
  for (const part of parts) {
    const fault = addressFault(part, parts.length > 1);
    if (fault !== undefined) return { fault };
    const range = part.includes(":") ? undefined : addressRange(part);
    if (range !== undefined) ranges.push(range);
  }
  if (ranges.length > 0 && ranges.length < parts.length) return faulty("mixed families", text);
  return { meaning: { kind: "list", family: ranges.length > 0 ? 4 : 6, ranges } };
}

function addressFault(part: string, isInList: boolean): FieldFault | undefined {
  if (isInList && (setPattern.test(part) || aliasPattern.test(part))) return { kind: "name in a list", part };
  if (part.includes(":") && isInList && part.includes("-")) return { kind: "range in a list", part };
  if (part.includes(":")) return ipv6Fault(part);
  const isRange = /^[\d.]+-[\d.]+$/.test(part);
  if (addressRange(part) === undefined)
    return { kind: isRange ? "invalid address range" : "invalid address", part };
  if (isRange && isInList) return { kind: "range in a list", part };
  return hasHostBits(part) ? { kind: "host bits", part } : undefined;
}

function ipv6Fault(part: string): FieldFault | undefined {
  const sides = part.split("-");
  if (sides.length > 1)
    return spanOf(part) === undefined ? { kind: "invalid address range", part } : undefined;
  const [address = "", prefix = "128", ...more] = part.split("/");
  const number = ipv6Number(address);
  const isPrefix = /^(?:0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= 128;
  if (number === undefined || !isPrefix || more.length > 0) return { kind: "invalid address", part };
  return number % 2n ** BigInt(128 - Number(prefix)) === 0n ? undefined : { kind: "host bits", part };
}

/** The name of a network interface; a guest's are net0, net1 … */
export function readInterface(text: string, of: "host" | "guest"): Reading<string> {
  if (!/^[a-z][a-z0-9_]{1,20}(?:[:.]\d+)?$/.test(text) || text.length > 15)
    return faulty("invalid interface", text);
  return of === "guest" && !/^net\d+$/.test(text) ? faulty("foreign interface", text) : { meaning: text };
}
