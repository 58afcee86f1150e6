/** The hypervisors: the bridge, the datasets by both their paths, the guests' configurations, and what starts at boot. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { clusterStore, furnishCluster } from "./cluster.ts";
import { type ClusterNode, nodesOf } from "./fabric.ts";
import { containerLines, machineLines } from "./guest-config.ts";
import { type Layers, machineOf, uplinkOf } from "./layers.ts";

const programs = [
  ["/usr/sbin/pct", "pct"],
  ["/usr/sbin/qm", "qm"],
  ["/usr/bin/pvesh", "pvesh"],
  ["/usr/sbin/pve-firewall", "pve-firewall"],
  ["/usr/bin/pveversion", "pveversion"],
  ["/usr/bin/pvecm", "pvecm"],
] as const;

const units = [
  "testbed-machine.service",
  "pve-cluster.service",
  "pve-firewall.service",
  "pveproxy.service",
  "ssh.service",
  "dnsmasq.service",
];

export function furnishHypervisors(layers: Layers, run: string): void {
  const nodes = nodesOf(layers.fabric);
  for (const node of nodes) {
    furnishNode(layers, run, node);
    for (const host of node.guests) furnishConfig(layers, node.name, host);
  }
  for (const path of ["firewall", "priv/lock"]) layers.directory("pve", `${clusterStore}/${path}`);
  layers.write("pve", "/etc/exports", exportLines(layers).join(""));
  layers.enable("pve", "nfs-server.service", "testbed-guest@client.service");
  layers.enable("pve", ...(nodes[0]?.guests ?? []).map((host) => `testbed-guest@${machineOf(host)}.service`));
  furnishCluster(layers);
}

/** What every node has of its own. */
function furnishNode(layers: Layers, run: string, { name, address }: ClusterNode): void {
  const { fabric, write, enable } = layers;
  const { prefix, bridge, domain, cluster } = fabric;
  write(name, "/etc/hostname", `${name}\n`);
  write(name, "/etc/hosts", `127.0.0.1 localhost\n${address} ${name}.${domain} ${name}\n`);
  write(name, "/etc/testbed/network", `${bridge} ${address}/${prefix} - bridge${uplinkOf(name)}\n`);
  write(name, "/etc/testbed/hypervisor.json", JSON.stringify({ address, prefix, bridge, domain, cluster }));
  const binds = fabric.mounts
    .filter(({ host, tree }) => host === "pve" && tree === "pve")
    .filter(({ source }) => name === "pve" || cluster?.shared.includes(source));
  write(name, "/etc/fstab", binds.map(({ source, path }) => `${source} ${path} none bind 0 0\n`).join(""));
  for (const { source } of binds) layers.directory(name, source);
  for (const directory of ["lxc", "qemu-server", "priv"])
    layers.directory("pve", `${clusterStore}/nodes/${name}/${directory}`);

  write(name, "/usr/lib/testbed/proxmox.mjs", "");
  copyFileSync(join(run, "proxmox.mjs"), layers.path(name, "/usr/lib/testbed/proxmox.mjs"));
  for (const [path, program] of programs)
    write(name, path, `#!/bin/sh\nexec /usr/bin/node /usr/lib/testbed/proxmox.mjs ${program} "$@"\n`, 0o755);
  write(
    name,
    "/usr/local/bin/phoenix",
    '#!/bin/sh\nexec /usr/bin/node /usr/lib/phoenix/dist/main.js "$@"\n',
    0o755,
  );
  enable(name, ...units);
}

function furnishConfig(layers: Layers, node: string, host: string): void {
  const guest = layers.fabric.guests.find((each) => each.host === host);
  if (guest === undefined) throw new Error(`node ${node} cannot have ${host}: there is no such guest`);
  const [directory, lines] =
    guest.kind === "lxc"
      ? ["lxc", containerLines(layers, guest)]
      : ["qemu-server", machineLines(layers, guest)];
  const path = `${clusterStore}/nodes/${node}/${directory}/${guest.id}.conf`;
  layers.write("pve", path, lines.map((line) => `${line}\n`).join(""));
}

/** A line for each directory that a virtual machine mounts from the hypervisor. */
function exportLines({ fabric }: Layers): readonly string[] {
  return fabric.guests.flatMap(({ address, shares = [] }) =>
    shares
      .filter(({ server }) => server === fabric.address && address !== undefined)
      .map(({ path }) => `${path} ${address}(rw,sync,no_subtree_check,no_root_squash)\n`),
  );
}
