/** One service of a compose file, its short forms made long. */

import { posix } from "node:path";
import { decodeService } from "./compose-decode.ts";
import { ComposeError, invalid } from "./compose-errors.ts";
import { healthcheckOf } from "./compose-healthcheck.ts";
import { checkLists, checkReferences, checkService } from "./compose-rules.ts";
import type { ComposeNetwork, ComposeSource, ComposeVolume } from "./compose-source.ts";
import {
  isYamlObject,
  listOf,
  mountsOf,
  pairsOf,
  portsOf,
  wordsOf,
  type YamlObject,
} from "./compose-values.ts";
import { parseEnvFile } from "./env-file.ts";
import type { Variables } from "./interpolation.ts";
import type { ContainerMount, HealthCheck, PublishedPort } from "./state.ts";

export interface ComposeService {
  readonly name: string;
  readonly image: string;
  readonly containerName: string;
  readonly command: readonly string[];
  readonly entrypoint: readonly string[];
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly PublishedPort[];
  readonly mounts: readonly ContainerMount[];
  readonly networks: readonly string[];
  readonly dependsOn: readonly string[];
  /** Those that may be left out when their profile is off. */
  readonly optional: readonly string[];
  readonly restart: string;
  readonly healthcheck?: HealthCheck;
  readonly pull: string;
  /** The whole definition: what the configuration's hash is made of. */
  readonly definition: YamlObject;
}

/** @throws ComposeError for a service that Compose refuses whether or not its profile is on */
export function checkDefinition(name: string, definition: YamlObject, root: YamlObject): void {
  checkLists(name, definition);
  portsAt(name, definition);
  mountsOf(definition.volumes, "/");
  checkService(name, definition);
  decodeService(name, definition);
  checkReferences(name, definition, root);
}

/** @throws ComposeError */
export function serviceOf(
  source: ComposeSource,
  project: string,
  name: string,
  value: YamlObject,
  known: { readonly volumes: readonly ComposeVolume[]; readonly networks: readonly ComposeNetwork[] },
): ComposeService {
  const image = typeof value.image === "string" ? value.image : "";
  if (image === "" && value.build === undefined && value.provider === undefined)
    throw invalid(
      `service "${name}" has neither an image nor a build context specified: invalid compose project`,
    );
  if (value.extends !== undefined)
    throw invalid(`open ${source.directory}/extends: no such file or directory`);
  const detached = value.network_mode !== undefined || value.provider !== undefined;
  const networks = detached
    ? []
    : namesOf(value.networks ?? ["default"]).map((key) => {
        const network = known.networks.find((each) => each.key === key);
        if (network === undefined)
          throw invalid(`service "${name}" refers to undefined network ${key}: invalid compose project`);
        return network.name;
      });
  const mounts = mountsOf(value.volumes, source.directory).map((mount) => {
    if (mount.type === "bind") return mount;
    if (mount.source === "")
      return { ...mount, source: `${project}_${name}${mount.target.replaceAll("/", "_")}` };
    const volume = known.volumes.find(({ key }) => key === mount.source);
    if (volume === undefined)
      throw invalid(`service "${name}" refers to undefined volume ${mount.source}: invalid compose project`);
    return { ...mount, source: volume.name };
  });
  const healthcheck = healthcheckOf(value.healthcheck);
  return {
    name,
    image,
    containerName: typeof value.container_name === "string" ? value.container_name : `${project}-${name}-1`,
    command: wordsOf(value.command),
    entrypoint: wordsOf(value.entrypoint),
    env: environment(source, value),
    labels: labelsOf(source, value),
    ports: portsAt(name, value),
    mounts,
    networks,
    dependsOn: dependencies(value),
    optional: isYamlObject(value.depends_on)
      ? Object.entries(value.depends_on).flatMap(([key, each]) =>
          isYamlObject(each) && each.required === false ? [key] : [],
        )
      : [],
    restart: restartPolicy(value.restart),
    ...(healthcheck === undefined ? {} : { healthcheck }),
    pull: String(value.pull_policy ?? "missing"),
    definition: value,
  };
}

/** What the engine gets: "any" is the old word for always. */
function restartPolicy(value: unknown): string {
  const text = String(value ?? "no");
  const [name = ""] = text.split(":");
  return name === "" || name === "none" ? "no" : name === "any" ? "always" : text;
}

/** @throws ComposeError in Compose's words */
function portsAt(name: string, definition: YamlObject): readonly PublishedPort[] {
  try {
    return portsOf(definition.ports);
  } catch (error) {
    throw invalid(`services.${name}.ports: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Names of services that must be there: depends_on, links, volumes_from, and the namespaces of another service. */
function dependencies(value: YamlObject): readonly string[] {
  const sharing = ["network_mode", "ipc", "pid"].flatMap((key) => {
    const [, service] = /^service:(.+)$/.exec(String(value[key] ?? "")) ?? [];
    return service === undefined ? [] : [service];
  });
  const linked = listOf(value.links).map((each) => String(each).split(":")[0] ?? "");
  const volumes = listOf(value.volumes_from).flatMap((each) => {
    const [first = ""] = String(each).split(":");
    return first === "container" ? [] : [first];
  });
  return [...new Set([...namesOf(value.depends_on), ...linked, ...volumes, ...sharing])];
}

/** Labels of `label_file`, overridden by `labels`. */
function labelsOf({ readFile, variables, directory }: ComposeSource, service: YamlObject): Variables {
  const files = listOf(service.label_file).map((each) => {
    const path = posix.resolve(directory, String(each));
    const text = readFile(path);
    if (text === undefined)
      throw invalid(`label file ${path} not found: stat ${path}: no such file or directory`);
    return Object.entries(parseEnvFile(text, variables, path));
  });
  const own = [...pairsOf(service.labels)].map(([key, value]): [string, string] => [key, value ?? ""]);
  return Object.fromEntries([...files.flat(), ...own]);
}

/** Variables of `env_file`, overridden by `environment`; a name alone takes the value from around Compose. */
function environment(
  { readFile, variables, directory }: ComposeSource,
  service: YamlObject,
): readonly string[] {
  const found = new Map<string, string>();
  for (const each of listOf(service.env_file)) {
    const path = isYamlObject(each) ? String(each.path ?? "") : String(each);
    const absolute = posix.resolve(directory, path);
    const text = readFile(absolute);
    if (text === undefined && isYamlObject(each) && each.required === false) continue;
    if (text === undefined)
      throw new ComposeError(
        14,
        `env file ${absolute} not found: stat ${absolute}: no such file or directory`,
      );
    const known = { ...Object.fromEntries(found), ...variables };
    for (const [key, value] of Object.entries(envFileOf(each, text, known, absolute))) found.set(key, value);
  }
  for (const [key, value] of pairsOf(service.environment)) {
    const inherited = value ?? variables[key];
    if (inherited !== undefined) found.set(key, inherited);
    // A name without a value takes the one of `env_file` back.
    else found.delete(key);
  }
  return [...found].map(([key, value]) => `${key}=${value}`);
}

/** @throws ComposeError */
function envFileOf(entry: unknown, text: string, variables: Variables, path: string): Variables {
  const format = isYamlObject(entry) ? entry.format : undefined;
  if (format === undefined) return parseEnvFile(text, variables, path);
  if (format !== "raw") throw invalid(`unsupported env_file format ${JSON.stringify(format)}`);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line): [string, string] => {
      const [name = "", ...rest] = line.split("=");
      return [name, rest.join("=")];
    }),
  );
}

/** A list of names, or the keys of a map. */
function namesOf(value: unknown): readonly string[] {
  return isYamlObject(value) ? Object.keys(value) : listOf(value).map(String);
}
