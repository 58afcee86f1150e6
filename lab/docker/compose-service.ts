/** One service of a compose file, its short forms made long. */

import { ComposeError, checkKeys, invalid } from "./compose-errors.ts";
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
import { parseEnvFile } from "./interpolation.ts";
import type { ContainerMount, PublishedPort } from "./state.ts";

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
  readonly restart: string;
  readonly healthcheck: boolean;
  readonly pull: string;
  /** The whole definition: what the configuration's hash is made of. */
  readonly definition: YamlObject;
}

/** @throws ComposeError */
export function serviceOf(
  source: ComposeSource,
  project: string,
  name: string,
  value: unknown,
  known: { readonly volumes: readonly ComposeVolume[]; readonly networks: readonly ComposeNetwork[] },
): ComposeService {
  if (!isYamlObject(value)) throw invalid(`services.${name} must be a mapping`);
  checkKeys(value, "service", source.file, `services.${name}`);
  const image = typeof value.image === "string" ? value.image : "";
  if (image === "" && value.build === undefined)
    throw invalid(
      `service "${name}" has neither an image nor a build context specified: invalid compose project`,
    );
  if (value.extends !== undefined)
    throw invalid(`open ${source.directory}/extends: no such file or directory`);
  const at = (field: string, read: () => readonly unknown[]): readonly unknown[] => {
    try {
      return read();
    } catch (error) {
      throw invalid(`services.${name}.${field}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const host = value.network_mode !== undefined;
  const networks = host
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
  return {
    name,
    image,
    containerName: typeof value.container_name === "string" ? value.container_name : `${project}-${name}-1`,
    command: wordsOf(value.command),
    entrypoint: wordsOf(value.entrypoint),
    env: environment(source, value),
    labels: Object.fromEntries([...pairsOf(value.labels)].map(([key, each]) => [key, each ?? ""])),
    ports: host ? [] : (at("ports", () => portsOf(value.ports)) as readonly PublishedPort[]),
    mounts,
    networks,
    dependsOn: namesOf(value.depends_on),
    restart: String(value.restart ?? "no").split(":")[0] ?? "no",
    healthcheck: isYamlObject(value.healthcheck) && value.healthcheck.disable !== true,
    pull: String(value.pull_policy ?? "missing"),
    definition: value,
  };
}

/** Variables of `env_file`, overridden by `environment`; a name alone takes the value from around Compose. */
function environment(
  { readFile, variables, directory }: ComposeSource,
  service: YamlObject,
): readonly string[] {
  const found = new Map<string, string>();
  for (const each of listOf(service.env_file)) {
    const path = isYamlObject(each) ? String(each.path ?? "") : String(each);
    const absolute = path.startsWith("/") ? path : `${directory}/${path.replace(/^\.\//, "")}`;
    const text = readFile(absolute);
    if (text === undefined && isYamlObject(each) && each.required === false) continue;
    if (text === undefined)
      throw new ComposeError(
        14,
        `env file ${absolute} not found: stat ${absolute}: no such file or directory`,
      );
    for (const [key, value] of Object.entries(parseEnvFile(text, variables))) found.set(key, value);
  }
  for (const [key, value] of pairsOf(service.environment)) {
    const inherited = value ?? variables[key];
    if (inherited !== undefined) found.set(key, inherited);
  }
  return [...found].map(([key, value]) => `${key}=${value}`);
}

/** A list of names, or the keys of a map. */
function namesOf(value: unknown): readonly string[] {
  return isYamlObject(value) ? Object.keys(value) : listOf(value).map(String);
}
