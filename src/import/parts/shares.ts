/** The NFS shares of virtual machines. */
import { addressNumber } from "../../formats/ipv4/index.ts";
import type { GuestName } from "../../resource.ts";
import type { DraftPart } from "../draft.ts";
import type { FoundShare, Left } from "../found.ts";
import { type DraftValue, noted } from "../json.ts";
import type { Found } from "../read/index.ts";

export function sharesPart({ shares }: Found): DraftPart {
  const left: Left[] = [];
  const guests = new Map<GuestName, { readonly [key: string]: readonly DraftValue[] }>();
  for (const share of shares.mounts) {
    if (addressNumber(share.server) === undefined) {
      const what = `${share.server}:${share.path} on ${share.mountPoint}`;
      left.push({
        source: share.source,
        what,
        reason: "the server is a name: a share needs its IPv4 address",
      });
      continue;
    }
    const known = guests.get(share.host)?.volumes ?? [];
    guests.set(share.host, { volumes: [...known, volumeEntry(share)] });
  }
  return { guests, left };
}

function volumeEntry({ server, path, mountPoint, source }: FoundShare): DraftValue {
  return noted({ type: "nfs", server, path, mount_point: mountPoint }, source);
}
