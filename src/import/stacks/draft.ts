/** Stacks as directories of the site: one for all machines and environments that run them. Pure. */
import { defined } from "../../defined.ts";
import { secretSpans } from "../../secret-spans.ts";
import { defaultEnvironment } from "../../site/stacks/assignments.ts";
import type { DraftFile, DraftSecret, DraftStack } from "../draft.ts";
import type { Left } from "../found.ts";
import { type DraftObject, type DraftValue, noted, plain } from "../json.ts";
import type { Deployment } from "./deployed.ts";
import { sharedFile } from "./shared-file.ts";
import type { DeployedFile, ServiceLabels } from "./stack-file.ts";
import { keptBySwarm } from "./swarm-left.ts";
import { draftVariables, revealed } from "./variables.ts";

export interface DraftedStack {
  readonly stack: DraftStack;
  readonly secrets: readonly DraftSecret[];
  /** The deployments that it declares, to be assigned to their machines. */
  readonly deployments: readonly Deployment[];
  readonly left: readonly Left[];
}

/** The stack that deployments of one name are made from. */
export function draftStack(name: string, deployments: readonly Deployment[]): DraftedStack {
  const own = oneOfEach(deployments);
  const shared = sharedFile(
    own.map((each) => ({ ...each, variables: revealed(each.variables), files: uses(each) })),
  );
  const [first, ...others] = own;
  // Where no file fits all of them, that of the first environment is declared and the others are told.
  const declared = shared === undefined ? own.slice(0, 1) : own;
  const left: Left[] = (shared === undefined ? others : []).map(({ source, environment }) => ({
    source,
    what: `environment ${environment} of stack ${name}`,
    reason: "its Compose file differs from the other environments' by more than labels",
  }));
  const text = shared?.text ?? first?.text ?? "";
  const settings = declared.map((each, at) =>
    settingsOf(name, each, each.labels ?? shared?.labels[at], declared.length > 1),
  );
  const isPlain = declared.every(({ environment }) => environment === defaultEnvironment);
  const environments = Object.fromEntries(
    declared.map((each, at): [string, DraftValue] => [
      each.environment,
      noted(settings[at]?.values ?? {}, each.source),
    ]),
  );
  const config: DraftObject = isPlain ? (settings[0]?.values ?? {}) : { environments };
  const files = new Map(
    declared.flatMap((each) => each.files.map((file): [string, DeployedFile] => [file.path, file])),
  );
  const isEmpty = Object.keys(config).length === 0;
  const machines = deployments.filter((each) => declared.some((one) => isSame(one, each)));
  left.push(...untold(name, deployments, machines, own));
  for (const each of declared) if (each.swarm !== undefined) left.push(...keptBySwarm(each));
  return {
    stack: {
      name,
      compose: textFile("docker-compose.yml", text),
      ...(isEmpty ? {} : { settings: config }),
      files: [...files.values()].map(({ path, text: content, isPrivate }) =>
        textFile(path, content, isPrivate),
      ),
    },
    secrets: settings.flatMap(({ secrets }) => secrets),
    deployments: machines,
    left,
  };
}

/** The first deployment of each environment. */
function oneOfEach(deployments: readonly Deployment[]): readonly Deployment[] {
  const found = new Map<string, Deployment>();
  for (const each of deployments) if (!found.has(each.environment)) found.set(each.environment, each);
  return [...found.values()];
}

/** Whether one declaration serves both: text, variables, files and settings are the same. */
function isSame(one: Deployment, other: Deployment): boolean {
  const facts = ({ environment, labels, text, variables, files, settings, services }: Deployment): string =>
    JSON.stringify([
      [environment, ...(labels ?? [])],
      text,
      [...revealed(variables)].sort(),
      files.map(({ path, destination, text: content }) => [path, destination, content]),
      plain(settings),
      [...services].map(([name, treatment]) => [name, plain(treatment)]),
    ]);
  return facts(one) === facts(other);
}

function untold(
  name: string,
  deployments: readonly Deployment[],
  declared: readonly Deployment[],
  own: readonly Deployment[],
): readonly Left[] {
  return deployments
    .filter((each) => !declared.includes(each) && !own.includes(each))
    .map(({ source, host }) => ({
      source,
      what: `stack ${name} on ${host}`,
      reason: "a stack is the same on all machines of an environment, and this one differs",
    }));
}

function uses({ files }: Deployment): ReadonlyMap<string, { content: string; destination: string }> {
  return new Map(files.map(({ path, destination, text }) => [path, { content: text, destination }]));
}

interface Settings {
  readonly values: DraftObject;
  readonly secrets: readonly DraftSecret[];
}

function settingsOf(
  name: string,
  { environment, variables, files, settings, services: treated }: Deployment,
  labels: ServiceLabels | undefined,
  isOneOfSeveral: boolean,
): Settings {
  const drafted = draftVariables(isOneOfSeveral ? `${name}-${environment}` : name, variables);
  const names = [...new Set([...(labels?.keys() ?? []), ...treated.keys()])];
  const services = names.map((service): [string, DraftValue] => {
    const own = labels?.get(service)?.map(({ key, value }) => `${key}=${value}`);
    return [service, { ...defined({ traefik_labels: own }), ...treated.get(service) }];
  });
  return {
    values: defined({
      variables: Object.keys(drafted.variables).length === 0 ? undefined : drafted.variables,
      files:
        files.length === 0
          ? undefined
          : files.map(({ path, destination }) =>
              defined({
                source: path,
                destination_in_container: destination === "" ? undefined : destination,
              }),
            ),
      services: services.length === 0 ? undefined : Object.fromEntries(services),
      ...settings,
    }),
    secrets: drafted.secrets,
  };
}

/** A file as it was found; where it holds secrets, or others could not read it there, its owner alone reads it. */
export function textFile(path: string, text: string, isPrivate = false): DraftFile {
  return { path, text, ...(isPrivate || secretSpans(text).length > 0 ? { isSecret: true } : {}) };
}
