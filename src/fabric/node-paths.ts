/** The connections that the nodes of a cluster need: everybody's to each node, and those between them. Pure. */
import { corosyncPort } from "../formats/corosync/index.ts";
import type { Site } from "../model.ts";
import { dnsNodes, nodesOf, nodeTitle, type SiteNode } from "./nodes.ts";
import { type FirewallPath, requiredPaths } from "./paths.ts";
import { ports } from "./ports.ts";

/** What the network needs of a node: of "pve" as the site's paths have it, of another node the same at its own address. */
export function pathsToNode(site: Site, node: SiteNode): readonly FirewallPath[] {
  const paths = requiredPaths(site).filter(({ to, from }) => to === "pve" && from === "network");
  if (node.host === "pve") return paths;
  const servesNames = dnsNodes(site).includes(node);
  return paths
    .filter(({ port }) => port !== ports.dns || servesNames)
    .map((path) => ({
      ...path,
      address: node.address,
      why: path.why.replace("the hypervisor", nodeTitle(node)),
    }));
}

/** A connection from a node to another one, which Proxmox needs to be one cluster. */
export interface NodePath {
  readonly from: SiteNode;
  readonly to: SiteNode;
  /** The sender's address. */
  readonly source: string;
  /** The receiver's. */
  readonly address: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly why: string;
}

/** @param rings corosync's addresses of each node by its name; one that is not there has the address that the site knows */
export function pathsBetweenNodes(
  site: Site,
  rings: ReadonlyMap<string, readonly string[]>,
): readonly NodePath[] {
  const nodes = nodesOf(site).filter(({ address }) => address !== "");
  const linksOf = ({ name = "", address }: SiteNode): readonly string[] => {
    const known = (rings.get(name) ?? []).filter((ring) => /^\d+(\.\d+){3}$/.test(ring));
    return known.length === 0 ? [address] : known;
  };
  return nodes.flatMap((from) =>
    nodes.flatMap((to): readonly NodePath[] => {
      if (from === to) return [];
      const ends = { from, to, source: from.address, address: to.address, protocol: "tcp" as const };
      const links = linksOf(from).flatMap((source, at): readonly NodePath[] => {
        const address = linksOf(to)[at];
        if (address === undefined) return [];
        const port = corosyncPort + at;
        const why = "corosync holds the cluster together";
        return [{ from, to, source, address, protocol: "udp", port, why }];
      });
      return [
        ...links,
        { ...ends, port: ports.ssh, why: "Proxmox's nodes use ssh between them" },
        { ...ends, port: ports.proxmox, why: "Proxmox's nodes pass requests on" },
      ];
    }),
  );
}
