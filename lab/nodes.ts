/** What a node of a Proxmox cluster is. */
import type { HostName, NodeName } from "../src/resource.ts";

export type NodeHost = "pve" | NodeName;

export interface LabCluster {
  /** The name in corosync.conf. */
  readonly name: string;
  /** The first one has the site's address and is "pve", whatever it is called. */
  readonly nodes: readonly LabNode[];
  /** A server outside of the cluster that has a vote: without one, a cluster of two nodes stops when one of them does. */
  readonly qdevice: boolean;
}

export interface LabNode {
  readonly host: NodeHost;
  readonly name: string;
  /** corosync's number. */
  readonly id: number;
  readonly address: string;
}

export function isNode(host: HostName): host is NodeHost {
  return host === "pve" || host.startsWith("node/");
}
