/** Checks over all guests: duplicate ids, names and addresses, addresses outside the network, and unknown ids. */
import { hostLabel } from "../../fabric/guests.ts";
import { addressNumber, addressRange } from "../../formats/ipv4/index.ts";
import type { Hypervisor } from "../../model.ts";
import type { ProblemCode } from "../../problem-codes/index.ts";
import type { Cell } from "../text/cell.ts";
import { Claims } from "../text/claims.ts";
import type { Problems } from "../text/problems.ts";
import { parseInterface } from "./addresses.ts";
import type { GuestEntry } from "./guests.ts";

/** Linear in the number of guests. */
export function checkGuests(
  entries: readonly GuestEntry[],
  hypervisor: Hypervisor | undefined,
  gateway: Cell | undefined,
  problems: Problems,
): void {
  const claims = new Claims<GuestEntry>();
  for (const entry of entries) {
    const { guest, addressCell } = entry;
    const compare = (code: ProblemCode, noun: string, what: string, of: CellOf): void => {
      const first = claims.take(`${noun} ${what}`, entry);
      if (first === undefined) return;
      const message =
        guest.host === first.guest.host
          ? `${guest.host} is declared twice`
          : `${guest.host} and ${first.guest.host} have the same ${noun} ${what}`;
      const hint = `give one of them another ${noun}`;
      problems.report(code, of(entry), message, { related: [of(first).ref], hint });
    };
    compare("PHX0202", "id", String(guest.id), ({ cell }) => cell);
    const label = checkName(entry, problems);
    if (label !== undefined) compare("PHX0204", "name", label, nameCell);
    if (guest.address === undefined || addressCell === undefined) continue;
    compare("PHX0203", "address", guest.address, (one) => one.addressCell ?? one.cell);
    checkAddress(guest.address, addressCell, hypervisor, gateway, problems);
  }
}

type CellOf = (entry: GuestEntry) => Cell;

const nameCell: CellOf = ({ cell }) => cell.get("name") ?? cell;

/** The label of a guest in DNS; undefined, with a problem reported, when its name does not make one. */
function checkName(entry: GuestEntry, problems: Problems): string | undefined {
  const { name, template } = entry.guest;
  const label = hostLabel(name);
  const { ref } = nameCell(entry);
  if (label === "" || label.length > 63)
    return problems.report("PHX0208", ref, `cannot make a host name from ${JSON.stringify(name)}`, {
      hint: "use letters, digits and hyphens, at most 63 characters",
    });
  if (label !== name.toLowerCase() && !template)
    problems.report("PHX0208", ref, `${JSON.stringify(name)} is not a valid host name; DNS has ${label}`, {
      severity: "warning",
    });
  return label;
}

function checkAddress(
  address: string,
  cell: Cell,
  hypervisor: Hypervisor | undefined,
  gateway: Cell | undefined,
  problems: Problems,
): undefined {
  const bits = addressNumber(address);
  const network = addressRange(hypervisor?.network ?? "");
  if (hypervisor === undefined || bits === undefined || network === undefined) return;
  const related = [hypervisor.from];
  if (address === hypervisor.address)
    return problems.report("PHX0206", cell, `${address} is the hypervisor's own address`, { related });
  if (gateway?.text === address)
    return problems.report("PHX0206", cell, `${address} is the network's router`, { related: [gateway.ref] });
  const { first, last } = network;
  if (bits < first || bits > last)
    problems.report("PHX0205", cell, `${address} is outside the network ${hypervisor.network}`, { related });
  const isReserved = hypervisor.prefix < 31 && (bits === first || bits === last);
  if (isReserved)
    problems.report(
      "PHX0205",
      cell,
      `${address} is the address of the network itself or its broadcast address`,
    );
  const prefix = parseInterface(cell.text?.split(",")[0] ?? "")?.prefix;
  const message = `expected the prefix length of the hypervisor's network, /${hypervisor.prefix}, got /${prefix}`;
  if (prefix !== undefined && prefix !== hypervisor.prefix)
    problems.report("PHX0209", cell, message, { related });
}

/** The guests that clones, dependencies and shared volumes name should exist. A sync does not need them. */
export function checkReferences(
  entries: readonly GuestEntry[],
  volumes: Cell | undefined,
  problems: Problems,
): void {
  const ids = new Set(entries.map(({ guest }) => guest.id));
  for (const { cell } of entries) {
    const named = [
      cell.get("clone_from_ctid"),
      cell.get("clone_from_vmid"),
      ...(cell.get("dependencies")?.each ?? []),
    ];
    for (const one of named)
      if (one?.integer !== undefined && !ids.has(one.integer))
        problems.report("PHX0215", one, `unknown guest ${one.integer}`);
  }
  for (const [, volume] of volumes?.entries() ?? [])
    for (const [id, mount] of volume.get("mounts")?.entries() ?? [])
      if (!ids.has(Number(id))) problems.report("PHX0215", mount.keyRef, `unknown guest ${id}`);
}
