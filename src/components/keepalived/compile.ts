/** What keepalived should be on each of two gateways. */
import { gatewaysOf } from "../../fabric/services.ts";
import { keepalivedConf, keepalivedUnits } from "../../formats/keepalived/index.ts";
import type { RoleGuest, Site } from "../../model.ts";
import type { HostName, Resource, ResourceId } from "../../resource.ts";
import { serviceResource } from "../resources.ts";

export const configurationPath = "/etc/keepalived/keepalived.conf";

/** The preferred gateway has the address when both start together. */
const priorities = { first: 150, standby: 100 } as const;

/** A gateway of the pair, and how its resources are called. */
export interface Member {
  readonly guest: RoleGuest;
  readonly configuration: ResourceId;
  readonly service: ResourceId;
}

/** The preferred one first; none where the site has one gateway. */
export function membersOf(site: Site): readonly Member[] {
  if (site.gatewayPair === undefined) return [];
  return gatewaysOf(site).map((guest, at) => {
    const suffix = at === 0 ? "" : `@${guest.name}`;
    return {
      guest,
      configuration: `keepalived/configuration${suffix}`,
      service: `keepalived/service${suffix}`,
    };
  });
}

/** The configuration comes first: keepalived starts with it. */
export function compile(site: Site): readonly Resource[] {
  const { gatewayPair, hypervisor } = site;
  if (gatewayPair === undefined) return [];
  const { address, from } = gatewayPair;
  const members = membersOf(site);
  return members.flatMap(({ guest, configuration, service }, at) => {
    const peer = members[1 - at]?.guest.address ?? "";
    const text = keepalivedConf({
      name: guest.name.replace(/[^A-Za-z0-9.-]+/g, "-"),
      interface: guest.interface ?? "eth0",
      address: guest.address,
      peer,
      // What is unique on the network already: the last number of the shared address.
      routerId: Math.max(1, Number(address.split(".")[3])),
      priority: at === 0 ? priorities.first : priorities.standby,
      shared: `${address}/${hypervisor.prefix}`,
      unit: "nginx",
    });
    const units = Object.fromEntries(Object.keys(keepalivedUnits(text)).map((unit) => [unit, from]));
    return [
      { ...configurationResource(configuration, guest.host, text), from: { ...units, peer: guest.from } },
      serviceResource(service, guest.host, { installed: true, active: true, enabled: true }),
    ];
  });
}

export function configurationResource(id: ResourceId, host: HostName, text: string): Resource {
  return { id, host, text, units: keepalivedUnits(text) };
}
