/** Where pmxcfs keeps the configurations of guests: in the directory of the node that has the guest. Pure. */

/** The hypervisor's path of a guest's configuration, were it on that node. */
export function configPath(node: string, kind: "lxc" | "vm", id: number): string {
  return `/etc/pve/nodes/${node}/${kind === "lxc" ? "lxc" : "qemu-server"}/${id}.conf`;
}
