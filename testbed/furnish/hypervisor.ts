/** The hypervisor: the bridge, the datasets by both their paths, the guests' configurations, and what starts at boot. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { defaultFirstId, type Machine } from "./fabric.ts";
import { type Layers, machineOf } from "./layers.ts";

/** Where pve-cluster keeps what /etc/pve shows. */
const cluster = "/var/lib/testbed/cluster";

export function furnishHypervisor(layers: Layers, run: string): void {
  const { fabric, write, enable } = layers;
  const { address, prefix, bridge, domain, guests } = fabric;
  write("pve", "/etc/hostname", "pve\n");
  write("pve", "/etc/hosts", `127.0.0.1 localhost\n${address} pve.${domain} pve\n`);
  write("pve", "/etc/testbed/network", `${bridge} ${address}/${prefix} - bridge\n`);
  write("pve", "/etc/testbed/hypervisor.json", JSON.stringify({ address, prefix, bridge, domain }));
  const binds = fabric.mounts.filter(({ host, tree }) => host === "pve" && tree === "pve");
  write("pve", "/etc/fstab", binds.map(({ source, path }) => `${source} ${path} none bind 0 0\n`).join(""));
  for (const { source } of binds) layers.directory("pve", source);

  const node = `${cluster}/nodes/pve`;
  for (const path of ["firewall", "priv/lock", "nodes/pve/lxc", "nodes/pve/qemu-server", "nodes/pve/priv"])
    layers.directory("pve", `${cluster}/${path}`);
  write("pve", `${cluster}/storage.cfg`, "dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl,backup\n");
  for (const guest of guests) {
    const [directory, lines] =
      guest.kind === "lxc"
        ? ["lxc", containerLines(layers, guest)]
        : ["qemu-server", machineLines(layers, guest)];
    write("pve", `${node}/${directory}/${guest.id}.conf`, lines.map((line) => `${line}\n`).join(""));
  }

  copyFileSync(join(run, "proxmox.mjs"), prepared(layers, "/usr/lib/testbed/proxmox.mjs"));
  for (const [path, name] of [
    ["/usr/sbin/pct", "pct"],
    ["/usr/sbin/qm", "qm"],
    ["/usr/bin/pvesh", "pvesh"],
    ["/usr/sbin/pve-firewall", "pve-firewall"],
    ["/usr/bin/pveversion", "pveversion"],
    ["/usr/bin/pvecm", "pvecm"],
  ] as const)
    write("pve", path, `#!/bin/sh\nexec /usr/bin/node /usr/lib/testbed/proxmox.mjs ${name} "$@"\n`, 0o755);
  write(
    "pve",
    "/usr/local/bin/phoenix",
    '#!/bin/sh\nexec /usr/bin/node /usr/lib/phoenix/dist/main.js "$@"\n',
    0o755,
  );

  write("pve", "/etc/exports", exportLines(layers).join(""));
  enable("pve", "testbed-machine.service", "pve-cluster.service", "pve-firewall.service", "pveproxy.service");
  enable("pve", "nfs-server.service");
  enable("pve", "ssh.service", "dnsmasq.service", "testbed-guest@client.service");
  enable("pve", ...guests.map(({ host }) => `testbed-guest@${machineOf(host)}.service`));
}

/** A line for each directory that a virtual machine mounts from the hypervisor. */
function exportLines({ fabric }: Layers): readonly string[] {
  return fabric.guests.flatMap(({ address, shares = [] }) =>
    shares
      .filter(({ server }) => server === fabric.address && address !== undefined)
      .map(({ path }) => `${path} ${address}(rw,sync,no_subtree_check,no_root_squash)\n`),
  );
}

function prepared(layers: Layers, path: string): string {
  layers.write("pve", path, "");
  return layers.path("pve", path);
}

function containerLines({ fabric }: Layers, guest: Machine): readonly string[] {
  const mounts = fabric.mounts.filter(({ host }) => host === guest.host);
  const address = guest.address === undefined ? "dhcp" : `${guest.address}/${fabric.prefix}`;
  return [
    "arch: amd64",
    "cores: 2",
    "features: nesting=1",
    `hostname: ${guest.name}`,
    "memory: 2048",
    ...mounts.map(({ source, path }, at) => `mp${at}: ${source},mp=${path}`),
    `net0: name=eth0,bridge=${fabric.bridge}${filter(guest)},hwaddr=${hardwareAddress(guest)},ip=${address},type=veth`,
    "onboot: 1",
    "ostype: debian",
    `rootfs: local-lvm:vm-${guest.id}-disk-0,size=16G`,
    "swap: 512",
    ...namespaceLines(guest),
  ];
}

function namespaceLines({ firstId = defaultFirstId }: Machine): readonly string[] {
  if (firstId === 0) return [];
  const own = ["u", "g"].map((kind) => `lxc.idmap: ${kind} 0 ${firstId} 65536`);
  return ["unprivileged: 1", ...(firstId === defaultFirstId ? [] : own)];
}

function machineLines({ fabric }: Layers, guest: Machine): readonly string[] {
  const address = guest.address === undefined ? "dhcp" : `${guest.address}/${fabric.prefix}`;
  return [
    "agent: 1",
    "boot: order=scsi0",
    "cores: 4",
    `ipconfig0: ip=${address}`,
    "memory: 8192",
    `name: ${guest.name}`,
    `net0: virtio=${hardwareAddress(guest)},bridge=${fabric.bridge}${filter(guest)}`,
    "onboot: 1",
    "ostype: l26",
    `scsi0: local-lvm:vm-${guest.id}-disk-0,size=32G`,
    "scsihw: virtio-scsi-pci",
  ];
}

function filter({ filtered = true }: Machine): string {
  return filtered ? ",firewall=1" : "";
}

/** In the range that Proxmox takes addresses from. */
function hardwareAddress({ id }: Machine): string {
  const digits = id.toString(16).toUpperCase().padStart(6, "0");
  return `BC:24:11:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4, 6)}`;
}
