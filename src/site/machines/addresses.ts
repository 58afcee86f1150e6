/** IPv4 addresses, networks and host names, as the site's files write them. */
import { type AddressRange, addressNumber, addressRange } from "../../formats/ipv4/index.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";

/** An address, and the network that its prefix length puts it in. */
export interface Ipv4Interface {
  readonly address: string;
  readonly prefix: number | undefined;
  readonly network: AddressRange;
}

/** "10.0.0.13/24" or "10.0.0.13". */
export function parseInterface(text: string): Ipv4Interface | undefined {
  const [address = "", prefix] = text.trim().split("/");
  const network = addressNumber(address) === undefined ? undefined : addressRange(text.trim());
  return network && { address, prefix: prefix === undefined ? undefined : Number(prefix), network };
}

/** The part of a host name between two dots. Neither host names nor certificates have underscores. */
const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const hostPattern = new RegExp(`^${label}(?:\\.${label})*$`);

/** A host name in lower case without a trailing dot; undefined for anything else, an address too. */
export function hostName(text: string): string | undefined {
  const name = text.trim().toLowerCase().replace(/\.$/, "");
  return name.length <= 253 && hostPattern.test(name) && !/(?:^|\.)\d+$/.test(name) ? name : undefined;
}

/** The host name in a cell; undefined when there is none, and for anything else, which is reported. */
export function readHostName(cell: Cell | undefined, problems: Problems): string | undefined {
  if (cell?.text === undefined) return undefined;
  return hostName(cell.text) ?? problems.invalid("PHX0208", cell, "host name");
}

/** A host name, or "*." and a host name. */
export function hostOrWildcard(text: string): string | undefined {
  const name = text.trim();
  if (!name.startsWith("*.")) return hostName(name);
  const below = hostName(name.slice(2));
  return below === undefined ? undefined : `*.${below}`;
}

/** The full name: the domain is appended unless the name already ends in it. */
export function qualified(name: string, domain: string): string {
  return name === domain || name.endsWith(`.${domain}`) ? name : `${name}.${domain}`;
}
