/** corosync.conf, as Proxmox writes it to /etc/pve/corosync.conf: where the nodes of a cluster reach each other. */

export const corosyncPath = "/etc/pve/corosync.conf";

/** The first port of corosync's links; link 1 has the next one (Proxmox VE 9). */
export const corosyncPort = 5405;

/** The addresses of each node by its name, in the order of the links. */
export function ringAddresses(text: string): ReadonlyMap<string, readonly string[]> {
  const nodes = [...text.matchAll(/^\s*node\s*\{([^}]*)\}/gm)].flatMap(([, body = ""]) => {
    const values = new Map(
      [...body.matchAll(/^\s*(\w+):\s*(\S+)/gm)].map(([, key = "", value = ""]) => [key, value]),
    );
    const name = values.get("name");
    const rings = [...values].filter(([key]) => /^ring\d_addr$/.test(key)).sort();
    return name === undefined ? [] : [[name, rings.map(([, address]) => address)] as const];
  });
  return new Map(nodes);
}
