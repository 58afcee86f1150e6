/** Portainer's machines and the stacks on them, resolved together: each depends on the other. */
import { serverProject } from "../../fabric/portainer-server.ts";
import { ports } from "../../fabric/ports.ts";
import { readCompose } from "../../formats/compose/index.ts";
import type { ComposeFile, Guest, PortainerEnvironment, Service, Stack } from "../../model.ts";
import type { GuestName } from "../../resource.ts";
import type { GuestEntry } from "../machines/guests.ts";
import type { SecretReader } from "../secrets/index.ts";
import type { Cell } from "../text/cell.ts";
import { Claims } from "../text/claims.ts";
import type { Problems } from "../text/problems.ts";
import type { SiteFiles } from "../text/source-file.ts";
import { type Assignment, checkMembersStacks } from "./assignments.ts";
import { externalEnvironments, readEnvironments } from "./environments.ts";
import { isExternal } from "./external-portainer.ts";
import type { DeclaredStack } from "./files.ts";
import { readStack, reportFaults } from "./index.ts";
import { checkExternalNetworks, makersFirst } from "./networks.ts";
import {
  agentPortOf,
  findPrimary,
  findServerStack,
  type PortainerSettings,
  readSettings,
} from "./portainer.ts";
import { checkPublishedPorts, type PublishedBy } from "./published-ports.ts";
import { checkSharedNames } from "./shared-names.ts";
import { type DeclaredSwarm, swarmsByMember } from "./swarms.ts";

export interface Docker {
  /** The machine that runs Portainer. */
  readonly primary: Guest | undefined;
  readonly settings: PortainerSettings | undefined;
  /** The server's own Compose file. */
  readonly compose: ComposeFile | undefined;
  readonly environments: readonly PortainerEnvironment[];
  readonly stacks: readonly Stack[];
  readonly services: readonly Service[];
}

interface DockerCells {
  readonly entries: readonly GuestEntry[];
  readonly assignments: readonly Assignment[];
  readonly swarms: readonly DeclaredSwarm[];
  readonly stacks: ReadonlyMap<string, DeclaredStack>;
  readonly config: Cell | undefined;
  /** Whether the virtual machines' file could be read: without it a missing primary is not reported. */
  readonly hasMachines: boolean;
}

interface Reading {
  readonly files: SiteFiles;
  readonly secrets: SecretReader;
  readonly problems: Problems;
}

export async function readDocker(
  cells: DockerCells,
  domain: string,
  { files, secrets, problems }: Reading,
): Promise<Docker> {
  const { entries, assignments, swarms, stacks, hasMachines } = cells;
  const { primary, server, settings, environments, names } = readMachines(cells, domain, problems);
  const deployed = assignments.filter(
    ({ entry, swarm, declared }) => swarm !== undefined || entry !== primary || declared !== server,
  );
  checkMembersStacks(deployed, swarms, problems);
  const read = await Promise.all(
    deployed.map((assignment) => {
      const portainerEnvironment = names.get(assignment.entry.guest.host);
      return readStack(assignment, { files, secrets, problems, portainerEnvironment });
    }),
  );
  const assigned = read.filter((one) => one !== undefined);
  const lists = [...entries.map(({ cell }) => cell), ...swarms.map(({ settings: cell }) => cell)];
  const named = lists.reduce((sum, cell) => sum + (cell?.get("docker_stacks")?.items.length ?? 0), 0);
  // A name that was not understood may be the one that is missing here.
  if (hasMachines && named === assignments.length) warnUnassigned(stacks, assignments, server, problems);
  const published: PublishedBy[] = [
    ...serverPorts(server, primary, files, problems),
    ...assigned.map(({ stack, compose }) => ({
      host: stack.guest.host,
      title: `stack ${stack.name}`,
      file: stack.compose.file,
      compose,
    })),
  ];
  const agents = environments.flatMap(({ kind, guest, port, from }) =>
    kind === "agent" ? [{ host: guest.host, port, from }] : [],
  );
  checkPublishedPorts(published, agents, problems);
  checkSharedNames(published, problems);
  checkExternalNetworks(assigned, problems);
  const ready = makersFirst(assigned).map(({ stack }) => stack);
  checkProjects(ready, problems);
  return {
    primary: primary?.guest,
    settings,
    compose: server?.compose,
    environments,
    stacks: ready,
    services: assigned.flatMap((one) => one.services),
  };
}

interface Machines {
  readonly primary: GuestEntry | undefined;
  readonly server: DeclaredStack | undefined;
  readonly settings: PortainerSettings | undefined;
  readonly environments: readonly PortainerEnvironment[];
  /** Of the environments that machines are. */
  readonly names: ReadonlyMap<GuestName, string>;
}

/** Who runs Portainer and its agents. Of a Portainer that somebody else runs, only the names of environments are known. */
function readMachines(
  { entries, assignments, swarms, stacks, config, hasMachines }: DockerCells,
  domain: string,
  problems: Problems,
): Machines {
  const agent = entries.find(({ guest }) => guest.portainerRole === "agent" && !guest.template);
  const needed = assignments[0]?.from ?? agent?.cell.get("portainer_role")?.ref;
  if (config !== undefined && isExternal(config)) {
    const primary = findPrimary(entries, undefined, problems);
    const names = new Map([...externalEnvironments(entries, primary), ...namesOf(swarms)]);
    return { primary, server: undefined, settings: undefined, environments: [], names };
  }
  const primary = hasMachines ? findPrimary(entries, needed, problems) : undefined;
  const server = primary === undefined ? undefined : findServerStack(stacks, assignments, primary, problems);
  const settings =
    primary === undefined || config === undefined
      ? undefined
      : readSettings(config, primary, domain, problems);
  const hasOwn = assignments.some(
    ({ entry, swarm, declared }) => swarm === undefined && entry === primary && declared !== server,
  );
  const agentPort = config === undefined ? ports.portainerAgent : agentPortOf(config);
  const environments = readEnvironments(entries, swarms, agentPort, primary, hasOwn, problems);
  const names = new Map([
    ...environments.map(({ guest, name }) => [guest.host, name] as const),
    ...namesOf(swarms),
  ]);
  return { primary, server, settings, environments, names };
}

/** Members of a Swarm share its one environment. */
function namesOf(swarms: readonly DeclaredSwarm[]): readonly (readonly [GuestName, string])[] {
  return [...swarmsByMember(swarms)].map(([host, { environment }]) => [host, environment]);
}

function serverPorts(
  server: DeclaredStack | undefined,
  primary: GuestEntry | undefined,
  files: SiteFiles,
  problems: Problems,
): readonly PublishedBy[] {
  if (server?.compose === undefined || primary === undefined) return [];
  const { file, text } = server.compose;
  const { compose, faults } = readCompose(text, new Map(), serverProject);
  reportFaults(faults, file, { files, problems });
  if (compose === undefined) return [];
  return [{ host: primary.guest.host, title: "Portainer's server", file, compose }];
}

/** Two stacks that get the same name in Portainer would replace each other on every run. */
function checkProjects(stacks: readonly Stack[], problems: Problems): void {
  const projects = new Claims<Stack>();
  for (const stack of stacks) {
    const other = projects.take(`${stack.portainerEnvironment} ${stack.project}`, stack);
    if (other === undefined && stack.project !== "") continue;
    const message =
      other === undefined
        ? `Portainer cannot use the stack name ${stack.name}`
        : `${stack.name} and ${other.name} would get the same stack name in Portainer: ${stack.project}`;
    const hint = "Portainer keeps only lower-case letters, digits, - and _ of a name";
    problems.report("PHX0413", stack.from, message, {
      related: other === undefined ? [] : [other.from],
      hint,
    });
  }
}

/** Warns of stacks that no machine names. */
function warnUnassigned(
  stacks: ReadonlyMap<string, DeclaredStack>,
  assignments: readonly Assignment[],
  server: DeclaredStack | undefined,
  problems: Problems,
): void {
  const used = new Set([...assignments.map(({ declared }) => declared), server]);
  for (const stack of stacks.values()) {
    if (used.has(stack) || stack.isOlder) continue;
    problems.report("PHX0402", stack.from, `no virtual machine runs stack ${stack.name}`, {
      hint: `assign it: "docker_stacks": ["${stack.name}"]`,
    });
  }
}
