/** The hypervisor's network and the guests with their addresses and mounts. */
import { defined } from "../../defined.ts";
import type { GuestName } from "../../resource.ts";
import type { DraftPart } from "../draft.ts";
import type { FoundDomain, FoundGuest, FoundInterface, FoundNic, Left } from "../found.ts";
import { bridgeOf, sitesNic } from "../guests.ts";
import { type DraftObject, type DraftValue, noted } from "../json.ts";
import type { Found } from "../read/index.ts";

export function machinesPart(found: Found): DraftPart {
  const left: Left[] = [];
  const bridge = bridgeOf(found);
  const guests = new Map<GuestName, DraftValue>(
    found.guests.map((guest) => [guest.host, noted(guestEntry(guest, bridge, left), guest.source)]),
  );
  left.push(...otherInterfaces(found, bridge));
  const domain = domainOf(found);
  return {
    config: {
      domain_name: domain === undefined ? undefined : noted(domain.name, domain.source),
      network: { interfaces: bridge === undefined ? undefined : interfaceEntry(bridge) },
    },
    guests,
    left,
  };
}

/** The hypervisor's other networks. */
function otherInterfaces({ network }: Found, bridge: FoundInterface | undefined): readonly Left[] {
  return network.interfaces.flatMap((each) =>
    each === bridge || each.address === undefined
      ? []
      : [
          {
            source: each.address.source,
            what: `${each.name} ${each.address.address}/${each.address.prefix}`,
            reason: "a site has one network of the hypervisor",
          },
        ],
  );
}

/** The domain that the host's own DNS answers for, else the one that the hypervisor gives itself. */
export function domainOf({ dns, network }: Pick<Found, "dns" | "network">): FoundDomain | undefined {
  const candidates = [...dns.servers.flatMap(({ domains }) => domains), ...network.domains];
  return candidates.find(({ name }) => name.includes(".") && !/^(?:localdomain|local)$/.test(name));
}

function interfaceEntry({ name, address, gateway }: FoundInterface): DraftValue | undefined {
  if (address === undefined) return undefined;
  const entry = defined({ name, address: `${address.address}/${address.prefix}`, gateway });
  return noted(entry, address.source);
}

function guestEntry(guest: FoundGuest, bridge: FoundInterface | undefined, left: Left[]): DraftObject {
  return defined({
    name: guest.name,
    is_template: guest.isTemplate ? true : undefined,
    start_at_boot: guest.startsAtBoot ? true : undefined,
    network_config: networkEntry(guest, bridge, left),
    mount_points:
      guest.mounts.length === 0
        ? undefined
        : guest.mounts.map(({ hostPath, guestPath, source }) =>
            noted({ host_path: hostPath, container_path: guestPath }, source),
          ),
  });
}

/** The interface on the hypervisor's network: the site has one network, other interfaces are told. */
function networkEntry(
  guest: FoundGuest,
  bridge: FoundInterface | undefined,
  left: Left[],
): DraftObject | undefined {
  const chosen = sitesNic(guest, bridge);
  for (const nic of guest.nics) {
    if (nic === chosen) continue;
    const what = [nic.key, nic.bridge, nic.vlan && `VLAN ${nic.vlan}`, addressWords(nic)]
      .filter(Boolean)
      .join(" ");
    left.push({
      source: nic.source,
      what,
      reason:
        nic.ip === undefined
          ? "no IPv4 address of it is known"
          : "a guest has one address in the site, on the hypervisor's network",
    });
  }
  if (chosen?.ip === undefined) return undefined;
  if (chosen.ip === "dhcp") return { ip: "dhcp" };
  const ip = `${chosen.ip.address}/${chosen.ip.prefix}`;
  const isBeside = chosen.ip.source.path === chosen.source.path;
  return defined({ ip: isBeside ? ip : noted(ip, chosen.ip.source), gw: chosen.gateway });
}

function addressWords({ ip, written = "" }: FoundNic): string {
  if (ip === undefined) return written;
  return ip === "dhcp" ? "dhcp" : `${ip.address}/${ip.prefix}`;
}
