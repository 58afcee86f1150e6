/** From an address that a proxy leads to, to the guest that answers there. Pure. */
import type { GuestName } from "../../resource.ts";
import type { FoundDns, FoundGuest, FoundNetwork } from "../found.ts";
import { addressesOf, bridgeOf, sitesNic } from "../guests.ts";

/** What the join knows about machines. */
export interface Machines {
  readonly guests: readonly FoundGuest[];
  readonly network: Pick<FoundNetwork, "interfaces">;
  readonly dns: FoundDns;
  readonly domain: string | undefined;
}

export type Resolved = { readonly guest: FoundGuest } | { readonly reason: string };

/**
 * The guest that an address or a host name belongs to.
 * @param from the guest that asks: "localhost" is itself
 */
export function guestAt(machines: Machines, host: string, from: GuestName): Resolved {
  const { guests, network } = machines;
  if (host === "localhost" || host === "::1" || host.startsWith("127.")) {
    const own = guests.find((guest) => guest.host === from);
    return own === undefined ? { reason: `${from} is not among the guests` } : { guest: own };
  }
  const addresses = isAddress(host) ? [host] : addressesNamed(machines, host);
  if (addresses.length > 1) return { reason: `${host} has several addresses: ${addresses.join(", ")}` };
  const [address] = addresses;
  if (address === undefined) return { reason: `the host name ${host} has no address here` };
  const shown = address === host ? address : `${host} (${address})`;
  if (network.interfaces.some((each) => each.address?.address === address))
    return { reason: `${shown} is the hypervisor itself: services belong to guests` };
  const found = guests.filter((guest) => addressesOf(guest).includes(address));
  const [guest, ...others] = found;
  if (guest === undefined) return { reason: `no guest has the address ${shown}` };
  if (others.length > 0)
    return {
      reason: `several guests have the address ${shown}: ${found.map((each) => each.host).join(", ")}`,
    };
  if (guest.isTemplate) return { reason: `${shown} is the template ${guest.host}` };
  return { guest };
}

/** The same, for a guest whose services the site can declare: it has a fixed address on the hypervisor's network. */
export function backendAt(machines: Machines, host: string, from: GuestName): Resolved {
  const resolved = guestAt(machines, host, from);
  if (!("guest" in resolved)) return resolved;
  const { guest } = resolved;
  const ip = sitesNic(guest, bridgeOf(machines))?.ip;
  if (ip !== undefined && ip !== "dhcp") return resolved;
  return { reason: `${guest.host} (${guest.name}) has no fixed address on the hypervisor's network` };
}

function isAddress(host: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) || host.includes(":");
}

/** By the records of the DNS servers, else by the guests' own names. */
function addressesNamed({ guests, dns, domain }: Machines, name: string): readonly string[] {
  const records = dns.servers.flatMap((server) => server.records);
  const full = domain === undefined || name.includes(".") ? name : `${name}.${domain}`;
  const recorded = records.filter((record) => record.name === name || record.name === full);
  if (recorded.length > 0) return [...new Set(recorded.map(({ address }) => address))];
  const named = guests.filter((guest) => {
    const own = guest.name.toLowerCase();
    return own === name || (domain !== undefined && `${own}.${domain}` === name);
  });
  return [...new Set(named.flatMap((guest) => addressesOf(guest).slice(0, 1)))];
}
