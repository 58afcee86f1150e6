/** Files of the hypervisor as guests see them: below a container's mount points, or on a virtual machine's NFS share. */
import type { Guest, Hypervisor, Share } from "../model.ts";
import { pathInGuest } from "./guests.ts";

/** The path as the guest's mount point spells it: a dataset has its native path and one below the mount base. */
export function spellingOf(guest: Guest, path: string, hypervisor: Hypervisor): string | undefined {
  const dataset = native(path, hypervisor);
  return [path, dataset, hypervisor.mountBase + dataset].find(
    (spelling) => pathInGuest(guest, spelling) !== undefined,
  );
}

/** The path without the mount base before it. */
export function native(path: string, { mountBase }: Hypervisor): string {
  return path.startsWith(`${mountBase}/`) ? path.slice(mountBase.length) : path;
}

/** The path of a file of the hypervisor on a machine that mounts the share; undefined when the file is not on it. */
export function pathOnShare(share: Share, path: string, hypervisor: Hypervisor): string | undefined {
  if (share.server !== hypervisor.address) return undefined;
  const [file, directory] = [native(path, hypervisor), native(share.path, hypervisor)];
  return file.startsWith(`${directory}/`) ? share.mountPoint + file.slice(directory.length) : undefined;
}

/** The path of a file of the hypervisor inside a guest; undefined when the guest does not see it. */
export function pathSeenBy(guest: Guest, path: string, hypervisor: Hypervisor): string | undefined {
  const spelling = spellingOf(guest, path, hypervisor);
  if (spelling !== undefined) return pathInGuest(guest, spelling);
  for (const share of guest.shares) {
    const seen = pathOnShare(share, path, hypervisor);
    if (seen !== undefined) return seen;
  }
  return undefined;
}
