/** What each stack should be: its Compose file as sent, its variables, the files on its share, its containers. */
import { defined } from "../../defined.ts";
import { expectedServices } from "../../fabric/containers-at.ts";
import { shareDirectory } from "../../fabric/guests.ts";
import { readCompose } from "../../formats/compose/index.ts";
import { placeBelow } from "../../formats/compose/paths.ts";
import { preparedCompose } from "../../formats/compose/prepare.ts";
import type { HostPath, Site, Stack } from "../../model.ts";
import type { Resource, ResourceId } from "../../resource.ts";
import { Secret } from "../../secret.ts";
import { countWords } from "../resources.ts";
import {
  composeFileName,
  fromOf,
  type StackTarget,
  secretsOf,
  shownVariables,
  stackResource,
} from "./facts.ts";
import { declaredOwners } from "./owners.ts";
import { additionsOf, declaredCompose } from "./shown.ts";
import { swarmTarget } from "./swarm/compile.ts";

export function compile(site: Site): readonly Resource[] {
  return targetsOf(site).map(({ resource }) => resource);
}

const compiled = new WeakMap<Site, readonly StackTarget[]>();

/** Computed once for a site: every step of a run needs them, and parsing Compose files takes time. */
export function targetsOf(site: Site): readonly StackTarget[] {
  const targets = compiled.get(site) ?? site.stacks.map((stack) => targetOf(site, stack));
  compiled.set(site, targets);
  return targets;
}

/** "stacks/<name>", or "stacks/<name>@<environment>" for a stack on several machines. */
function idOf(site: Site, stack: Stack): ResourceId {
  const several = site.stacks.filter(({ name }) => name === stack.name).length > 1;
  return `stacks/${several ? `${directoryOf(site, stack)}@${stack.portainerEnvironment}` : stack.name}`;
}

/** A stack's own directory on its machine: two environments of one stack on one machine do not share theirs. */
function directoryOf(site: Site, { name, project, guest }: Stack): string {
  const several =
    site.stacks.filter((other) => other.name === name && other.guest.host === guest.host).length > 1;
  return several ? project : name;
}

function targetOf(site: Site, stack: Stack): StackTarget {
  const id = idOf(site, stack);
  const base = shareDirectory(site, stack.guest, stack.share);
  const directory = directoryOf(site, stack);
  const share = { host: base.host, path: `${base.path}/stacks/${directory}` };
  if (stack.swarm !== undefined) {
    const members = site.swarms.find(({ name }) => name === stack.swarm)?.members.length ?? 1;
    return swarmTarget({ id, stack, share, members });
  }
  return machineTarget({ id, stack, share, directory });
}

/** A stack on a machine of its own. */
function machineTarget({
  id,
  stack,
  share,
  directory,
}: {
  readonly id: ResourceId;
  readonly stack: Stack;
  readonly share: HostPath;
  /** Below `stacks/` of the share. */
  readonly directory: string;
}): StackTarget {
  const variables = new Map(stack.variables.map(({ name, value }) => [name, value.reveal()]));
  const files = new Map(
    stack.files.map(({ source, destination, content }) => [
      placeBelow(stack.compose.file, source),
      { content: content.reveal(), destination },
    ]),
  );
  const prepared = preparedCompose(stack.compose.text, {
    project: stack.project,
    variables,
    labels: new Map(Object.entries(stack.labels)),
    directory: `${stack.share.mountPoint}/stacks/${directory}`,
    files,
  });
  const { compose } = readCompose(prepared.text, variables, stack.project);
  const env = stack.variables.map(({ name, value }) => ({ name, value: envValue(value.reveal()) }));
  const onShare = new Map([
    [composeFileName, { content: new Secret(prepared.text), mode: "600" }],
    ...[...files].map(
      ([path, { content }]) => [path, { content: new Secret(content), mode: "644" }] as const,
    ),
  ]);
  const services = expectedServices(compose, variables);
  const target = {
    id,
    stack,
    share,
    prepared,
    ...(compose === undefined ? {} : { compose }),
    services,
    env,
    files: onShare,
  };
  const contents = new Map([...files].map(([path, { content }]) => [path, content]));
  return { ...target, resource: declaredResource(target, contents) };
}

/** @param contents of the stack's own files, by path */
function declaredResource(
  { id, stack, prepared, services, env, files }: Omit<StackTarget, "resource">,
  contents: ReadonlyMap<string, string>,
): Resource {
  const facts = {
    id,
    host: stack.guest.host,
    project: stack.project,
    environment: stack.portainerEnvironment,
    compose: prepared.text,
    variables: shownVariables(stack, env),
    files: Object.fromEntries([...files].map(([path, { content }]) => [path, content.fingerprint()])),
    containers: Object.fromEntries(services.map(({ name, image = "" }) => [name, `running ${image}`])),
    volumes: Object.fromEntries(stack.volumes.map(({ name }) => [name, "present"])),
    networks: Object.fromEntries(stack.networks.map((name) => [name, "present"])),
    sensitive: stack.files.length > 0,
    ...defined({ owners: declaredOwners(stack) }),
  };
  const additions = additionsOf(stack);
  return {
    ...stackResource(facts, { ...declaredCompose(stack), secrets: secretsOf(stack, env, contents) }),
    summary: countWords(services.length, "service"),
    from: fromOf(stack),
    ...(additions === undefined ? {} : { additions: { "compose file": additions } }),
  };
}

/**
 * A value in the form that Portainer needs: it writes NAME=VALUE into a file, which Compose reads as dotenv (2.23). Single
 * quotes keep everything; a value that has a single quote itself gets double ones.
 */
export function envValue(value: string): string {
  if (!/^\s|\s$|\s#|[$\n\r\\]|^["'#]/.test(value)) return value;
  // A backslash before the closing quote would escape it.
  if (!/['\n\r]|\\$/.test(value)) return `'${value}'`;
  const inside = value
    .replace(/[\\"$]/g, "\\$&")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r");
  return `"${inside}"`;
}
