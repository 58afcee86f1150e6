/** Where pmxcfs keeps the configurations of the lab's one node. */

export const node = "pve";

/** The hypervisor's path of a guest's configuration. */
export function configPath(kind: "lxc" | "vm", id: number): string {
  return `/etc/pve/nodes/${node}/${kind === "lxc" ? "lxc" : "qemu-server"}/${id}.conf`;
}
