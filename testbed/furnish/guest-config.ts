/** What Proxmox keeps of a guest, as pct and qm write it. */
import { defaultFirstId, type Fabric, type Machine } from "./fabric.ts";
import type { Layers } from "./layers.ts";

/** `key: value` lines of a container. */
export function containerLines({ fabric }: Layers, guest: Machine): readonly string[] {
  const mounts = fabric.mounts.filter(({ host }) => host === guest.host);
  const address = guest.address === undefined ? "dhcp" : `${guest.address}/${fabric.prefix}`;
  return [
    "arch: amd64",
    "cores: 2",
    "features: nesting=1",
    `hostname: ${guest.name}`,
    "memory: 2048",
    ...mounts.map((mount, at) => `mp${at}: ${mount.source},mp=${mount.path}${shared(fabric, mount)}`),
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

/** `key: value` lines of a virtual machine. */
export function machineLines({ fabric }: Layers, guest: Machine): readonly string[] {
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

/** Proxmox moves a container with a directory of its node only where it is told that all nodes have it. */
function shared({ cluster }: Fabric, { source }: Fabric["mounts"][number]): string {
  return cluster?.shared.some((dataset) => source.startsWith(`${dataset}/`)) ? ",shared=1" : "";
}
