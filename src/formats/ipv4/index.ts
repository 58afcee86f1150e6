/** IPv4 addresses, networks and ranges as numbers. Pure. */

/** All addresses from `first` to `last`, both included. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** "10.0.0.13" as a number below 2^32; undefined for anything else, leading zeros included. */
export function addressNumber(text: string): number | undefined {
  // Digit by digit: the rules of a large site hold hundreds of thousands of them.
  let address = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x2e) {
      if (digits === 0 || ++dots > 3) return undefined;
      address = address * 256 + part;
      part = digits = 0;
      continue;
    }
    // No letter, no sign, and no second digit behind a zero.
    if (code < 0x30 || code > 0x39 || (digits > 0 && part === 0)) return undefined;
    part = part * 10 + code - 0x30;
    digits++;
    if (part > 255) return undefined;
  }
  return dots === 3 && digits > 0 ? address * 256 + part : undefined;
}

/** "10.0.0.13" for its number. */
export function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/**
 * "10.0.0.1", "10.0.0.0/24" or "10.0.0.1-10.0.0.9"; undefined for anything else. Host bits count as zero; `hasHostBits` says
 * whether they are.
 */
export function addressRange(text: string): AddressRange | undefined {
  const plain = addressNumber(text);
  if (plain !== undefined) return { first: plain, last: plain };
  const [from = "", to, ...more] = text.split("-");
  if (to !== undefined) {
    const [first, last] = [addressNumber(from), addressNumber(to)];
    return more.length > 0 || first === undefined || last === undefined || first > last
      ? undefined
      : { first, last };
  }
  const [address = "", prefix = "32", ...rest] = text.split("/");
  const number = addressNumber(address);
  if (number === undefined || rest.length > 0 || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32)
    return undefined;
  const size = 2 ** (32 - Number(prefix));
  const first = Math.floor(number / size) * size;
  return { first, last: first + size - 1 };
}

/** Whether a network's address has bits beyond its prefix: "10.0.0.1/24". Proxmox refuses it in a rule. */
export function hasHostBits(text: string): boolean {
  const range = text.includes("/") ? addressRange(text) : undefined;
  return range !== undefined && range.first !== addressNumber(text.split("/")[0] ?? "");
}

export function contains(outer: AddressRange, inner: AddressRange): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

/** Whether an address, or a network, is in a network: "10.0.0.5" in "10.0.0.0/24". False for what is none. */
export function isWithin(network: string, address: string): boolean {
  const [outer, inner] = [addressRange(network), addressRange(address)];
  return outer !== undefined && inner !== undefined && contains(outer, inner);
}

export function overlaps(one: AddressRange, other: AddressRange): boolean {
  return one.first <= other.last && other.first <= one.last;
}
