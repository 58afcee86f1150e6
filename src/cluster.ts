/** A Proxmox cluster as it is at the moment: nobody declares it, and a guest that moves is not drift. */
import type { GuestName, HostName, NodeName } from "./resource.ts";

export interface Cluster {
  /** The cluster's name in corosync. */
  readonly name: string;
  /** What the cluster calls the node that is "pve" here. */
  readonly own: string;
  /** The node that commands enter by: where Phoenix runs, or the one that `--host` names. The operator's session is there. */
  readonly entry: Extract<HostName, "pve" | NodeName>;
  /** Without quorum /etc/pve is read-only on every node that has lost it. */
  readonly quorate: boolean;
  /** The other nodes, sorted by name. */
  readonly nodes: readonly ClusterNode[];
  /** The node of each guest, by its name in the cluster; also of guests that the site does not declare. */
  readonly placement: ReadonlyMap<GuestName, string>;
}

export interface ClusterNode {
  readonly host: NodeName;
  readonly name: string;
  /** Dotted IPv4 address on the site's network where it has one there, else the one that corosync uses; "" while nobody knows it. */
  readonly address: string;
  readonly online: boolean;
}
