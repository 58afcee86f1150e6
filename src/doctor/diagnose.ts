/** Asks every prerequisite at once on every machine, and tells what is not as it must be: one line for each cause. */
import type { Component, Hazard, Io } from "../component.ts";
import { defined } from "../defined.ts";
import { adviceOn, isUnavailable, messageOf } from "../errors.ts";
import { guestOf } from "../fabric/guests.ts";
import { nodeOf, nodeOfGuest, nodesOf } from "../fabric/nodes.ts";
import type { Site } from "../model.ts";
import { type HostName, isGuestName } from "../resource.ts";
import { type HypervisorFacts, hypervisorFacts } from "./hypervisor-facts.ts";
import { type Asking, type Finding, guestGates, nodeGates, type Prerequisite } from "./prerequisite.ts";
import { composed } from "./settings.ts";
import { prerequisites } from "./table.ts";
import { usedMachines } from "./used.ts";

/** A finding with its place in the table. */
export interface Diagnosis extends Finding {
  readonly prerequisite: string;
  readonly machine: HostName;
  /** The machine's node, where that is another one than the hypervisor. */
  readonly node?: string;
}

export interface Diagnoses {
  /** By machine, the hypervisor first; within one in the order of the table. */
  readonly found: readonly Diagnosis[];
  /** How many questions were asked, of how many machines. */
  readonly asked: number;
  readonly machines: number;
}

export interface DiagnoseOptions {
  /** Those whose prerequisites count; what every site needs always does. */
  readonly components: readonly Component[];
  /** What a sync of the component would be refused for. */
  readonly hazards: (component: Component) => Promise<readonly Hazard[]>;
  readonly nodeVersion: string;
}

/** A question that was put to a machine, and what it found. */
interface Answer {
  readonly row: Prerequisite;
  readonly machine: HostName;
  readonly findings: readonly Finding[];
}

/** @throws TransportError when the hypervisor itself does not answer; WrongHostError */
export async function diagnose(io: Io, options: DiagnoseOptions): Promise<Diagnoses> {
  const { site } = io;
  const { components, nodeVersion } = options;
  const facts = once(() => hypervisorFacts(io.host("pve"), site));
  const hazards = new Map(components.map((each) => [each.name, once(() => options.hazards(each))] as const));
  const names = components.map(({ name }) => name);
  const rows = prerequisites.filter(
    ({ parts }) => parts.length === 0 || parts.some((part) => names.includes(part)),
  );
  const questions = rows.flatMap((row) => row.machines(site).map((machine) => ({ row, machine })));
  const answers = await Promise.all(
    questions.map(async ({ row, machine }): Promise<Answer> => {
      const guest = guestOf(site, machine);
      const asking = {
        site,
        machine,
        host: io.host(machine),
        io,
        facts,
        hazards,
        nodeVersion,
        ...(guest && { guest }),
      };
      return { row, machine, findings: await examine(row, asking) };
    }),
  );
  const told = diagnosesOf(answers, site, usedMachines(site, components));
  const found = await Promise.all(
    told.map(async (one) => ({ ...one, ...(await placeOf(one, site, facts)) })),
  );
  return { found, asked: questions.length, machines: new Set(questions.map(({ machine }) => machine)).size };
}

/** A question that could not be put is a finding: where the machine itself is the cause, another row says so. */
async function examine(row: Prerequisite, asking: Asking): Promise<readonly Finding[]> {
  try {
    return await row.examine(asking);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const hint = adviceOn(error);
    const message = `cannot tell whether ${row.must}: ${messageOf(error)}`;
    return [{ message, ...(hint === undefined ? {} : { hint }) }];
  }
}

/** The hypervisor's own faults that leave nothing to ask. */
const hypervisorGates = ["proxmox", "cluster-files"];

/** Rows that need the guest's node, as all have that come after one of them. */
const asksGuest: readonly string[] = ["guest-runs", "guest-answers"];

/** What keeps a sync from working only in a guest that it works in: whether the guest is there, and can be asked. */
const onlyWhereUsed: readonly string[] = [...guestGates, "disk-space"];

/**
 * Leaves out what has the same cause as an earlier row's finding, and joins commands that would undo each other. Pure.
 * @param used the machines that a sync works in
 */
function diagnosesOf(
  answers: readonly Answer[],
  site: Site,
  used: ReadonlySet<HostName>,
): readonly Diagnosis[] {
  const faults = new Set(
    answers
      .filter(({ findings }) => findings.some(({ isWarning }) => isWarning !== true))
      .map(({ row, machine }) => `${machine} ${row.id}`),
  );
  const isCutOff = ({ row, machine }: Pick<Answer, "row" | "machine">): boolean => {
    const { host } = isGuestName(machine) ? nodeOfGuest(site, machine) : nodeOf(site, machine);
    // A guest's configuration can be read on every node.
    const asksThere =
      !isGuestName(machine) || [row.id, ...(row.after ?? [])].some((id) => asksGuest.includes(id));
    return asksThere && !nodeGates.includes(row.id) && nodeGates.some((id) => faults.has(`${host} ${id}`));
  };
  const isHidden = ({ row, machine }: Answer): boolean =>
    isCutOff({ row, machine }) ||
    (row.after ?? []).some((id) => faults.has(`${machine} ${id}`)) ||
    (!hypervisorGates.includes(row.id) && hypervisorGates.some((id) => faults.has(`pve ${id}`)));
  const isMinor = ({ row, machine }: Answer): boolean =>
    isGuestName(machine) && !used.has(machine) && onlyWhereUsed.includes(row.id);
  const found = answers
    .filter((answer) => !isHidden(answer))
    .flatMap((answer) =>
      answer.findings.map(
        (finding): Diagnosis => ({
          machine: answer.machine,
          ...finding,
          ...(isMinor(answer) ? { isWarning: true } : {}),
          prerequisite: answer.row.id,
        }),
      ),
    );
  const on = (machine: HostName): readonly Diagnosis[] => found.filter((one) => one.machine === machine);
  return [
    ...nodesOf(site).flatMap(({ host }) => on(host)),
    ...site.guests.flatMap((guest) => composed(on(guest.host), guest)),
  ];
}

/** Which node the machine is, or has the guest, where that is another one than the hypervisor. */
async function placeOf(
  { machine }: Diagnosis,
  site: Site,
  facts: () => Promise<HypervisorFacts>,
): Promise<{ readonly node?: string }> {
  const guest = guestOf(site, machine);
  if (guest === undefined) return machine === "pve" ? {} : defined({ node: nodeOf(site, machine).name });
  try {
    const found = (await facts()).get(guest.id);
    return found?.isElsewhere === true ? { node: found.node } : {};
  } catch (error) {
    // The rows that ask the same have said so.
    if (!isUnavailable(error)) throw error;
    return {};
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
