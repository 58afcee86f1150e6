/** What a stack on its machine is made of, and the resource that a plan compares: declared and live stacks share it. Pure. */
import type { EnvironmentVariable } from "../../apis/portainer/index.ts";
import { defined } from "../../defined.ts";
import type { Compose, ComposeService } from "../../formats/compose/index.ts";
import { placeBelow } from "../../formats/compose/paths.ts";
import type { PreparedCompose } from "../../formats/compose/prepare.ts";
import type { SwarmFile } from "../../formats/compose/swarm/prepare.ts";
import type { SwarmServiceSpec } from "../../formats/compose/swarm/services.ts";
import type { HostPath, Stack } from "../../model.ts";
import { canonicalJson, type HostName, type Resource, type ResourceId } from "../../resource.ts";
import { Secret } from "../../secret.ts";
import { type ShownCompose, secretLabels } from "./shown.ts";

/** The variable that marks a stack as ours: it may be pruned when it is no longer declared. Its value is the stack's name. */
export const marker = "PHOENIX_STACK";

export const composeFileName = "docker-compose.yml";

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
  /** Of a stack that is assigned to a Swarm. */
  readonly swarm?: SwarmPart;
  readonly resource: Resource;
}

/** What a stack has in a Swarm alone. */
export interface SwarmPart {
  readonly services: readonly SwarmServiceSpec[];
  readonly objects: readonly SwarmContent[];
  /** Directories below the share's path that its volumes lead to. */
  readonly directories: readonly string[];
}

export interface SwarmContent extends SwarmFile {
  readonly content: Secret;
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
export interface ShownStack extends ShownCompose {
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

/** Units of one kind: "variable TAG". */
export function prefixed(word: string, values: Readonly<Record<string, string>>): Record<string, string> {
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

/** Where each unit of a stack is declared. */
export function fromOf(stack: Stack): NonNullable<Resource["from"]> {
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
