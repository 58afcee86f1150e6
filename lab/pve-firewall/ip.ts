/** IP addresses as iptables, ipset and Perl's Net::IP read them. Part of the oracle: see read.ts. */
import { isIPv6 } from "node:net";

/** Perl's patterns see bytes: a no-break space is no space to them. */
export const space = "[ \\t\\r\\n\\f\\v]";
export const word = "[^ \\t\\r\\n\\f\\v]+";

/** A block of addresses of one family. */
export interface Block {
  readonly bits: 32 | 128;
  readonly from: bigint;
  readonly to: bigint;
}

/** strtoul with base 0: octal behind a zero, hexadecimal behind 0x; undefined where a character is left over. */
export function strtoul(text: string): number | undefined {
  if (/^0x[0-9a-f]+$/i.test(text)) return Number.parseInt(text, 16);
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9][0-9]*$/.test(text) ? Number.parseInt(text, 10) : undefined;
}

/** The octets of an IPv4 address; missing ones are zero. @param number reads one octet */
function quads(text: string, number: (octet: string) => number | undefined): bigint | undefined {
  const octets = text.split(".");
  if (octets.length > 4) return undefined;
  while (octets.length < 4) octets.push("0");
  let sum = 0n;
  for (const octet of octets) {
    const value = number(octet);
    if (value === undefined || value > 255) return undefined;
    sum = sum * 256n + BigInt(value);
  }
  return sum;
}

function hextets(text: string): bigint | undefined {
  if (!isIPv6(text)) return undefined;
  const plain = text.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) => {
    const value = quads(dotted, (octet) => Number(octet)) ?? 0n;
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  });
  const [left = "", right] = plain.split("::");
  const parts = (side: string): string[] => (side === "" ? [] : side.split(":"));
  const [before, after] = [parts(left), parts(right ?? "")];
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
  return all.reduce((sum, part) => sum * 65_536n + BigInt(`0x${part}`), 0n);
}

/** An address alone, as the kernel's programs read it. */
function single(text: string): Block | undefined {
  const isSix = text.includes(":");
  const value = isSix ? hextets(text) : quads(text, strtoul);
  return value === undefined ? undefined : { bits: isSix ? 128 : 32, from: value, to: value };
}

/** An address, a network or a range as iptables takes it; undefined where it ends with an error. */
export function blockOf(text: string): Block | undefined {
  const dash = text.indexOf("-");
  if (dash >= 0) {
    const [first, last] = [single(text.slice(0, dash)), single(text.slice(dash + 1))];
    return first === undefined || last?.bits !== first.bits ? undefined : { ...first, to: last.to };
  }
  const slash = text.indexOf("/");
  if (slash < 0) return single(text);
  const address = single(text.slice(0, slash));
  const length = address === undefined ? undefined : lengthOf(text.slice(slash + 1), address.bits);
  if (address === undefined || length === undefined) return undefined;
  const size = 1n << BigInt(address.bits - length);
  const from = (address.from / size) * size;
  return { bits: address.bits, from, to: from + size - 1n };
}

function lengthOf(text: string, bits: 32 | 128): number | undefined {
  if (bits === 32 && /^\d+(?:\.\d+){3}$/.test(text)) {
    const mask = quads(text, strtoul);
    const ones = mask?.toString(2).padStart(32, "0") ?? "";
    return /^1*0*$/.test(ones) ? ones.lastIndexOf("1") + 1 : undefined;
  }
  const length = strtoul(text);
  return length === undefined || length > bits ? undefined : length;
}

export function holds(block: Block, address: string): boolean {
  const seen = single(address);
  return seen?.bits === block.bits && block.from <= seen.from && seen.from <= block.to;
}

/** A network as pve-firewall writes it for ipset: IPv6 in one notation, the prefix as it was given. */
export function normalized(network: string): string {
  const [address = "", prefix] = network.split("/");
  const value = address.includes(":") ? hextets(address) : undefined;
  if (value === undefined) return network;
  const groups = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((at) => ((value >> at) & 0xffffn).toString(16));
  return prefix === undefined ? groups.join(":") : `${groups.join(":")}/${prefix}`;
}

/** What Net::IP says about an element of a list: its error, or the family. */
export function netIp(text: string): "4" | "6" | { readonly error: string } {
  const [, address = "", length] = new RegExp(`^(${word.replace("+", "+?")})(/${word})$`).exec(text) ?? [];
  if (length !== undefined) {
    const family = versionOf(address);
    const value = family === undefined ? undefined : numberOf(address, family);
    if (family === undefined || value === undefined) return { error: versionError(address) };
    // Only digits make a prefix; anything else is passed over.
    const digits = /^\/(\d+)$/.exec(length)?.[1];
    if (digits === undefined) return family;
    const bits = family === "4" ? 32 : 128;
    if (Number(digits) > bits)
      return { error: `Prefix length ${digits} is longer than IP address (${bits})` };
    const rest = value & ((1n << BigInt(bits - Number(digits))) - 1n);
    return rest === 0n
      ? family
      : { error: `Invalid prefix ${value.toString(2).padStart(bits, "0")}/${digits}` };
  }
  const [, from = text, to] = /^(.+?)\s*-\s*(.+)$/.exec(text) ?? [];
  const family = versionOf(from);
  const first = family === undefined ? undefined : numberOf(from, family);
  if (family === undefined || first === undefined) return { error: versionError(from) };
  if (to === undefined) return family;
  const last = versionOf(to) === family ? numberOf(to, family) : undefined;
  if (last === undefined) return { error: versionError(to) };
  return first <= last
    ? family
    : { error: `Begin address is greater than End address ${plain(first, from)} - ${plain(last, to)}` };
}

/** An IPv4 address in full. */
function plain(value: bigint, text: string): string {
  if (text.includes(":")) return text;
  return [24n, 16n, 8n, 0n].map((at) => String((value >> at) & 0xffn)).join(".");
}

function versionError(text: string): string {
  if (text.includes(":")) return `Invalid IP address ${text}`;
  if (!/^[\d.]+$/.test(text)) return `Invalid chars in IP ${text}`;
  const large = text.split(".").find((octet) => Number(octet) > 255);
  return large === undefined ? `Invalid IP address ${text}` : `Invalid quad in IP address ${text} - ${large}`;
}

function versionOf(text: string): "4" | "6" | undefined {
  if (!text.includes(":"))
    return /^\d+(?:\.\d+){0,3}$/.test(text) && text.split(".").every((octet) => Number(octet) <= 255)
      ? "4"
      : undefined;
  return isIpv6ForPerl(text) ? "6" : undefined;
}

/** More is an IPv6 address to Net::IP than to the kernel. */
function isIpv6ForPerl(text: string): boolean {
  let colons = [...text].filter((letter) => letter === ":").length;
  if (colons >= 8 || /^:[^:]/.test(text) || /[^:]:$/.test(text)) return false;
  if ([...text.matchAll(/:(?=:)/g)].length > 1) return false;
  const parts = text.replace(/:+$/, "").split(":");
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? "";
    if (/^[a-f\d]{0,4}$/i.test(part)) continue;
    if (at !== colons || versionOf(part) !== "4") return false;
    colons++;
  }
  return colons === 7 || text.includes("::");
}

function numberOf(text: string, family: "4" | "6"): bigint | undefined {
  if (family === "6") return hextets(text) ?? 0n;
  return quads(text, (octet) => (/^\d{1,3}$/.test(octet) ? Number(octet) : undefined));
}
