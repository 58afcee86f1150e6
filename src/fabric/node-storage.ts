/** Directories that a container sees of its node while Phoenix works with those of "pve". Pure. */
import type { Guest, Site } from "../model.ts";
import { nodeOfGuest, type SiteNode } from "./nodes.ts";

/** A mount of a container on another node than "pve". */
export interface RemoteMount {
  readonly guest: Guest;
  readonly node: SiteNode;
  readonly hostPath: string;
  /** Phoenix writes or reads files there on "pve", and means those that the container sees. */
  readonly isShared: boolean;
}

export function remoteMounts(site: Site): readonly RemoteMount[] {
  const files = [
    ...site.certificates.flatMap(({ certPath, keyPath }) => [certPath, keyPath]),
    ...(site.ca?.rootFiles ?? []).flatMap(({ host, path }) => (host === "pve" ? [path] : [])),
  ];
  return site.guests.flatMap((guest) => {
    const node = nodeOfGuest(site, guest.host);
    if (node.host === "pve" || !node.online || guest.template) return [];
    return guest.mounts.map(({ hostPath }) => {
      const isShared = files.some((path) => path === hostPath || path.startsWith(`${hostPath}/`));
      return { guest, node, hostPath, isShared };
    });
  });
}
