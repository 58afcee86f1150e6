/** Reading a compose file as `docker compose` does: YAML, variables, the rules it checks before anything happens. */
import { castText } from "./compose-casts.ts";
import { ComposeError, invalid } from "./compose-errors.ts";
import { withoutRepeats } from "./compose-repeats.ts";
import { checkObjects } from "./compose-rules.ts";
import { checkShape } from "./compose-schema.ts";
import { type ComposeService, checkDefinition, serviceOf } from "./compose-service.ts";
import type { ComposeNetwork, ComposeSource, ComposeVolume } from "./compose-source.ts";
import { isYamlObject, listOf, pairsOf, type YamlObject } from "./compose-values.ts";
import { parseComposeYaml } from "./compose-yaml.ts";
import { interpolate, TemplateError, type Variables } from "./interpolation.ts";

export interface ComposeProject {
  readonly name: string;
  readonly file: string;
  readonly directory: string;
  /** Dependencies first. */
  readonly services: readonly ComposeService[];
  readonly volumes: readonly ComposeVolume[];
  readonly networks: readonly ComposeNetwork[];
  /** Lines for standard error. */
  readonly warnings: readonly string[];
  /** The file's content with its variables filled in. */
  readonly document: YamlObject;
}

/** @throws ComposeError */
export function readCompose(source: ComposeSource): ComposeProject {
  const unset = new Set<string>();
  const raw = parseComposeYaml(source.text);
  const name = projectName(source, raw.name);
  const variables: Variables = { COMPOSE_PROJECT_NAME: name, ...source.variables };
  checkMappings(raw);
  const root = withoutRepeats(fill(raw, variables, unset, []) as YamlObject);
  if (root.include !== undefined)
    throw invalid(`open ${source.directory}/include: no such file or directory`);
  checkShape(root, source.file);
  checkObjects(root);
  const services = Object.entries(objectAt(root, "services")).map(
    ([key, each]): readonly [string, YamlObject] => [key, isYamlObject(each) ? each : {}],
  );
  for (const [key, each] of services) checkDefinition(key, each, root);
  const volumes = Object.entries(objectAt(root, "volumes")).map(([key, each]) => volumeOf(name, key, each));
  const declared = Object.entries(objectAt(root, "networks")).map(([key, each]) =>
    networkOf(name, key, each),
  );
  const networks = declared.some(({ key }) => key === "default")
    ? declared
    : [...declared, { key: "default", name: `${name}_default`, external: false }];
  const profiles = (variables.COMPOSE_PROFILES ?? "").split(",");
  const active = services.filter(([, each]) => {
    const wanted = listOf(each.profiles);
    return (
      wanted.length === 0 ||
      wanted.some((profile) => profiles.includes(String(profile)) || profiles.includes("*"))
    );
  });
  const all = active.map(([key, each]) =>
    serviceOf({ ...source, variables }, name, key, each, { volumes, networks }),
  );
  const ordered = inOrder(
    all,
    services.map(([key]) => key),
  );
  checkContainerNames(ordered);
  return {
    name,
    file: source.file,
    directory: source.directory,
    services: ordered,
    volumes: volumes.filter(({ name: wanted }) =>
      all.some(({ mounts }) => mounts.some(({ type, source: from }) => type === "volume" && from === wanted)),
    ),
    networks: networks.filter(({ name: wanted }) => all.some((each) => each.networks.includes(wanted))),
    warnings: [
      ...(root.version === undefined
        ? []
        : [
            `level=warning msg="${source.file}: the attribute \`version\` is obsolete, it will be ignored, please remove it to avoid potential confusion"`,
          ]),
      ...[...unset].map(
        (each) => `level=warning msg="The \\"${each}\\" variable is not set. Defaulting to a blank string."`,
      ),
    ],
    document: { name, ...root },
  };
}

/** @throws ComposeError for what Compose walks into before it looks at shapes */
function checkMappings(root: YamlObject): void {
  if (root.services === undefined) return;
  if (!isYamlObject(root.services)) throw invalid("services must be a mapping");
  for (const [name, service] of Object.entries(root.services))
    if (service !== null && !isYamlObject(service)) throw invalid(`services.${name} must be a mapping`);
}

/** @throws ComposeError for a name that two services want */
function checkContainerNames(services: readonly ComposeService[]): void {
  const owners = new Map<string, string>();
  for (const { name, containerName } of services) {
    if (owners.has(containerName))
      throw invalid(
        `services.${name}: container name "${containerName}" is already in use by service ${owners.get(containerName)}`,
      );
    owners.set(containerName, name);
  }
}

/** Fills variables into every value and casts it where its place wants a number or a boolean. Keys stay as they are. */
function fill(value: unknown, variables: Variables, unset: Set<string>, path: readonly string[]): unknown {
  if (Array.isArray(value))
    return value.map((each, at) => fill(each, variables, unset, [...path, `[${at}]`]));
  if (isYamlObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, fill(each, variables, unset, [...path, key])]),
    );
  if (typeof value !== "string") return value;
  const place = path.map((part) => (/^\[\d+\]$/.test(part) ? "[]" : part)).join(".");
  try {
    const filled = interpolate(value, variables);
    for (const name of filled.unset) unset.add(name);
    return castText(filled.text, path);
  } catch (error) {
    if (error instanceof TemplateError)
      throw invalid(
        `invalid interpolation format for ${place}.\nYou may need to escape any $ with another $.\n${error.expression}`,
      );
    throw invalid(
      `error while interpolating ${place}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function projectName({ project, directory }: ComposeSource, declared: unknown): string {
  const fromDirectory =
    directory
      .split("/")
      .filter((part) => part !== "")
      .at(-1) ?? "";
  const name =
    project ??
    (typeof declared === "string" ? declared : fromDirectory.toLowerCase().replace(/[^-_a-z0-9]/g, ""));
  if (/^[a-z0-9][-_a-z0-9]*$/.test(name)) return name;
  throw new ComposeError(
    1,
    `invalid project name "${name}": must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number`,
  );
}

function volumeOf(project: string, key: string, value: unknown): ComposeVolume {
  const object = isYamlObject(value) ? value : {};
  const external = object.external === true || isYamlObject(object.external);
  const old = isYamlObject(object.external) ? object.external.name : undefined;
  const texts = (each: unknown): Record<string, string> =>
    Object.fromEntries([...pairsOf(each)].map(([name, text]) => [name, text ?? ""]));
  return {
    key,
    name: String(object.name ?? old ?? (external ? key : `${project}_${key}`)),
    external,
    driver: String(object.driver ?? "local"),
    options: texts(object.driver_opts),
    labels: texts(object.labels),
  };
}

function networkOf(project: string, key: string, value: unknown): ComposeNetwork {
  const { name, external } = volumeOf(project, key, value);
  return { key, name, external };
}

/** Dependencies before what depends on them. @throws ComposeError */
function inOrder(services: readonly ComposeService[], known: readonly string[]): readonly ComposeService[] {
  const ordered: ComposeService[] = [];
  const visit = (service: ComposeService, path: readonly string[]): void => {
    if (ordered.includes(service)) return;
    if (path.includes(service.name))
      throw invalid(`dependency cycle detected: ${[...path, service.name].join(" -> ")}`);
    for (const name of service.dependsOn) {
      const needed = services.find((each) => each.name === name);
      if (needed === undefined && service.optional.includes(name) && known.includes(name)) continue;
      if (needed === undefined)
        throw invalid(
          `service "${service.name}" depends on undefined service "${name}": invalid compose project`,
        );
      visit(needed, [...path, service.name]);
    }
    ordered.push(service);
  };
  for (const service of services) visit(service, []);
  return ordered;
}

function objectAt(root: YamlObject, key: string): YamlObject {
  const value = root[key];
  if (value === undefined || value === null) return {};
  if (isYamlObject(value)) return value;
  throw invalid(`${key} must be a mapping`);
}
