/** Stacks that Portainer has deployed, as the site would declare them: whose they are, what they mount, what they need. Pure. */

import { marker } from "../../components/stacks/facts.ts";
import { defined } from "../../defined.ts";
import { ComposeDocument } from "../../formats/compose/document.ts";
import { readCompose } from "../../formats/compose/index.ts";
import { grantsOf, mountsOf } from "../../formats/compose/mounts.ts";
import type { GuestName } from "../../resource.ts";
import type { Secret } from "../../secret.ts";
import { defaultEnvironment } from "../../site/stacks/assignments.ts";
import { projectOf } from "../../site/stacks/index.ts";
import type { FoundEngine, FoundPath, FoundPortainerState, FoundStack } from "../found/docker.ts";
import type { FoundSwarm } from "../found/swarms.ts";
import type { FoundServer } from "../found/web.ts";
import type { Source } from "../found.ts";
import { composeServices, stackTreatments, swarmServices } from "../join/treatments.ts";
import type { DraftObject } from "../json.ts";
import type { DeclaredFile, DeployedFile, ServiceLabels, StackShare } from "./stack-file.ts";
import { declaredSwarmFile } from "./swarm-file.ts";
import { revealed, variablesOf } from "./variables.ts";

/** A stack on one machine, or in a Swarm. */
export interface Deployment {
  /** The machine; of a Swarm its first manager. */
  readonly host: GuestName;
  /** The Swarm's name in the site. */
  readonly swarm?: string;
  /** The stack's name in the site, and the environment of it that runs here. */
  readonly name: string;
  readonly environment: string;
  /** Its name in Portainer. */
  readonly project: string;
  readonly text: string;
  readonly variables: ReadonlyMap<string, Secret>;
  /** The stack's directory on the machine. */
  readonly directory: string;
  /** Files below the directory that its Compose file mounts or grants. */
  readonly files: readonly DeployedFile[];
  /** Of its services, where they stand in phoenix.json and not in the Compose file. */
  readonly labels?: ServiceLabels;
  /** Members of phoenix.json besides variables, files and services: volumes, networks, owners. */
  readonly settings: DraftObject;
  /** What is said of Compose services besides labels. */
  readonly services: ReadonlyMap<string, DraftObject>;
  readonly source: Source;
}

export interface Machine {
  readonly host: GuestName;
  /** The Swarm whose first manager it is, and its name in the site. */
  readonly swarm?: { readonly name: string; readonly swarm: FoundSwarm };
  readonly share: StackShare | undefined;
  readonly engine: FoundEngine | undefined;
  /** The servers of the gateway, which say how each name is treated. */
  readonly servers: readonly FoundServer[];
  /** Whether the site's mesh serves what labels say; else that is for somebody else's proxy. */
  readonly isRouted: boolean;
}

/** The deployment of a stack of Portainer's. */
export function deploymentOf(
  stack: FoundStack,
  machine: Machine,
  others: readonly FoundStack[],
  portainer: FoundPortainerState,
): Deployment {
  const all = variablesOf(stack).values;
  const variables = new Map([...all].filter(([name]) => name !== marker));
  const { name, environment } = nameOf(stack, markOf(stack));
  const isSibling = (other: FoundStack): boolean =>
    other.environmentId === stack.environmentId && nameOf(other, markOf(other)).name === name;
  const several = others.filter(isSibling).length > 1;
  const directory = `${machine.share?.mountPoint ?? ""}/stacks/${several ? stack.name : name}`;
  const { share, swarm } = machine;
  const sent = { text: stack.text, project: stack.name, variables, directory };
  const configs = swarm?.swarm.configs ?? new Map();
  const { text, files, volumes, labels } =
    swarm === undefined
      ? composeFile(sent, machine, stack.named)
      : declaredSwarmFile({
          ...sent,
          share: share ?? noShare,
          configs,
          isOneOfSeveral: hasOthers(name, others),
        });
  const running =
    swarm === undefined
      ? composeServices(machine.engine?.containers ?? [], stack.name)
      : swarmServices(swarm.swarm.services, stack.name);
  return {
    ...{ host: machine.host, name, environment, project: stack.name, text, variables, directory, files },
    ...defined({ swarm: swarm?.name, labels }),
    settings: defined({
      ...needsOf(text, variables, stack.name, volumes),
      owners: ownersOf(stack, portainer),
      external: !machine.isRouted && /traefik\.(?:http|tcp)\.routers\./.test(text) ? true : undefined,
    }),
    services: stackTreatments(running, machine.servers),
    source: { host: machine.host, path: `Portainer: stack ${stack.name}` },
  };
}

/** Whether a stack is deployed in several environments of its own. */
function hasOthers(name: string, all: readonly FoundStack[]): boolean {
  const names = all.map((each) => nameOf(each, markOf(each)));
  return new Set(names.filter((each) => each.name === name).map((each) => each.environment)).size > 1;
}

const noShare: StackShare = { server: "", path: "", mountPoint: "" };

/** What its file is made from, and the directories of its external volumes. */
function composeFile(
  { text, project, variables, directory }: Pick<Deployment, "text" | "project" | "variables" | "directory">,
  { share, engine }: Machine,
  named: readonly FoundPath[],
): DeclaredFile {
  const { compose } = readCompose(text, revealed(variables), project);
  const volumes = (compose?.volumes ?? []).flatMap(({ key, name, external }): [string, string][] => {
    const below = external ? directoryOn(share, engine, name) : undefined;
    return below === undefined ? [] : [[key, below]];
  });
  const files = share === undefined ? [] : filesBelow(directory, text, variables, named);
  return { text, files, volumes: new Map(volumes) };
}

/** Whether Phoenix made it. */
export function isMarked(stack: FoundStack): boolean {
  return markOf(stack) !== undefined;
}

function markOf({ kind, variables }: FoundStack): string | undefined {
  const own = variables.filter(({ name }) => name === marker);
  return revealed(variablesOf({ kind, variables: own }).values).get(marker);
}

/** The name that our mark gives a stack; the rest of its project's name is the environment. */
export function nameOf(
  { name: project }: Pick<FoundStack, "name">,
  mark: string | undefined,
): { readonly name: string; readonly environment: string } {
  if (mark === undefined || !isDirectoryName(mark)) return { name: project, environment: defaultEnvironment };
  const own = projectOf(mark, defaultEnvironment);
  if (project === own) return { name: mark, environment: defaultEnvironment };
  if (project.startsWith(`${own}-`)) return { name: mark, environment: project.slice(own.length + 1) };
  return { name: project, environment: defaultEnvironment };
}

/** Whether a text may be the name of a directory below stacks/. */
export function isDirectoryName(text: string): boolean {
  return /^[^./\p{C}][^/\p{C}]{0,99}$/u.test(text);
}

/** The files of the stack's directory that its containers see, each with its path in a container. */
function filesBelow(
  directory: string,
  text: string,
  variables: ReadonlyMap<string, Secret>,
  named: readonly FoundPath[],
): readonly DeployedFile[] {
  const document = new ComposeDocument(text, revealed(variables));
  const targets = new Map<string, string>();
  for (const { value } of document.services.members) {
    for (const { type, source, target } of mountsOf(value))
      if (type === "bind" && !targets.has(source)) targets.set(source, target);
    for (const section of ["configs", "secrets"] as const)
      for (const { source, target } of grantsOf(value, section)) {
        const file = document.root.get(section).get(source).get("file").text;
        if (file !== undefined && !targets.has(file)) targets.set(file, target);
      }
  }
  const taken = new Set<string>();
  return named.flatMap(({ path, text: content, isPrivate = false }): DeployedFile[] => {
    const destination = targets.get(path);
    if (content === undefined || destination === undefined || taken.has(destination)) return [];
    if (!path.startsWith(`${directory}/`)) return [];
    taken.add(destination);
    return [{ path: path.slice(directory.length + 1), destination, text: content, isPrivate }];
  });
}

/** External volumes that do not have their default directory, and external networks. */
function needsOf(
  text: string,
  variables: ReadonlyMap<string, Secret>,
  project: string,
  directories: ReadonlyMap<string, string>,
): DraftObject {
  const { compose } = readCompose(text, revealed(variables), project);
  if (compose === undefined) return {};
  const volumes = compose.volumes.flatMap(({ key, name }): [string, string][] => {
    const directory = directories.get(key);
    return directory === undefined || directory === `volumes/${name}` ? [] : [[key, directory]];
  });
  const networks = compose.networks
    .filter(({ name, external }) => external && !["bridge", "host", "none"].includes(name))
    .map(({ key }): [string, string] => [key, "exists"]);
  return defined({
    volumes: volumes.length === 0 ? undefined : Object.fromEntries(volumes),
    networks: networks.length === 0 ? undefined : Object.fromEntries(networks),
  });
}

/** A volume's directory below the machine's share; undefined where it leads elsewhere. */
function directoryOn(
  share: StackShare | undefined,
  engine: FoundEngine | undefined,
  name: string,
): string | undefined {
  const options = engine?.volumes.find((volume) => volume.name === name)?.options ?? {};
  const server = /(?:^|,)addr=([^,]+)/.exec(options.o ?? "")?.[1];
  const device = (options.device ?? "").replace(/^[^:/]*:/, "");
  if (share === undefined || server !== share.server || !device.startsWith(`${share.path}/`))
    return undefined;
  return device.slice(share.path.length + 1).replace(/\/+$/, "");
}

/** Teams and users by name; undefined where administrators alone own it, as Portainer has it by itself. */
function ownersOf({ access }: FoundStack, { teams, users }: FoundPortainerState): DraftObject | undefined {
  const names = (
    ids: readonly number[],
    known: ReadonlyMap<number, string>,
  ): readonly string[] | undefined => {
    const found = ids.flatMap((id) => known.get(id) ?? []);
    return found.length === 0 ? undefined : found;
  };
  const owners = defined({
    teams: names(access?.teams ?? [], teams),
    users: names(access?.users ?? [], users),
  });
  return Object.keys(owners).length === 0 ? undefined : owners;
}
