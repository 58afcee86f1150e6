/** The nodes that the site's host-level parts are on: the hypervisor alone, or every member of its Proxmox cluster. Pure. */
import { defined } from "../defined.ts";
import type { Site } from "../model.ts";
import {
  type GuestName,
  type HostName,
  isGuestName,
  type NodeName,
  type Resource,
  type ResourceId,
} from "../resource.ts";
import { memo } from "./memo.ts";

export interface SiteNode {
  readonly host: "pve" | NodeName;
  /** What the cluster calls it; absent on a single host. */
  readonly name?: string;
  /** Dotted IPv4 address, on the site's network where it has one there. */
  readonly address: string;
  readonly online: boolean;
}

/** "pve" first, then the others by name. */
export const nodesOf = memo(({ hypervisor, cluster }: Site): readonly SiteNode[] => [
  { host: "pve", address: hypervisor.address, online: true, ...defined({ name: cluster?.own }) },
  ...(cluster?.nodes ?? []),
]);

/** The node called `host`; "pve" for a host that is not a node. */
export function nodeOf(site: Site, host: HostName): SiteNode {
  const [own, ...others] = nodesOf(site);
  const found = others.find((node) => node.host === host) ?? own;
  if (found === undefined) throw new Error("a site has a node");
  return found;
}

/** The node that has a guest now; "pve" on a single host, and for a guest that the cluster does not have. */
export function nodeOfGuest(site: Site, guest: GuestName): SiteNode {
  const name = site.cluster?.placement.get(guest);
  const found = name === undefined ? undefined : nodesOf(site).find((node) => node.name === name);
  return found ?? nodeOf(site, "pve");
}

/** What the cluster calls the node that has a guest; undefined on a single host, for a node, and for a guest that is nowhere. */
export function nodeNameOf({ cluster }: Pick<Site, "cluster">, host: HostName): string | undefined {
  return isGuestName(host) ? cluster?.placement.get(host) : undefined;
}

/** "the hypervisor", in a cluster "node pve2". */
export function nodeTitle({ name }: SiteNode): string {
  return name === undefined ? "the hypervisor" : `node ${name}`;
}

/** Every node has its own of some resources: "dns/records" on "pve", "dns/records@pve2" on node pve2. */
export function idOn({ host }: { readonly host: HostName }, id: ResourceId): ResourceId {
  return `${id}${suffixOf(host)}`;
}

/** The id that "pve" has for it: "dns/records" of "dns/records@pve2". */
export function baseId({ id, host }: Pick<Resource, "id" | "host">): ResourceId {
  const suffix = suffixOf(host);
  return suffix !== "" && id.endsWith(suffix) ? (id.slice(0, -suffix.length) as ResourceId) : id;
}

/** The node that has a resource of this id. */
export function nodeOfId(site: Site, id: ResourceId): SiteNode {
  const other = nodesOf(site).find(({ host }) => host !== "pve" && id.endsWith(suffixOf(host)));
  return other ?? nodeOf(site, "pve");
}

function suffixOf(host: HostName): "" | `@${string}` {
  return host.startsWith("node/") ? `@${host.slice("node/".length)}` : "";
}

/** The nodes that run dnsmasq: those that `dns_server.nodes` names, or all of them. None where the site's name server is off. */
export const dnsNodes = memo((site: Site): readonly SiteNode[] => {
  const { dns, cluster } = site;
  if (dns?.enabled !== true) return [];
  const named = new Set(dns.nodes?.map(({ name }) => name));
  if (cluster === undefined || dns.nodes === undefined) return nodesOf(site);
  return nodesOf(site).filter(({ name }) => name !== undefined && named.has(name));
});
