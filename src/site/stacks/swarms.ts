/** Docker Swarms: the virtual machines that are their members, and what the hypervisor's configuration says of each. */
import { didYouMean } from "../../formats/text/nearest.ts";
import type { PortainerEnvironment, RoleGuest, Swarm, SwarmMember } from "../../model.ts";
import type { GuestName, SourceRef } from "../../resource.ts";
import { type GuestEntry, isAddressed } from "../machines/guests.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";

/** A Swarm as its members' entries declare it. */
export interface DeclaredSwarm {
  readonly name: string;
  /** Managers first, then in the order of the files: at least one, with a fixed address. */
  readonly members: readonly [DeclaredMember, ...DeclaredMember[]];
  /** Its entry in `swarms`. */
  readonly settings: Cell | undefined;
  readonly environment: string;
  readonly from: SourceRef;
}

type MachineEntry = GuestEntry & { readonly guest: RoleGuest };

interface DeclaredMember {
  readonly entry: MachineEntry;
  readonly role: SwarmMember["role"];
  readonly from: SourceRef;
}

/** Fit for the ids of resources and for Docker's labels. */
const swarmName = /^[a-z0-9][a-z0-9_-]{0,62}$/i;

/** The Swarms in the order of their first members. What is wrong with one is reported. */
export function readSwarms(
  entries: readonly GuestEntry[],
  config: Cell | undefined,
  problems: Problems,
): readonly DeclaredSwarm[] {
  const members = new Map<string, DeclaredMember[]>();
  const named = new Set<string>();
  for (const entry of entries) {
    const swarm = entry.cell.get("swarm");
    if (swarm?.text === undefined || swarm.text === "") continue;
    named.add(swarm.text);
    const member = readMember(entry, swarm, problems);
    if (member === undefined) continue;
    const known = members.get(swarm.text);
    if (known === undefined) members.set(swarm.text, [member]);
    else known.push(member);
  }
  const settings = new Map(config?.get("swarms")?.entries() ?? []);
  // Entries that could not be read are reported; they may have the members.
  if (entries.length > 0) for (const [name, cell] of settings) checkNamed(name, cell, named, problems);
  return [...members].flatMap(([name, all]) => declaredSwarm(name, all, settings.get(name), problems) ?? []);
}

function checkNamed(name: string, cell: Cell, named: ReadonlySet<string>, problems: Problems): void {
  if (named.has(name)) return;
  const hint = didYouMean(name, [...named]) ?? `give its virtual machines "swarm": "${name}"`;
  problems.report(
    "PHX0905",
    cell.keyRef,
    `no virtual machine is a member of the Swarm ${JSON.stringify(name)}`,
    {
      hint,
    },
  );
}

function readMember(entry: GuestEntry, swarm: Cell, problems: Problems): DeclaredMember | undefined {
  const { guest, cell } = entry;
  const name = swarm.text ?? "";
  if (!swarmName.test(name))
    return problems.invalid("PHX0906", swarm, "Swarm name", "use letters, digits, hyphens and underscores");
  if (guest.kind !== "vm" || guest.template) {
    const what = guest.template ? "a template" : "a container";
    const message = `${guest.host} is ${what}; the members of a Swarm are virtual machines`;
    return problems.report("PHX0903", swarm, message);
  }
  const role = readRole(cell.get("swarm_role"), problems);
  if (!isMachine(entry)) {
    const message = `${guest.host} is a member of the Swarm ${name}, but has no fixed address`;
    return problems.report("PHX0212", swarm, message, { hint: "give it one in network_config.ip" });
  }
  return { entry, role, from: swarm.ref };
}

function isMachine(entry: GuestEntry): entry is MachineEntry {
  return isAddressed(entry.guest);
}

function readRole(cell: Cell | undefined, problems: Problems): SwarmMember["role"] {
  const word = cell?.text?.toLowerCase();
  if (word === "manager" || word === "worker") return word;
  if (cell !== undefined && word !== undefined) {
    const hint = "use manager or worker";
    problems.report("PHX0906", cell, `unknown Swarm role ${JSON.stringify(cell.text)}`, { hint });
  }
  return "worker";
}

function declaredSwarm(
  name: string,
  all: readonly DeclaredMember[],
  settings: Cell | undefined,
  problems: Problems,
): DeclaredSwarm | undefined {
  const managers = all.filter(({ role }) => role === "manager");
  const [first, ...others] = [...managers, ...all.filter(({ role }) => role === "worker")];
  if (first === undefined) return undefined;
  const related = all.slice(1).map(({ from }) => from);
  if (managers.length === 0)
    problems.report("PHX0901", first.from, `no member of the Swarm ${name} is a manager`, {
      related,
      hint: `give one of them "swarm_role": "manager"`,
    });
  else if (managers.length % 2 === 0) warnOfManagers(name, managers, problems);
  const environment = settings?.get("environment_name");
  return {
    name,
    members: [first, ...others],
    settings,
    environment: environment?.text ?? name,
    from: environment?.ref ?? settings?.keyRef ?? first.from,
  };
}

function warnOfManagers(name: string, managers: readonly DeclaredMember[], problems: Problems): void {
  const { length } = managers;
  const [first, ...others] = managers.map(({ entry, from }) => entry.cell.get("swarm_role")?.ref ?? from);
  const spared = length / 2 - 1;
  const message =
    spared === 0
      ? `the Swarm ${name} has ${length} managers: when either is lost, nothing can be changed in it`
      : `the Swarm ${name} has ${length} managers: it survives the loss of ${spared}, as with ${length - 1}`;
  if (first === undefined) return;
  problems.report("PHX0902", first, message, {
    related: others,
    hint: `have ${length - 1} or ${length + 1} managers`,
  });
}

/** Where the Swarm's stacks are deployed: its first manager. */
export function managerOf({ members: [first] }: DeclaredSwarm): GuestEntry {
  return first.entry;
}

/** The Swarm of each machine that is a member of one. */
export function swarmsByMember(swarms: readonly DeclaredSwarm[]): ReadonlyMap<GuestName, DeclaredSwarm> {
  return new Map(
    swarms.flatMap((swarm) => swarm.members.map(({ entry }) => [entry.guest.host, swarm] as const)),
  );
}

/** The Swarms with their members as the whole site declares them. */
export function swarmsOf(swarms: readonly DeclaredSwarm[], entries: readonly GuestEntry[]): readonly Swarm[] {
  const guests = new Map(entries.map(({ guest }) => [guest.host, guest]));
  return swarms.map(({ name, members, environment, from }) => ({
    name,
    members: members.map(({ entry, role, from: at }) => {
      const guest = guests.get(entry.guest.host);
      return { guest: guest !== undefined && isAddressed(guest) ? guest : entry.guest, role, from: at };
    }),
    environment,
    from,
  }));
}

/** The one environment of each Swarm in Portainer: any of its agents may be asked. */
export function swarmEnvironments(
  swarms: readonly DeclaredSwarm[],
  port: number,
): readonly PortainerEnvironment[] {
  return swarms.map(({ name, members: [first], environment, from }) => ({
    name: environment,
    guest: first.entry.guest,
    kind: "agent",
    port,
    swarm: name,
    from,
  }));
}
