/** Stacks on the virtual machines that they are assigned to: their variables, files, labels, volumes and routes. */
import { defined } from "../../defined.ts";
import { preparedForSwarm } from "../../fabric/swarm-compose.ts";
import type { Compose } from "../../formats/compose/index.ts";
import { placeBelow } from "../../formats/compose/paths.ts";
import { type PreparedCompose, preparedCompose } from "../../formats/compose/prepare.ts";
import type { ComposeFile, RoleGuest, Service, Stack, StackFile, StackVariable } from "../../model.ts";
import { isAddressed, portainerRoleOf } from "../machines/guests.ts";
import type { SecretReader } from "../secrets/index.ts";
import type { Problems } from "../text/problems.ts";
import type { SiteFiles } from "../text/source-file.ts";
import { type Assignment, defaultEnvironment } from "./assignments.ts";
import { filledIn, readFiles, readLabels, readVariables, readVolumes } from "./content.ts";
import { readNetworks } from "./networks.ts";
import { readOwners } from "./owners.ts";
import { noShare } from "./portainer.ts";
import { labelledServices } from "./services.ts";

/** A stack on a machine, and what the rest of the site gets from it. */
export interface AssignedStack {
  readonly stack: Stack;
  readonly services: readonly Service[];
  readonly compose: Compose;
  /** External networks that phoenix.json leaves to somebody else, by Docker's names. */
  readonly foreignNetworks: readonly string[];
}

/** What an assignment is read with. */
export interface StackReading {
  readonly files: SiteFiles;
  readonly secrets: SecretReader;
  readonly problems: Problems;
  /** The machine's environment in Portainer; absent when it has none. */
  readonly portainerEnvironment: string | undefined;
}

/**
 * Reads a stack for the machine that runs it; undefined when nothing of it follows there. An environment or a share that is missing is
 * reported: the stack's routes follow all the same.
 */
export async function readStack(
  assignment: Assignment,
  { files, secrets, problems, portainerEnvironment }: StackReading,
): Promise<AssignedStack | undefined> {
  const { entry, swarm, declared, environment, settings, from } = assignment;
  const { name, directory, compose: written } = declared;
  const guest = machineOf(assignment, portainerEnvironment, problems);
  const [share] = entry.guest.shares;
  const { variables, unread } = await readVariables(settings?.get("variables"), secrets, problems);
  const stackFiles = await readFiles(settings?.get("files"), directory, files, problems);
  for (const { content } of stackFiles) secrets.keepContent(content.reveal());
  if (declared.isUnread) return undefined;
  if (written === undefined)
    return problems.report("PHX0404", from, `stack ${name} has no Compose file`, {
      related: [declared.from],
      hint: `write stacks/${name}/docker-compose.yml`,
    });
  const project = projectOf(name, environment);
  const values = valuesOf(variables, unread);
  const { file } = written;
  const mountPoint = `${share?.mountPoint ?? ""}/stacks/${name}`;
  const parsed = { compose: written, project, variables, files: stackFiles };
  const { declared: compose, faults } =
    swarm === undefined
      ? prepared(written, { project, values, mountPoint, stackFiles })
      : preparedForSwarm(
          { ...parsed, labels: {}, volumes: [], share: share ?? noShare(from) },
          { values, directory: mountPoint, members: swarm.members.length },
        );
  reportFaults(faults, file, { files, problems });
  if (compose === undefined) return undefined;
  const labels = readLabels(settings?.get("services"), compose, name, problems);
  const volumes = readVolumes(settings?.get("volumes"), compose, file, problems);
  const networks = readNetworks(settings?.get("networks"), compose, problems);
  const filled = filledIn(labels, values);
  secrets.keepSensitive([
    ...compose.services.flatMap((service) => service.labels),
    ...Object.values(filled.labels).flat(),
  ]);
  for (const { message, place, hint } of filled.faults) problems.report("PHX0410", place, message, { hint });
  const named = { stack: name, project, compose, file, labels: filled.labels };
  const routed = labelledServices({ ...named, guest, others: othersOf(assignment), settings }, problems);
  for (const { message, place, ...more } of routed.faults) problems.report("PHX0411", place, message, more);
  const parts = {
    ...defined({ swarm: swarm?.name }),
    compose: written,
    variables,
    files: stackFiles,
    labels,
    volumes,
    networks: networks.created,
    ...defined({ owners: readOwners(settings?.get("owners"), problems) }),
  };
  if (guest === undefined) return undefined;
  const place = { portainerEnvironment: portainerEnvironment ?? guest.name, share: share ?? noShare(from) };
  const stack = { name, project, environment, guest, ...place, ...parts, from };
  return { stack, compose, services: routed.services, foreignNetworks: networks.foreign };
}

/** A variable whose secret was not found is not reported as unset as well. */
function valuesOf(
  variables: readonly StackVariable[],
  unread: readonly string[],
): ReadonlyMap<string, string> {
  return new Map([
    ...unread.map((variable) => [variable, "1"] as const),
    ...variables.map((variable) => [variable.name, variable.value.reveal()] as const),
  ]);
}

/** Faults of a Compose file; a line that may hold a secret is not shown. */
export function reportFaults(
  faults: PreparedCompose["faults"],
  file: string,
  { files, problems }: Pick<StackReading, "files" | "problems">,
): void {
  for (const { message, place, hint, severity, mayBeSecret, ofSwarm } of faults) {
    const at = { file, ...place };
    if (mayBeSecret) files.concealLine(at);
    problems.report(ofSwarm === true ? "PHX0907" : "PHX0405", at, message, { hint, severity });
  }
}

/** The addresses of a Swarm's other members, which may run a stack as well. */
function othersOf({ swarm, entry }: Assignment): readonly string[] {
  return (swarm?.members ?? []).flatMap((member) =>
    member.entry.guest.host === entry.guest.host ? [] : [member.entry.guest.address],
  );
}

interface Preparation {
  readonly project: string;
  readonly values: ReadonlyMap<string, string>;
  /** The stack's directory on its machine. */
  readonly mountPoint: string;
  readonly stackFiles: readonly StackFile[];
}

/** The Compose file as it would be sent, without its labels. */
function prepared(
  { file, text }: ComposeFile,
  { project, values, mountPoint, stackFiles }: Preparation,
): PreparedCompose {
  const files = stackFiles.map(({ source, destination, content }) => {
    return [placeBelow(file, source), { content: content.reveal(), destination }] as const;
  });
  return preparedCompose(text, {
    project,
    variables: values,
    labels: new Map(),
    directory: mountPoint,
    files: new Map(files),
  });
}

/** The machine, when it can run stacks; each reason why it cannot is a problem. */
function machineOf(
  { entry: { guest, cell }, from }: Assignment,
  portainerEnvironment: string | undefined,
  problems: Problems,
): RoleGuest | undefined {
  // The same place and words for each of its stacks: one problem.
  const at = cell.get("docker_stacks")?.keyRef ?? from;
  const machine = `${guest.host} (${guest.name}) has stacks`;
  // An unknown role, and a second primary, are problems of their own.
  const isReported = ["unknown", "primary"].includes(portainerRoleOf(cell) ?? "");
  if (portainerEnvironment === undefined && guest.address !== undefined && !isReported)
    problems.report("PHX0701", at, `${machine} but is not an environment of Portainer`, {
      hint: 'give the machine "portainer_role": "agent"',
    });
  if (guest.shares.length === 0)
    problems.report("PHX0702", at, `${machine} but no NFS volume`, {
      hint: 'add one to its volumes: {"type": "nfs", "path": …, "mount_point": …}',
    });
  if (isAddressed(guest)) return guest;
  return problems.report("PHX0212", at, `${machine} but no fixed address`);
}

/** Portainer's name for a stack: lower-case letters, digits, "-" and "_"; any but the default environment is in the name. */
export function projectOf(name: string, environment: string): string {
  const full = environment === defaultEnvironment ? name : `${name}-${environment}`;
  return full.toLowerCase().replace(/[^-_a-z0-9]/g, "");
}
