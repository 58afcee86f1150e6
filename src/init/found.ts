/** What a living host says about a new site, for `phoenix init`. */
import { defined } from "../defined.ts";
import { SiteError } from "../errors.ts";
import type { FoundGuest, FoundInterface, Left, ReadIo } from "../import/found.ts";
import { bridgeOf, sitesNic } from "../import/guests.ts";
import { domainOf } from "../import/parts/machines.ts";
import { readGuests } from "../import/read/guests.ts";
import { readNetwork } from "../import/read/network.ts";
import type { Answers } from "./answers.ts";
import type { DraftGuest } from "./draft.ts";

/** Answers of a host, and what it has that a site cannot have: a line each. */
export interface HostAnswers {
  readonly answers: Answers;
  readonly omitted: readonly string[];
}

/**
 * Reads a hypervisor; nothing on it is changed.
 * @throws SiteError when it says nothing, with the reason of the first thing that could not be read
 */
export async function answersOf({ host, network, clock }: Omit<ReadIo, "left">): Promise<HostAnswers> {
  const unread: Left[] = [];
  const io: ReadIo = { host, network, clock, left: (one) => void unread.push(one) };
  const [guests, interfaces] = await Promise.all([readGuests(io), readNetwork(io)]);
  const bridge = bridgeOf({ guests, network: interfaces });
  const [first] = unread;
  if (bridge === undefined && guests.length === 0 && first !== undefined)
    throw new SiteError(`cannot read the host: ${first.source.path}: ${first.reason}`);
  const domain = domainOf({ dns: { servers: [] }, network: interfaces })?.name;
  const { declared, omitted } = declarable(guests, bridge);
  const placed = bridge?.address && { address: bridge.address.address, prefix: bridge.address.prefix };
  return {
    answers: {
      ...defined({ domain, placed, bridge: bridge?.name }),
      guests: declared,
      taken: {
        ids: guests.map(({ id }) => id),
        addresses: bridge?.gateway === undefined ? [] : [bridge.gateway],
      },
    },
    omitted,
  };
}

/** Proxmox allows two guests with one name or one address; a site does not. */
function declarable(
  guests: readonly FoundGuest[],
  bridge: FoundInterface | undefined,
): { declared: readonly DraftGuest[]; omitted: readonly string[] } {
  const declared: DraftGuest[] = [];
  const omitted: string[] = [];
  for (const found of guests) {
    const guest = guestOf(found, bridge);
    const same = declared.find(
      (other) =>
        other.name.toLowerCase() === guest.name.toLowerCase() ||
        (guest.address !== undefined && other.address === guest.address),
    );
    if (same === undefined) declared.push(guest);
    else omitted.push(`${found.host} (${found.name}) has the name or the address of ${same.kind}/${same.id}`);
  }
  return { declared, omitted };
}

function guestOf(found: FoundGuest, bridge: FoundInterface | undefined): DraftGuest {
  const { kind, id, name, isTemplate } = found;
  const ip = sitesNic(found, bridge)?.ip;
  const address = ip === undefined || ip === "dhcp" ? undefined : ip.address;
  const mounts = found.mounts.length > 0 ? found.mounts : undefined;
  return { kind, id, name, ...defined({ address, mounts, template: isTemplate ? true : undefined }) };
}
