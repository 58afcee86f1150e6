/** Stacks on the virtual machines that they are assigned to: their variables, files, labels, volumes and routes. */
import type { Compose } from "../../formats/compose/index.ts";
import { placeBelow } from "../../formats/compose/paths.ts";
import { preparedCompose } from "../../formats/compose/prepare.ts";
import type { RoleGuest, Service, Stack } from "../../model.ts";
import { redactor } from "../../secret.ts";
import { isAddressed, portainerRoleOf } from "../machines/guests.ts";
import type { SecretReader } from "../secrets/index.ts";
import type { Problems } from "../text/problems.ts";
import type { SiteFiles } from "../text/source-file.ts";
import { type Assignment, defaultEnvironment } from "./assignments.ts";
import { filledIn, readFiles, readLabels, readVariables, readVolumes } from "./content.ts";
import { labelledServices } from "./services.ts";

/** A stack on a machine, and what the rest of the site gets from it. */
export interface AssignedStack {
  readonly stack: Stack;
  readonly services: readonly Service[];
  readonly compose: Compose;
}

/** What an assignment is read with. */
export interface StackReading {
  readonly files: SiteFiles;
  readonly secrets: SecretReader;
  readonly problems: Problems;
  /** The machine's environment in Portainer; absent when it has none. */
  readonly portainerEnvironment: string | undefined;
}

export async function readStack(
  assignment: Assignment,
  { files, secrets, problems, portainerEnvironment }: StackReading,
): Promise<AssignedStack | undefined> {
  const { entry, declared, environment, settings, from } = assignment;
  const guest = machineOf(assignment, portainerEnvironment, problems);
  const [share] = entry.guest.shares;
  const { variables, unread } = await readVariables(settings?.get("variables"), secrets, problems);
  const stackFiles = await readFiles(settings?.get("files"), declared.directory, files, problems);
  for (const { content } of stackFiles) secrets.keep(content);
  if (declared.compose === undefined) {
    problems.report("PHX0404", from, `stack ${declared.name} has no compose file`, {
      related: [declared.from],
      hint: `write stacks/${declared.name}/docker-compose.yml`,
    });
    return undefined;
  }
  const project = projectOf(declared.name, environment);
  // A variable whose secret was not found is not also one that nobody set.
  const values = new Map([
    ...unread.map((name) => [name, "1"] as const),
    ...variables.map(({ name, value }) => [name, value.reveal()] as const),
  ]);
  const { file, text } = declared.compose;
  const { declared: compose, faults } = preparedCompose(text, {
    project,
    variables: values,
    labels: {},
    directory: `${share?.mountPoint ?? ""}/stacks/${declared.name}`,
    files: new Map(
      stackFiles.map(({ source, destination, content }) => [
        placeBelow(file, source),
        { content: content.reveal(), destination },
      ]),
    ),
  });
  // A fault's words may quote the file with its variables filled in.
  const clean = redactor(secrets.found);
  for (const { message, place, hint, severity } of faults)
    problems.report("PHX0405", { file, ...place }, clean(message), { hint, severity });
  if (compose === undefined) return undefined;
  const labels = readLabels(settings?.get("services"), compose, declared.name, problems);
  const volumes = readVolumes(settings?.get("volumes"), compose, problems);
  const services = labelledServices(
    {
      stack: declared.name,
      project,
      compose,
      file,
      labels: filledIn(labels, values, clean, problems),
      guest,
      settings,
    },
    clean,
    problems,
  );
  if (guest === undefined || share === undefined || portainerEnvironment === undefined) return undefined;
  const stack: Stack = {
    name: declared.name,
    project,
    environment,
    guest,
    portainerEnvironment,
    share,
    compose: declared.compose,
    variables,
    files: stackFiles,
    labels,
    volumes,
    from,
  };
  return { stack, compose, services };
}

/** The machine, when it can run stacks; each reason why it cannot is a problem. */
function machineOf(
  { entry: { guest, cell }, declared, from }: Assignment,
  portainerEnvironment: string | undefined,
  problems: Problems,
): RoleGuest | undefined {
  const isRoleKnown = portainerRoleOf(cell) !== "unknown";
  if (portainerEnvironment === undefined && guest.address !== undefined && isRoleKnown)
    problems.report(
      "PHX0701",
      from,
      `stack ${declared.name} is assigned to ${guest.host} (${guest.name}), which is no environment of Portainer`,
      {
        hint: 'give the machine "portainer_role": "agent"',
      },
    );
  if (guest.shares.length === 0)
    problems.report(
      "PHX0702",
      from,
      `stack ${declared.name} is assigned to ${guest.host} (${guest.name}), which has no NFS volume`,
      {
        hint: 'add one to its volumes: {"type": "nfs", "path": …, "mount_point": …}',
      },
    );
  if (!isAddressed(guest)) {
    problems.report(
      "PHX0212",
      from,
      `stack ${declared.name} is assigned to ${guest.host} (${guest.name}), which has no fixed address`,
    );
    return undefined;
  }
  return guest;
}

/** Portainer keeps lower-case letters, digits, "-" and "_"; other environments than the usual one bear their name. */
export function projectOf(name: string, environment: string): string {
  const written = environment === defaultEnvironment ? name : `${name}-${environment}`;
  return written.toLowerCase().replace(/[^-_a-z0-9]/g, "");
}
