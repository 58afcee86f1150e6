/** What no two guests can share, addresses that lie where they cannot, and ids that nobody has. */
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
        hint: "Proxmox gives an id to one guest only, container or virtual machine",
      });
    ids.set(guest.id, sameId ?? entry);
    const label = hostLabel(guest.name);
    if (label === "" || label.length > 63)
      problems.report("PHX0208", nameCell.ref, `${JSON.stringify(guest.name)} cannot be made a host name`, {
        hint: "letters, digits and hyphens, at most 63",
      });
    else if (label !== guest.name.toLowerCase() && !guest.template)
      problems.report(
        "PHX0208",
        nameCell.ref,
        `${JSON.stringify(guest.name)} is not a host name; in DNS it is ${label}`,
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

/** Containers that the hypervisor's shared volumes name. */
export function checkSharedVolumes(
  volumes: Cell | undefined,
  entries: readonly GuestEntry[],
  problems: Problems,
): void {
  const ids = new Set(entries.map(({ guest }) => String(guest.id)));
  for (const [, volume] of volumes?.entries() ?? [])
    for (const [id, mount] of volume.get("mounts")?.entries() ?? [])
      if (!ids.has(id)) problems.report("PHX0215", mount.keyRef, `there is no guest ${id}`);
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
    problems.report("PHX0205", cell.ref, `${address} is outside of the network ${hypervisor.network}`, {
      related: [hypervisor.from],
    });
  else if (hypervisor.prefix < 31 && (bits === first || bits === last))
    problems.report("PHX0205", cell.ref, `${address} is the network's own or its broadcast address`);
  const prefix = parseInterface(cell.text?.split(",")[0] ?? "")?.prefix;
  if (prefix !== undefined && prefix !== hypervisor.prefix)
    problems.report(
      "PHX0209",
      cell.ref,
      `the network here is a /${prefix}, that of the hypervisor a /${hypervisor.prefix}`,
      {
        related: [hypervisor.from],
      },
    );
}

/** Ids that clones and dependencies name. A sync does not need them, so it is a warning. */
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
      problems.report("PHX0215", one.ref, `there is no guest ${one.integer}`);
    }
  }
}
