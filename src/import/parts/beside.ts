/** What guests and the hypervisor have besides what a site declares: told, in as few lines as possible. Pure. */
import type { DraftPart } from "../draft.ts";
import type { FoundGuest, FoundInterface, Left } from "../found.ts";
import { bridgeOf, sitesNic } from "../guests.ts";
import type { Found } from "../read/index.ts";

export function besidePart(found: Found): DraftPart {
  const bridge = bridgeOf(found);
  const { guests } = found;
  return {
    left: [
      ...marksLeft(guests),
      ...guests.flatMap(volumesLeft),
      ...guests.flatMap((guest) => addressLeft(guest, bridge)),
      ...networksLeft(found, bridge),
      ...exportsLeft(found),
    ],
  };
}

/** Tags and notes of all guests in one line. */
function marksLeft(guests: readonly FoundGuest[]): readonly Left[] {
  const words = guests.flatMap(({ host, tags, hasNotes }) => {
    const marks = [tags.length > 0 ? `tags ${tags.join(";")}` : "", hasNotes === true ? "notes" : ""];
    const own = marks.filter((mark) => mark !== "").join(" and ");
    return own === "" ? [] : [`${own} of ${host}`];
  });
  if (words.length === 0) return [];
  const source = { host: "pve", path: "/etc/pve/nodes" } as const;
  return [{ source, what: words.join(", "), reason: "a site has neither: they stay as they are" }];
}

/** Mount points on Proxmox's storage, in one line for a guest. */
function volumesLeft({ volumes = [] }: FoundGuest): readonly Left[] {
  const [first] = volumes;
  if (first === undefined) return [];
  const what = volumes.map(({ volume, guestPath }) => `${volume} on ${guestPath}`).join(", ");
  const reason =
    "a volume of Proxmox's storage: a site mounts directories of the hypervisor; it stays as it is";
  return [{ source: first.source, what, reason }];
}

/** An address that only a machine's agent tells. */
function addressLeft(guest: FoundGuest, bridge: FoundInterface | undefined): readonly Left[] {
  const ip = sitesNic(guest, bridge)?.ip;
  if (ip === undefined || ip === "dhcp" || ip.isReported !== true) return [];
  const reason =
    "declared as its fixed address, which only its agent tells: where DHCP gives it, reserve it there or declare dhcp";
  return [{ source: ip.source, what: `${ip.address}/${ip.prefix} of ${guest.name}`, reason }];
}

/** Bridges and VLANs without an address of the hypervisor, in one line; those with one are told by themselves. */
function networksLeft({ network }: Found, bridge: FoundInterface | undefined): readonly Left[] {
  const others = network.interfaces.filter(
    (each) =>
      each.name !== bridge?.name &&
      each.address === undefined &&
      (each.isBridge || /\.\d+$|^vlan\d+$/.test(each.name)),
  );
  const [first] = others;
  if (first === undefined) return [];
  const what = [...new Set(others.map(({ name }) => name))].join(", ");
  return [{ source: first.source, what, reason: "a site has one network of the hypervisor" }];
}

/** NFS exports that no virtual machine mounts. */
function exportsLeft({ shares }: Found): readonly Left[] {
  const isMounted = (path: string): boolean =>
    shares.mounts.some((mount) => mount.path === path || mount.path.startsWith(`${path}/`));
  return shares.exports
    .filter(({ path }) => !isMounted(path))
    .map(({ path, source }) => ({
      source,
      what: path,
      reason: "an NFS export that no virtual machine mounts: it stays as it is",
    }));
}
