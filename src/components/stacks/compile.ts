/** What each stack should be: its Compose file as sent, its variables, the files on its share, its containers. */
import type { EnvironmentVariable } from "../../apis/portainer/index.ts";
import { defined } from "../../defined.ts";
import { expectedServices } from "../../fabric/containers-at.ts";
import { shareDirectory } from "../../fabric/guests.ts";
import { type Compose, type ComposeService, readCompose } from "../../formats/compose/index.ts";
import { placeBelow } from "../../formats/compose/paths.ts";
import { type PreparedCompose, preparedCompose } from "../../formats/compose/prepare.ts";
import type { HostPath, Site, Stack } from "../../model.ts";
import { canonicalJson, type HostName, type Resource, type ResourceId } from "../../resource.ts";
import { Secret } from "../../secret.ts";
import { countWords } from "../resources.ts";
import { declaredOwners } from "./owners.ts";
import { additionsOf, declaredCompose, type ShownCompose, secretLabels } from "./shown.ts";

/** The variable that marks a stack as ours: it may be pruned when it is no longer declared. Its value is the stack's name. */
export const marker = "PHOENIX_STACK";

const composeFileName = "docker-compose.yml";

/** A stack on the machine that it is assigned to. */
export interface StackTarget {
  readonly id: ResourceId;
  readonly stack: Stack;
  /** The stack's directory on its share, where it can be written. */
  readonly share: HostPath;
  readonly prepared: PreparedCompose;
  /** As read from the prepared text; absent when that is not a Compose file. */
  readonly compose?: Compose;
  /** The services that must run: those without a profile, and those whose profile is enabled. */
  readonly services: readonly ComposeService[];
  readonly env: readonly EnvironmentVariable[];
  /** The files in the stack's directory, by path below it. */
  readonly files: ReadonlyMap<string, { readonly content: Secret; readonly mode: string }>;
  readonly resource: Resource;
}

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

export interface StackFacts {
  readonly id: ResourceId;
  readonly host: HostName;
  readonly project: string;
  readonly environment: string;
  readonly compose: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Fingerprints by path. */
  readonly files: Readonly<Record<string, string>>;
  /** The state of each service's containers. */
  readonly containers: Readonly<Record<string, string>>;
  readonly volumes: Readonly<Record<string, string>>;
  /** External networks that are created before a deployment. */
  readonly networks: Readonly<Record<string, string>>;
  /** In words; absent where the site says nothing about them. */
  readonly owners?: string;
  /** The Compose file may contain the content of an environment file. */
  readonly sensitive: boolean;
}

/** What is shown of a stack beside its facts. */
interface ShownStack extends ShownCompose {
  /** By unit. */
  readonly secrets: Readonly<Record<string, Secret>>;
}

export function stackResource(
  { id, host, sensitive, ...facts }: StackFacts,
  { document, labels, secrets }: ShownStack = { labels: {}, secrets: {} },
): Resource {
  const compose = new Secret(facts.compose).fingerprint();
  const copy = facts.files[composeFileName];
  return {
    id,
    host,
    text: canonicalJson(facts),
    units: {
      environment: facts.environment,
      "compose file": `text ${compose}`,
      ...prefixed("variable", facts.variables),
      // Portainer has the file; the copy on the share is the same unless somebody changed one of them.
      ...prefixed(
        "file",
        copy === undefined
          ? facts.files
          : { ...facts.files, [composeFileName]: copy === compose ? "as deployed" : "changed on the share" },
      ),
      ...labels,
      ...prefixed("service", facts.containers),
      ...prefixed("volume", facts.volumes),
      ...prefixed("network", facts.networks),
      ...defined({ owners: facts.owners }),
    },
    secrets: { ...secrets, ...secretLabels(labels) },
    ...(document === undefined ? {} : { documents: { "compose file": document } }),
    // The text has fingerprints that anybody can compute, and what environment files say.
    ...(sensitive ? { sensitive: "text" as const } : {}),
  };
}

/** The secrets behind a stack's units. @param files the contents of its own files, by path */
export function secretsOf(
  stack: Pick<Stack, "variables">,
  env: readonly EnvironmentVariable[],
  files: ReadonlyMap<string, string>,
): Readonly<Record<string, Secret>> {
  const open = openVariables(stack);
  return Object.fromEntries([
    ...env
      .filter(({ name }) => name !== marker && !open.has(name))
      .map(({ name, value }) => [`variable ${name}`, new Secret(value)]),
    ...[...files]
      .filter(([path]) => path !== composeFileName)
      .map(([path, content]) => [`file ${path}`, new Secret(content)]),
  ]);
}

/** Names of variables whose values may be shown. */
function openVariables({ variables }: Pick<Stack, "variables">): ReadonlySet<string> {
  return new Set(variables.filter(({ sensitive }) => !sensitive).map(({ name }) => name));
}

function prefixed(word: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${word} ${name}`, value]));
}

/** Variables as they may be shown: sensitive and undeclared ones only by a fingerprint. */
export function shownVariables(
  stack: Pick<Stack, "variables">,
  env: readonly EnvironmentVariable[],
): Readonly<Record<string, string>> {
  const open = openVariables(stack);
  return Object.fromEntries(
    env
      .filter(({ name }) => name !== marker)
      .map(({ name, value }) => [
        name,
        open.has(name) ? value : `fingerprint ${new Secret(value).fingerprint()}`,
      ]),
  );
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

function fromOf(stack: Stack): NonNullable<Resource["from"]> {
  return {
    "compose file": { file: stack.compose.file, line: 1, column: 1 },
    environment: stack.from,
    ...defined({ owners: stack.owners?.from }),
    ...Object.fromEntries(stack.variables.map(({ name, from }) => [`variable ${name}`, from])),
    ...Object.fromEntries(
      stack.files.map(({ source, from }) => [`file ${placeBelow(stack.compose.file, source)}`, from]),
    ),
  };
}
