/** What a new site is to have, as far as it was said or found, and what follows from that. Pure. */

import { UsageError } from "../errors.ts";
import { addressNumber, addressRange, addressText } from "../formats/ipv4/index.ts";
import { option } from "../option-names.ts";
import { saysRole } from "../site/machines/roles.ts";
import { type Part, partDefinitions, type Role } from "./parts.ts";

export interface DraftGuest {
  readonly kind: "lxc" | "vm";
  readonly id: number;
  readonly name: string;
  /** Dotted IPv4 address; absent for DHCP. */
  readonly address?: string;
  /** The port of the service that it offers. */
  readonly port?: number;
  readonly template?: boolean;
  /** Directories of the hypervisor that a container was found to have. */
  readonly mounts?: readonly { readonly hostPath: string; readonly guestPath: string }[];
  readonly role?: Role;
  /** Nobody named it: it has to be made first. */
  readonly planned?: true;
}

export interface Draft {
  readonly domain: string;
  readonly bridge: string;
  /** The hypervisor's address and the prefix length of its network. */
  readonly address: string;
  readonly prefix: number;
  /** The directory on the hypervisor below which the guests' shares and certificates are. */
  readonly storage: string;
  readonly parts: readonly Part[];
  readonly guests: readonly DraftGuest[];
  /** Ids and addresses that no new guest may have, besides those of the guests. */
  readonly taken: Taken;
}

export interface Taken {
  readonly ids: readonly number[];
  readonly addresses: readonly string[];
}

/** The network of the bridge: "192.168.1.0/24". */
export function networkOf({ address, prefix }: Pick<Draft, "address" | "prefix">): string {
  const { first } = addressRange(`${address}/${prefix}`) ?? { first: 0 };
  return `${addressText(first)}/${prefix}`;
}

/** The kind of guest that has a role. */
export function kindOf(role: Role): DraftGuest["kind"] {
  return role === "portainer" ? "vm" : "lxc";
}

export function guestOf({ guests }: Pick<Draft, "guests">, role: Role): DraftGuest | undefined {
  return guests.find((guest) => guest.role === role);
}

/**
 * The draft with a guest for each role that its parts need: one whose name says so (for Portainer also the only virtual machine),
 * or a new one with a free id and address. A role that a guest was given stays. @throws UsageError when several fit
 */
export function completed(draft: Draft): Draft {
  const roles = draft.parts.flatMap((part) => partDefinitions[part].roles);
  const guests = roles.reduce<readonly DraftGuest[]>(
    (known, role) => withRole(known, role, draft),
    draft.guests,
  );
  return { ...draft, guests: [...guests].sort((a, b) => a.id - b.id) };
}

/**
 * The guests that could have a role that no guest was given: by their names, and for Portainer the only virtual machine, on which
 * Docker usually runs.
 */
export function candidatesFor(role: Role, guests: readonly DraftGuest[]): readonly DraftGuest[] {
  if (guests.some((guest) => guest.role === role)) return [];
  const free = guests.filter(
    (guest) =>
      guest.kind === kindOf(role) &&
      guest.role === undefined &&
      guest.template !== true &&
      guest.address !== undefined,
  );
  const named = free.filter(({ name }) =>
    role === "portainer" ? /portainer/i.test(name) : saysRole(role, name),
  );
  return named.length === 0 && role === "portainer" && free.length === 1 ? free : named;
}

function withRole(guests: readonly DraftGuest[], role: Role, draft: Draft): readonly DraftGuest[] {
  if (guests.some((guest) => guest.role === role)) return guests;
  const [one, ...others] = candidatesFor(role, guests);
  if (one === undefined) {
    const address = freeAddress(role, guests, draft);
    return [
      ...guests,
      { kind: kindOf(role), id: freeId(guests, draft), name: role, role, address, planned: true },
    ];
  }
  if (others.length === 0) return guests.map((guest) => (guest === one ? { ...guest, role } : guest));
  throw new UsageError(`several guests could be the ${role}: ${guestWords([one, ...others])}`, {
    hint: `${option.role} ${role}=ID names the right one`,
  });
}

/** "105 (nginx), 106 (gateway)". */
export function guestWords(guests: readonly DraftGuest[]): string {
  return guests.map(({ id, name }) => `${id} (${name})`).join(", ");
}

/** Proxmox gives ids from 100. */
function freeId(guests: readonly DraftGuest[], draft: Draft): number {
  const taken = new Set([...draft.taken.ids, ...guests.map(({ id }) => id)]);
  let id = 100;
  while (taken.has(id)) id++;
  return id;
}

/** The next free address behind the hypervisor's, or the first one of the network. @throws UsageError when none is free */
function freeAddress(
  role: Role,
  guests: readonly DraftGuest[],
  { address, prefix, taken: other }: Draft,
): string {
  const taken = new Set([address, ...other.addresses, ...guests.map((guest) => guest.address)]);
  const own = addressNumber(address) ?? 0;
  const { first, last } = addressRange(`${address}/${prefix}`) ?? { first: own, last: own };
  const candidates = Math.min(last - first - 1, 1_000);
  for (let step = 1; step <= candidates; step++) {
    // Wraps around, without the network's own and its broadcast address; .1 is often the router.
    const candidate = addressText(first + 1 + ((own - first - 1 + step) % (last - first - 1)));
    if (!taken.has(candidate) && candidate !== addressText(first + 1)) return candidate;
  }
  throw new UsageError(`${networkOf({ address, prefix })} has no free address for the guest of the ${role}`, {
    hint: `${option.address} with a shorter prefix, like ${address}/24, or ${option.role} ${role}=ID for a guest that has an address`,
  });
}
