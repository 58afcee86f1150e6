/** Where pmxcfs keeps the configurations of guests: in the directory of the node that has the guest. Pure. */

/** The hypervisor's path of a guest's configuration, were it on that node. */
export function configPath(node: string, kind: "lxc" | "vm", id: number): string {
  return `/etc/pve/nodes/${node}/${kind === "lxc" ? "lxc" : "qemu-server"}/${id}.conf`;
}

/** The node that has the guest, of those named; undefined when none has it. A single host is not asked. */
export function nodeWith(
  nodes: readonly string[],
  isThere: (path: string) => boolean,
  kind: "lxc" | "vm",
  id: number,
): string | undefined {
  return nodes.length === 1 ? nodes[0] : nodes.find((node) => isThere(configPath(node, kind, id)));
}
