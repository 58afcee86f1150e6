/** A cluster for a site that declares none: its nodes with free addresses, and where its guests are at first. Pure. */
import { SiteError } from "../src/errors.ts";
import type { Guest, Site } from "../src/model.ts";
import type { LabCluster } from "./nodes.ts";

/**
 * @param names of the nodes; the first one has the site's address
 * @throws SiteError when the site's network has no more addresses
 */
export function clusterOf(site: Site, names: readonly string[]): LabCluster {
  const free = freeAddresses(site);
  const nodes = names.map((name, at) => {
    if (at === 0) return { host: "pve" as const, name, id: 1, address: site.hypervisor.address };
    const address = free.next().value;
    if (address === undefined)
      throw new SiteError(`${site.hypervisor.network} has no free address for the node ${name}`, {
        hint: "name fewer nodes",
      });
    return { host: `node/${name}` as const, name, id: at + 1, address };
  });
  // As Proxmox recommends it: with an even number of nodes, one half alone has no majority.
  return { name: "oak", nodes, qdevice: names.length % 2 === 0 };
}

/** Addresses after the hypervisor's that the site does not mention. */
function* freeAddresses(site: Site): Generator<string, undefined> {
  const { address, network } = site.hypervisor;
  const used = new Set([
    ...site.guests.flatMap((guest) => guest.address ?? []),
    ...(site.dns?.records ?? []).map((record) => record.address),
    ...(site.dns?.upstreams ?? []),
    ...site.guests.flatMap(({ shares }) => shares.map(({ server }) => server)),
    ...site.services.map(({ backend }) => backend.address),
  ]);
  const [base = "", prefix = "24"] = network.split("/");
  const last = numberOf(base) + 2 ** (32 - Number(prefix)) - 2;
  for (let number = numberOf(address) + 1; number <= last; number += 1) {
    const candidate = addressFrom(number);
    if (!used.has(candidate)) yield candidate;
  }
  return undefined;
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function addressFrom(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

/** Guests are dealt out in turn. A container with a directory of the hypervisor's own disk cannot be anywhere else. */
export function placesOf(site: Site, { nodes }: LabCluster): ReadonlyMap<Guest, string> {
  const { mountBase } = site.hypervisor;
  const first = nodes[0]?.name ?? "pve";
  let turn = 0;
  return new Map(
    site.guests.map((guest) => {
      if (guest.template || guest.mounts.some(({ hostPath }) => !hostPath.startsWith(`${mountBase}/`)))
        return [guest, first];
      const place = nodes[turn % nodes.length]?.name ?? first;
      turn += 1;
      return [guest, place];
    }),
  );
}
