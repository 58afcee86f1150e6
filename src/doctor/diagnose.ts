/** Asks every prerequisite at once on every machine, and tells what is not as it must be: one line for each cause. */
import type { ComponentName, Io } from "../component.ts";
import { adviceOn, isUnavailable, messageOf } from "../errors.ts";
import { guestOf } from "../fabric/guests.ts";
import type { Site } from "../model.ts";
import type { HostName } from "../resource.ts";
import { hypervisorFacts } from "./hypervisor-facts.ts";
import type { Asking, Finding, Prerequisite } from "./prerequisite.ts";
import { prerequisites } from "./table.ts";

/** A finding with its place in the table. */
export interface Diagnosis extends Finding {
  readonly prerequisite: string;
  readonly machine: HostName;
}

export interface Diagnoses {
  /** By machine, the hypervisor first; within one in the order of the table. */
  readonly found: readonly Diagnosis[];
  /** How many questions were asked, of how many machines. */
  readonly asked: number;
  readonly machines: number;
}

/** What is asked: the components whose prerequisites count; those that every site has always do. */
export interface DiagnoseOptions {
  readonly components: readonly ComponentName[];
  readonly nodeVersion: string;
}

/** A question that was put to a machine, and what it found. */
interface Answer {
  readonly row: Prerequisite;
  readonly machine: HostName;
  readonly findings: readonly Finding[];
}

/** @throws TransportError when the hypervisor itself does not answer; WrongHostError */
export async function diagnose(io: Io, { components, nodeVersion }: DiagnoseOptions): Promise<Diagnoses> {
  const { site } = io;
  const facts = once(() => hypervisorFacts(io.host("pve"), site));
  const rows = prerequisites.filter(
    ({ parts }) => parts.length === 0 || parts.some((part) => components.includes(part)),
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
        nodeVersion,
        ...(guest && { guest }),
      };
      return { row, machine, findings: await examine(row, asking) };
    }),
  );
  const found = diagnosesOf(answers, site);
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

/** Leaves out what has the same cause as an earlier row's finding. Pure. */
export function diagnosesOf(answers: readonly Answer[], site: Pick<Site, "guests">): readonly Diagnosis[] {
  const faults = new Set(
    answers
      .filter(({ findings }) => findings.some(({ isWarning }) => isWarning !== true))
      .map(({ row, machine }) => `${machine} ${row.id}`),
  );
  const isHidden = ({ row, machine }: Answer): boolean =>
    (row.after ?? []).some((id) => faults.has(`${machine} ${id}`)) ||
    (!hypervisorGates.includes(row.id) && hypervisorGates.some((id) => faults.has(`pve ${id}`)));
  const order = new Map<HostName, number>([
    ["pve", -1],
    ...site.guests.map(({ host }, at) => [host, at] as const),
  ]);
  return answers
    .filter((answer) => !isHidden(answer))
    .flatMap(({ row, machine, findings }) =>
      findings.map((finding) => ({ machine, ...finding, prerequisite: row.id })),
    )
    .sort((a, b) => (order.get(a.machine) ?? 0) - (order.get(b.machine) ?? 0));
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
