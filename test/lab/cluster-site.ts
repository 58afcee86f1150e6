/** Sites of a cluster by hand: "pve" and other nodes, with guests on any of them. */
import type { Cluster } from "../../src/cluster.ts";
import type { GuestName } from "../../src/resource.ts";
import type { WholeSite } from "../whole-site.ts";

interface ClusterOptions {
  /** Nodes that are off. */
  readonly off?: readonly string[];
  /** The node of a guest, "pve" unless given. */
  readonly placement?: Readonly<Partial<Record<GuestName, string>>>;
}

/** The site in the cluster "oak": "pve" has the site's address, the other nodes the ones that follow it. */
export function clusterOf(
  site: WholeSite,
  names: readonly string[],
  { off = [], placement = {} }: ClusterOptions = {},
): WholeSite & { readonly cluster: Cluster } {
  const first = Number(site.hypervisor.address.split(".")[3]);
  const base = site.hypervisor.address.replace(/\d+$/, "");
  const cluster = {
    name: "oak",
    own: "pve",
    entry: "pve",
    quorate: true,
    nodes: names.map((name, at) => ({
      host: `node/${name}` as const,
      name,
      address: `${base}${first + at + 1}`,
      online: !off.includes(name),
    })),
    placement: new Map(site.guests.map(({ host }) => [host, placement[host] ?? "pve"])),
  } as const;
  return { ...site, cluster };
}
