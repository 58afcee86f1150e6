/** A pair of gateways: the standby, and the address that it shares with the gateway. */
import { pathInGuest } from "../../fabric/guests.ts";
import { addressRange, contains } from "../../formats/ipv4/index.ts";
import type { Certificate, GatewayPair, Hypervisor, RoleGuest, Roles } from "../../model.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import { type GuestEntry, isAddressed } from "./guests.ts";

/** The pair that a site declares; undefined, with problems reported, unless all of it is declared. */
export function readGatewayPair(
  config: Cell,
  entries: readonly GuestEntry[],
  { gateway }: Roles,
  hypervisor: Hypervisor,
  problems: Problems,
): GatewayPair | undefined {
  const standby = readStandby(entries, problems);
  const cell = config.get("network")?.get("gateway_address");
  if (cell === undefined) {
    if (standby === undefined) return undefined;
    const message = `${standby.host} (${standby.name}) is the standby gateway, but network.gateway_address, which it would take over, is not declared`;
    return problems.report("PHX0216", standby.from, message, {
      hint: 'add "gateway_address" with a free address to "network"',
    });
  }
  const address = readAddress(cell, entries, hypervisor, problems);
  if (gateway !== undefined && standby !== undefined)
    return address === undefined ? undefined : { standby, address, from: cell.ref };
  const missing = gateway === undefined ? "gateway" : "standby_gateway";
  return problems.report("PHX0216", cell, `no container is the ${missing} that would have this address`, {
    hint: `add "fabric_role": "${missing}" to the entry of a container`,
  });
}

/** The container that an entry makes the standby gateway. */
function readStandby(entries: readonly GuestEntry[], problems: Problems): RoleGuest | undefined {
  const declared = entries.flatMap(({ guest, cell }) =>
    (cell.get("fabric_role")?.each ?? [])
      .filter(({ text }) => text?.toLowerCase() === "standby_gateway")
      .map((role) => ({ guest, role })),
  );
  const [first, second] = declared;
  if (first === undefined) return undefined;
  if (second !== undefined)
    return problems.report("PHX0211", second.role, "two containers are declared to be the standby gateway", {
      related: [first.role.ref],
      hint: "keep the role of one of them",
    });
  const { guest, role } = first;
  // A virtual machine or a template with a role is reported with the other roles.
  if (guest.kind === "vm" || guest.template) return undefined;
  if (isAddressed(guest)) return guest;
  const message = `${guest.host}, the standby gateway, has no fixed address`;
  return problems.report("PHX0212", role, message, { hint: "give it one in network_config.ip" });
}

function readAddress(
  cell: Cell,
  entries: readonly GuestEntry[],
  { network, address: own }: Hypervisor,
  problems: Problems,
): string | undefined {
  const address = cell.text?.trim() ?? "";
  const [range, all] = [addressRange(address), addressRange(network)];
  if (range === undefined || range.first !== range.last)
    return problems.invalid("PHX0207", cell, "IPv4 address", "write it like 10.0.0.9");
  if (all !== undefined && !contains(all, range))
    return problems.report("PHX0205", cell, `${address} is outside the network ${network}`);
  const guest = entries.find((each) => each.guest.address === address)?.guest;
  const owner = address === own ? "the hypervisor" : guest && `${guest.host} (${guest.name})`;
  if (owner === undefined) return address;
  return problems.report("PHX0206", cell, `${address} is the address of ${owner}`, {
    hint: "use a free address: it belongs to neither gateway alone",
  });
}

/** Both gateways serve one certificate: reports a standby that does not see its files. */
export function checkStandby(
  certificates: readonly Certificate[],
  pair: GatewayPair | undefined,
  problems: Problems,
): void {
  if (pair === undefined) return;
  const { standby } = pair;
  for (const { serves, certPath, keyPath, commonName, from } of certificates) {
    const unseen = [certPath, keyPath].find((path) => pathInGuest(standby, path) === undefined);
    if (serves !== "gateway" || unseen === undefined) continue;
    const message = `${standby.host} (${standby.name}), the standby gateway, does not see ${unseen}, of the certificate "${commonName}"`;
    const hint = "give it the mount point with which the gateway sees the file";
    problems.report("PHX0216", standby.from, message, { related: [from], hint });
  }
}
