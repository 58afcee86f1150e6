/**
 * Hosts as components are handed them: below a directory that guests can write to, no symbolic link is followed. Otherwise a guest
 * could make the hypervisor's root read and write anywhere, by a link in its share.
 */
import { boundary, type Host } from "../hosts/host.ts";
import type { Site } from "../model.ts";

/** The same host; every path that is below a directory of guests has a boundary there. */
export function guarded(host: Host, site: Site): Host {
  const shared = sharedWith(host, site);
  const mark = (path: string): string => {
    const base = shared.find((directory) => path.startsWith(`${directory}/`));
    return base === undefined ? path : `${base}${boundary}${path.slice(base.length + 1)}`;
  };
  return {
    ...host,
    readFiles: async (paths) => {
      const files = await host.readFiles(paths.map(mark));
      return new Map([...files].map(([path, file]) => [path.replace(boundary, "/"), file]));
    },
    list: (directory) => host.list(mark(directory)),
    writeFiles: (files) => host.writeFiles(files.map((file) => ({ ...file, path: mark(file.path) }))),
    remove: (paths) => host.remove(paths.map(mark)),
    makeDirectory: (path, options) => host.makeDirectory(mark(path), options),
  };
}

/** Directories of the host that guests can write to, outer ones before those within. */
function sharedWith({ name }: Host, { guests, hypervisor }: Site): readonly string[] {
  if (name !== "pve") {
    const own = guests.find(({ host }) => host === name);
    return (own?.shares ?? []).map(({ mountPoint }) => mountPoint);
  }
  const { address, mountBase } = hypervisor;
  const directories = guests.flatMap(({ mounts, shares }) => [
    ...mounts.map(({ hostPath }) => hostPath),
    ...shares.filter(({ server }) => server === address).map(({ path }) => path),
  ]);
  // A dataset has its native path and one below the mount base.
  const spellings = directories.flatMap((directory) => {
    const dataset = directory.startsWith(`${mountBase}/`) ? directory.slice(mountBase.length) : directory;
    return [dataset, mountBase + dataset];
  });
  return [...new Set(spellings)].sort((a, b) => a.length - b.length);
}
