/** How the nodes of a cluster see one /etc/pve: it lies in the hypervisor's tree, but for names that every node has of its own. */
import type { HostName } from "../src/resource.ts";
import type { LabMount } from "./facts.ts";

/** Links to the node's own part of the tree. */
const ownLinks = ["local", "lxc", "qemu-server"];

export function sharedTree(host: HostName): LabMount {
  return { host, path: "/etc/pve", tree: "pve", source: "/etc/pve", except: ownLinks };
}
