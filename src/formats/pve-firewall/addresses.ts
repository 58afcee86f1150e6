/**
 * Addresses of both families as Proxmox's firewall takes them. Three programs read them, each in its own way: Perl's Net::IP
 * checks those of rules, a pattern those of aliases and IP sets, and iptables or ipset says what they mean. Pure.
 */
import { asBytes } from "./bytes.ts";

/** All addresses of one family from `first` to `last`, both included: numbers for IPv4, bigints for IPv6. */
export interface Span {
  readonly family: 4 | 6;
  readonly first: number | bigint;
  readonly last: number | bigint;
}

export function isWithin(inner: Span, outer: Span): boolean {
  return inner.family === outer.family && outer.first <= inner.first && inner.last <= outer.last;
}

export function meets(one: Span, other: Span): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

/** A number as C's strtoul reads it: octal behind a zero, hexadecimal behind 0x. "08" is not one. */
export function numberInC(text: string): number | undefined {
  if (/^0x[0-9a-f]+$/i.test(text) || /^[1-9]\d*$/.test(text)) return Number(text);
  return /^0[0-7]*$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

/**
 * What iptables and ipset take an address, a network or a range for; undefined where they refuse it, and with it every rule
 * of the node. Short addresses end in zeros, host bits count as zero, a part that begins with a zero is octal.
 */
export function spanOf(text: string): Span | undefined {
  const [from = "", to, ...more] = text.split("-");
  if (to === undefined) return networkSpan(text);
  const [first, last] = [addressSpan(from), addressSpan(to)];
  if (more.length > 0 || first === undefined || first.family !== last?.family) return undefined;
  return { family: first.family, first: first.first, last: last.first };
}

function networkSpan(text: string): Span | undefined {
  const [address = "", mask, ...more] = text.split("/");
  const span = addressSpan(address);
  if (mask === undefined || span === undefined || more.length > 0) return more.length > 0 ? undefined : span;
  const prefix = mask.includes(".") && span.family === 4 ? prefixOfMask(mask) : numberInC(mask);
  const bits = span.family === 4 ? 32 : 128;
  if (prefix === undefined || prefix > bits) return undefined;
  if (typeof span.first === "number") {
    const size = 2 ** (32 - prefix);
    const first = Math.floor(span.first / size) * size;
    return { family: 4, first, last: first + size - 1 };
  }
  const size = 2n ** BigInt(128 - prefix);
  const first = (span.first / size) * size;
  return { family: 6, first, last: first + size - 1n };
}

/** 24 for "255.255.255.0". */
function prefixOfMask(mask: string): number | undefined {
  const span = addressSpan(mask);
  if (mask.split(".").length !== 4 || typeof span?.first !== "number") return undefined;
  const zeros = Math.log2(2 ** 32 - span.first);
  return Number.isInteger(zeros) ? 32 - zeros : undefined;
}

function addressSpan(text: string): Span | undefined {
  if (text.includes(":")) {
    const number = ipv6Number(text);
    return number === undefined ? undefined : { family: 6, first: number, last: number };
  }
  let number = 0;
  const quads = text.split(".");
  if (quads.length > 4) return undefined;
  for (const quad of [...quads, "0", "0", "0"].slice(0, 4)) {
    const value = numberInC(quad);
    if (value === undefined || value > 255) return undefined;
    number = number * 256 + value;
  }
  return { family: 4, first: number, last: number };
}

/** "fd00::1" as a number below 2^128, the last two groups also in IPv4's notation; undefined for anything else. */
export function ipv6Number(text: string): bigint | undefined {
  const [, head = text, quads] = /^(.*:)(\d+(?:\.\d+){3})$/.exec(text) ?? [];
  const embedded = quads === undefined ? undefined : addressSpan(quads)?.first;
  if (quads !== undefined && (typeof embedded !== "number" || /(?:^|\.)0\d/.test(quads))) return undefined;
  const tail =
    typeof embedded === "number" ? [embedded >>> 16, embedded & 0xffff].map((half) => half.toString(16)) : [];
  const sides = `${head}${tail.join(":")}`.split("::").map((side) => (side === "" ? [] : side.split(":")));
  const groups = sides.flat();
  const isWhole = sides.length === 1 ? groups.length === 8 : sides.length === 2 && groups.length < 8;
  if (!isWhole || !groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const [first = [], second = []] = sides;
  const all = [...first, ...Array<string>(8 - groups.length).fill("0"), ...second];
  return all.reduce((sum, group) => (sum << 16n) + BigInt(Number.parseInt(group, 16)), 0n);
}

const octet = "(?:25[0-5]|(?:2[0-4]|1\\d|[1-9])?\\d)";
const cidrPattern = new RegExp(`^${octet}(?:\\.${octet}){3}(?:/\\d+)?$`);

/** The family of an entry of an alias or IP set; undefined where Proxmox does not take it. The prefix may be too long. */
export function cidrFamily(text: string): 4 | 6 | undefined {
  if (cidrPattern.test(text)) return 4;
  const [, address = ""] = /^([^/]+)(?:\/\d+)?$/.exec(text) ?? [];
  return address.includes(":") && ipv6Number(address) !== undefined ? 6 : undefined;
}

/** What Net::IP finds in one address, network or range of a rule: its family, or its fault. */
export function netIp(text: string): { readonly family: 4 | 6 } | { readonly fault: string } {
  const [, network = "", length = ""] = asBytes(/^(\S+?)(\/\S+)$/).exec(text) ?? [];
  if (network !== "") return networkFinding(network, length);
  const [, from = text, to] = asBytes(/^(.+?)\s*-\s*(.+)$/).exec(text) ?? [];
  const family = versionOf(from);
  const first = family === undefined ? undefined : expanded(from, family);
  if (family === undefined || first === undefined) return { fault: `Invalid IP address ${from}` };
  if (to === undefined) return { family };
  const last = versionOf(to) === family ? expanded(to, family) : undefined;
  if (last === undefined) return { fault: `Invalid IP address ${to}` };
  return first > last ? { fault: `Begin address is greater than End address ${from} - ${to}` } : { family };
}

function networkFinding(address: string, length: string): ReturnType<typeof netIp> {
  const family = versionOf(address);
  const number = family === undefined ? undefined : expanded(address, family);
  if (family === undefined || number === undefined) return { fault: `Invalid IP address ${address}` };
  const prefix = /^\/(\d+)$/.exec(length)?.[1];
  // What is not a number is not looked at here.
  if (prefix === undefined) return { family };
  const bits = family === 4 ? 32 : 128;
  if (Number(prefix) > bits) return { fault: `Prefix length ${prefix} is longer than IP address (${bits})` };
  const host = BigInt(number) % 2n ** BigInt(bits - Number(prefix));
  return host === 0n ? { family } : { fault: `Invalid prefix ${address}${length}` };
}

function versionOf(text: string): 4 | 6 | undefined {
  if (!text.includes(":")) {
    const quads = text.split(".");
    return quads.length <= 4 && quads.every((quad) => /^\d+$/.test(quad) && Number(quad) < 256)
      ? 4
      : undefined;
  }
  return isIpv6ToNetIp(text) ? 6 : undefined;
}

function isIpv6ToNetIp(text: string): boolean {
  let colons = text.split(":").length - 1;
  if (colons > 7) return false;
  const groups = text.replace(/:+$/, "").split(":");
  for (const [at, group] of groups.entries()) {
    if (group === "" || /^[0-9a-f]{1,4}$/i.test(group)) continue;
    if (at !== colons || group.includes(":") || versionOf(group) !== 4) return false;
    colons += 1;
  }
  const pairs = text.match(/:(?=:)/g)?.length ?? 0;
  if (/^:[^:]/.test(text) || /[^:]:$/.test(text) || pairs > 1) return false;
  return colons === 7 || text.includes("::");
}

function expanded(text: string, family: 4 | 6): number | bigint | undefined {
  if (family === 6) return ipv6Number(text) ?? 0n;
  const quads = text.split(".");
  if (!quads.every((quad) => /^\d{1,3}$/.test(quad))) return undefined;
  return [...quads.map(Number), 0, 0, 0].slice(0, 4).reduce((sum, quad) => sum * 256 + quad, 0);
}
