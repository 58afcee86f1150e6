/** /etc/pve as pmxcfs shows it: guests' configurations, who is where, and the firewall's directory. */
import type { Guest, Site } from "../src/model.ts";
import { nodeOf, nodesOf } from "./cluster.ts";
import { configPath } from "./config-path.ts";
import type { LabNode } from "./nodes.ts";
import type { Lab } from "./parts.ts";
import { type ListedGuest, whereabouts } from "./whereabouts.ts";

/** @param place the name of the node that a guest is on */
export function writeProxmoxFiles(lab: Lab, site: Site, place: (guest: Guest) => string): void {
  completeProxmoxFiles(lab);
  const guests = site.guests.filter(({ template }) => !template);
  for (const guest of guests) writeGuest(lab, site, guest, place(guest));
  writeGuestList(lab);
}

/** What pmxcfs shows on any node; files that are there stay as they are. */
export function completeProxmoxFiles(lab: Lab): void {
  const { files } = lab;
  const texts = {
    ...(lab.facts.cluster === undefined ? singleNode : {}),
    "storage.cfg": "dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl,backup\n",
  };
  for (const [path, text] of Object.entries(texts))
    if (files.status("pve", `/etc/pve/${path}`) === undefined)
      files.write("pve", `/etc/pve/${path}`, text, { mode: "640" });
  for (const path of ["firewall", "priv"]) files.makeDirectory("pve", `/etc/pve/${path}`);
  for (const node of nodesOf(lab)) completeNode(lab, node);
}

/** The files of a node without a cluster that pmxcfs makes up. */
const singleNode = {
  ".version": `${JSON.stringify({ starttime: 1_760_000_000, clinfo: 1, vmlist: 3 })}\n`,
  ".members": `${JSON.stringify({ nodename: "pve", version: 3 })}\n`,
};

/** A node's own directory, and its links to it. */
function completeNode({ files }: Lab, { host, name }: LabNode): void {
  for (const kind of ["lxc", "qemu-server"]) {
    files.makeDirectory(host, `/etc/pve/nodes/${name}/${kind}`);
    files.makeLink(host, `nodes/${name}/${kind}`, `/etc/pve/${kind}`);
  }
  files.makeLink(host, `nodes/${name}`, "/etc/pve/local");
}

/** As the installer of Proxmox VE leaves it. */
export function interfacesText(bridge: string, address: string): string {
  return `auto lo
iface lo inet loopback

iface eno1 inet manual

auto ${bridge}
iface ${bridge} inet static
	address ${address}
	bridge-ports eno1
	bridge-stp off
	bridge-fd 0

source /etc/network/interfaces.d/*
`;
}

/** Which guest is on which node, by the configurations that are there. */
export function guestList(lab: Lab): readonly ListedGuest[] {
  if (lab.facts.cluster !== undefined) return whereabouts(lab, nodesOf(lab)).listed;
  return nodeNames(lab).flatMap((name) =>
    (["lxc", "qemu"] as const).flatMap((type) => {
      const directory = `/etc/pve/nodes/${name}/${type === "lxc" ? "lxc" : "qemu-server"}`;
      if (lab.files.status("pve", directory) === undefined) return [];
      const ids = lab.files.list("pve", directory).flatMap((file) => /^(\d+)\.conf$/.exec(file)?.[1] ?? []);
      return ids.map((id) => ({ id, node: name, type }));
    }),
  );
}

/** `.vmlist`: which guest is on which node. In a cluster it is made up when it is read. */
export function writeGuestList(lab: Lab): void {
  if (lab.facts.cluster !== undefined) return;
  const ids = Object.fromEntries(
    guestList(lab).map(({ id, ...where }, at) => [id, { ...where, version: at + 1 }] as const),
  );
  lab.files.write("pve", "/etc/pve/.vmlist", `${JSON.stringify({ version: 3, ids })}\n`, { mode: "640" });
}

/** The nodes that have a directory in /etc/pve, this one among them. */
export function nodeNames({ files }: Pick<Lab, "files">): readonly string[] {
  return files.list("pve", "/etc/pve/nodes");
}

/** Every guest's interface is filtered (`firewall=1`) once its firewall is enabled. */
export function writeGuest(lab: Lab, site: Site, guest: Guest, node = nodeOf(lab, "pve").name): void {
  const isCluster = lab.facts.cluster !== undefined;
  const lines = guest.kind === "lxc" ? containerLines(site, guest, isCluster) : machineLines(site, guest);
  lab.files.write("pve", configPath(node, guest.kind, guest.id), lines.map((line) => `${line}\n`).join(""), {
    mode: "640",
  });
}

function containerLines({ hypervisor }: Site, guest: Guest, isCluster: boolean): readonly string[] {
  const address = guest.address === undefined ? "dhcp" : `${guest.address}/${hypervisor.prefix}`;
  return [
    "arch: amd64",
    "cores: 2",
    "features: nesting=1",
    `hostname: ${guest.name}`,
    "memory: 2048",
    ...guest.mounts.map(({ hostPath, guestPath }, number) => {
      // Proxmox moves a container only when each of its directories is said to be on every node.
      const isShared = isCluster && hostPath.startsWith(`${hypervisor.mountBase}/`);
      return `mp${number}: ${hostPath},mp=${guestPath}${isShared ? ",shared=1" : ""}`;
    }),
    `net0: name=eth0,bridge=${hypervisor.bridge},firewall=1,hwaddr=${hardwareAddress(guest)},ip=${address},type=veth`,
    "onboot: 1",
    "ostype: debian",
    `rootfs: local-lvm:vm-${guest.id}-disk-0,size=16G`,
    "swap: 512",
    "unprivileged: 1",
  ];
}

function machineLines({ hypervisor }: Site, guest: Guest): readonly string[] {
  const address = guest.address === undefined ? "dhcp" : `${guest.address}/${hypervisor.prefix}`;
  return [
    "agent: 1",
    "boot: order=scsi0",
    "cores: 4",
    "ide2: local-lvm:vm-cloudinit,media=cdrom",
    `ipconfig0: ip=${address}`,
    "memory: 8192",
    `name: ${guest.name}`,
    `net0: virtio=${hardwareAddress(guest)},bridge=${hypervisor.bridge},firewall=1`,
    "onboot: 1",
    "ostype: l26",
    `scsi0: local-lvm:vm-${guest.id}-disk-0,size=32G`,
    "scsihw: virtio-scsi-pci",
  ];
}

/** In the range that Proxmox assigns. */
function hardwareAddress({ id }: Guest): string {
  const digits = id.toString(16).toUpperCase().padStart(6, "0");
  return `BC:24:11:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4, 6)}`;
}
