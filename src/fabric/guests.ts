/** Guests by host, their names, and the paths of files as they see them. */

import type { Cluster } from "../cluster.ts";
import type { Guest, HostPath, Share, Site } from "../model.ts";
import type { HostName } from "../resource.ts";
import { memo } from "./memo.ts";

/** The first of two that share a name counts. */
const guestsByHost = memo(
  (guests: readonly Guest[]) =>
    new Map<HostName, Guest>([...guests].reverse().map((guest) => [guest.host, guest])),
);

/** The guest called `host`, if the site declares it. */
export function guestOf({ guests }: Pick<Site, "guests">, host: HostName): Guest | undefined {
  return guestsByHost(guests).get(host);
}

/** "vm/1002 (drphoenix)": a host with the name its owner gave it. */
export function describeHost(site: Site, host: HostName): string {
  const guest = guestOf(site, host);
  return guest === undefined ? host : `${host} (${guest.name})`;
}

/** The file with a guest's configuration: it is in the directory of the node that has the guest, which every node can read. */
export function configurationPath(
  { kind, id, host }: Pick<Guest, "kind" | "id" | "host">,
  cluster: Cluster | undefined,
): string {
  const node = cluster?.placement.get(host);
  const directory = node === undefined ? "/etc/pve" : `/etc/pve/nodes/${node}`;
  return `${directory}/${kind === "lxc" ? "lxc" : "qemu-server"}/${id}.conf`;
}

/** A guest's name as a label of a host name: "Copy-Cuda12.8" becomes "copy-cuda12-8". Empty when no character is left. */
export function hostLabel(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
}

/** A guest's name in DNS. */
export function hostNameOf({ domain }: Pick<Site, "domain">, { name }: Guest): string {
  return `${hostLabel(name)}.${domain}`;
}

/** The path of a file of the hypervisor inside a container, through the container's mount points. */
export function pathInGuest(guest: Guest, hostPath: string): string | undefined {
  for (const mount of guest.mounts) {
    if (hostPath === mount.hostPath) return mount.guestPath;
    if (hostPath.startsWith(`${mount.hostPath}/`))
      return mount.guestPath + hostPath.slice(mount.hostPath.length);
  }
  return undefined;
}

/** Where a share's directory can be written: on the hypervisor when it is the NFS server, else inside the guest. */
export function shareDirectory(site: Site, guest: Guest, share: Share): HostPath {
  return share.server === site.hypervisor.address
    ? { host: "pve", path: share.path }
    : { host: guest.host, path: share.mountPoint };
}
