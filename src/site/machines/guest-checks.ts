/** Checks over all guests: duplicate ids, names and addresses, addresses outside the network, and unknown ids. */
import { hostLabel } from "../../fabric/guests.ts";
import { addressNumber } from "../../formats/ipv4/index.ts";
import type { Hypervisor } from "../../model.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import { networkOf, parseInterface } from "./addresses.ts";
import type { GuestEntry } from "./guests.ts";

/** Linear in the number of guests. */
export function checkGuests(
  entries: readonly GuestEntry[],
  hypervisor: Hypervisor | undefined,
  gateway: Cell | undefined,
  problems: Problems,
): void {
  const ids = new Map<number, GuestEntry>();
  const addresses = new Map<string, GuestEntry>();
  const names = new Map<string, GuestEntry>();
  for (const entry of entries) {
    const { guest, cell, addressCell } = entry;
    const { host } = guest;
    const nameCell = cell.get("name") ?? cell;
    const sameId = ids.get(guest.id);
    if (sameId !== undefined)
      problems.report("PHX0202", cell.ref, `${host} and ${sameId.guest.host} have the same id`, {
        related: [sameId.cell.ref],
        hint: "Proxmox gives an id to one container or virtual machine only",
      });
    ids.set(guest.id, sameId ?? entry);
    const label = hostLabel(guest.name);
    if (label === "" || label.length > 63)
      problems.report("PHX0208", nameCell.ref, `cannot make a host name from ${JSON.stringify(guest.name)}`, {
        hint: "use letters, digits and hyphens, at most 63 characters",
      });
    else if (label !== guest.name.toLowerCase() && !guest.template)
      problems.report(
        "PHX0208",
        nameCell.ref,
        `${JSON.stringify(guest.name)} is not a valid host name; DNS has ${label}`,
        { severity: "warning" },
      );
    const sameName = names.get(label);
    if (sameName !== undefined && label !== "")
      problems.report(
        "PHX0204",
        nameCell.ref,
        `${host} and ${sameName.guest.host} have the same name ${label}`,
        {
          related: [(sameName.cell.get("name") ?? sameName.cell).ref],
        },
      );
    names.set(label, sameName ?? entry);
    if (guest.address === undefined || addressCell === undefined) continue;
    const sameAddress = addresses.get(guest.address);
    if (sameAddress?.addressCell !== undefined)
      problems.report(
        "PHX0203",
        addressCell.ref,
        `${host} and ${sameAddress.guest.host} have the same address ${guest.address}`,
        {
          related: [sameAddress.addressCell.ref],
          hint: "give one of them a free address",
        },
      );
    addresses.set(guest.address, sameAddress ?? entry);
    checkAddress(guest.address, addressCell, hypervisor, gateway, problems);
  }
  checkReferences(entries, ids, problems);
}

/** The containers that shared volumes name must exist. */
export function checkSharedVolumes(
  volumes: Cell | undefined,
  entries: readonly GuestEntry[],
  problems: Problems,
): void {
  const ids = new Set(entries.map(({ guest }) => String(guest.id)));
  for (const [, volume] of volumes?.entries() ?? [])
    for (const [id, mount] of volume.get("mounts")?.entries() ?? [])
      if (!ids.has(id)) problems.report("PHX0215", mount.keyRef, `unknown guest ${id}`);
}

function checkAddress(
  address: string,
  cell: Cell,
  hypervisor: Hypervisor | undefined,
  gateway: Cell | undefined,
  problems: Problems,
): void {
  const bits = addressNumber(address);
  const own = addressNumber(hypervisor?.address ?? "");
  if (hypervisor === undefined || bits === undefined || own === undefined) return;
  if (bits === own) {
    problems.report("PHX0206", cell.ref, `${address} is the hypervisor's own address`, {
      related: [hypervisor.from],
    });
    return;
  }
  if (gateway?.text === address) {
    problems.report("PHX0206", cell.ref, `${address} is the network's router`, { related: [gateway.ref] });
    return;
  }
  const { first, last } = networkOf(own, hypervisor.prefix);
  if (bits < first || bits > last)
    problems.report("PHX0205", cell.ref, `${address} is outside the network ${hypervisor.network}`, {
      related: [hypervisor.from],
    });
  else if (hypervisor.prefix < 31 && (bits === first || bits === last))
    problems.report(
      "PHX0205",
      cell.ref,
      `${address} is the address of the network itself or its broadcast address`,
    );
  const prefix = parseInterface(cell.text?.split(",")[0] ?? "")?.prefix;
  if (prefix !== undefined && prefix !== hypervisor.prefix)
    problems.report(
      "PHX0209",
      cell.ref,
      `expected the prefix length of the hypervisor's network, /${hypervisor.prefix}, got /${prefix}`,
      {
        related: [hypervisor.from],
      },
    );
}

/** The guests that clones and dependencies name should exist. A sync does not need them. */
function checkReferences(
  entries: readonly GuestEntry[],
  ids: ReadonlyMap<number, GuestEntry>,
  problems: Problems,
): void {
  for (const { cell } of entries) {
    const named = [
      cell.get("clone_from_ctid"),
      cell.get("clone_from_vmid"),
      ...(cell.get("dependencies")?.each ?? []),
    ];
    for (const one of named) {
      if (one?.integer === undefined || ids.has(one.integer)) continue;
      problems.report("PHX0215", one.ref, `unknown guest ${one.integer}`);
    }
  }
}
