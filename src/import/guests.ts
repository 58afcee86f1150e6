/** Questions about guests that were found. Pure. */
import { addressRange } from "../formats/ipv4/index.ts";
import type { FoundGuest, FoundInterface, FoundNetwork, FoundNic } from "./found.ts";

/** The first fixed address of a guest. */
export function addressOf({ nics }: FoundGuest): string | undefined {
  return nics.flatMap(({ ip }) => (ip === undefined || ip === "dhcp" ? [] : [ip.address]))[0];
}

/** Every fixed address of a guest. */
export function addressesOf({ nics }: FoundGuest): readonly string[] {
  return nics.flatMap(({ ip }) => (ip === undefined || ip === "dhcp" ? [] : [ip.address]));
}

/** The bridge with an address that most guests are on. */
export function bridgeOf({
  guests,
  network,
}: {
  readonly guests: readonly FoundGuest[];
  readonly network: Pick<FoundNetwork, "interfaces">;
}): FoundInterface | undefined {
  const uses = (bridge: FoundInterface): number =>
    guests.filter(({ nics }) => nics.some((nic) => nic.bridge === bridge.name)).length;
  const bridges = network.interfaces.filter(({ address }) => address !== undefined);
  return bridges.toSorted((a, b) => Number(b.isBridge) - Number(a.isBridge) || uses(b) - uses(a))[0];
}

/** The interface that the site knows a guest by: the one on the hypervisor's network, else one with DHCP. */
export function sitesNic({ nics }: FoundGuest, bridge: FoundInterface | undefined): FoundNic | undefined {
  return nics.find((nic) => isOnNetwork(nic, bridge)) ?? nics.find(({ ip }) => ip === "dhcp");
}

function isOnNetwork({ ip, vlan }: FoundNic, bridge: FoundInterface | undefined): boolean {
  if (ip === undefined || ip === "dhcp" || bridge?.address === undefined || vlan !== undefined) return false;
  const network = addressRange(`${bridge.address.address}/${bridge.address.prefix}`);
  const own = addressRange(ip.address);
  return network !== undefined && own !== undefined && own.first >= network.first && own.last <= network.last;
}
