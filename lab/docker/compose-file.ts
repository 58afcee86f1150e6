/** Reading a compose file as `docker compose` does: YAML, variables, the rules it checks before anything happens. */
import { parseDocument } from "yaml";
import { ComposeError, checkKeys, invalid } from "./compose-errors.ts";
import { type ComposeService, serviceOf } from "./compose-service.ts";
import type { ComposeNetwork, ComposeSource, ComposeVolume } from "./compose-source.ts";
import { isYamlObject, listOf, pairsOf, type YamlObject } from "./compose-values.ts";
import { interpolate, type Variables } from "./interpolation.ts";

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
  const root = fill(parseYaml(source.text), source.variables, unset, []);
  if (!isYamlObject(root)) throw invalid("empty compose file");
  checkKeys(root, "root", source.file, "");
  const name = projectName(source, root.name);
  if (root.services === null) throw invalid("services must be a mapping");
  const services = Object.entries(objectAt(root, "services"));
  if (services.length === 0) throw invalid("no service selected");
  const volumes = Object.entries(objectAt(root, "volumes")).map(([key, each]) => volumeOf(name, key, each));
  const declared = Object.entries(objectAt(root, "networks")).map(([key, each]) =>
    networkOf(name, key, each),
  );
  const networks = declared.some(({ key }) => key === "default")
    ? declared
    : [...declared, { key: "default", name: `${name}_default`, external: false }];
  const profiles = (source.variables.COMPOSE_PROFILES ?? "").split(",");
  const all = services
    .map(([key, each]) => serviceOf(source, name, key, each, { volumes, networks }))
    .filter(({ definition }) => {
      const wanted = listOf(definition.profiles).map(String);
      return (
        wanted.length === 0 || wanted.some((profile) => profiles.includes(profile) || profiles.includes("*"))
      );
    });
  return {
    name,
    file: source.file,
    directory: source.directory,
    services: inOrder(all),
    volumes,
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

function parseYaml(text: string): unknown {
  const document = parseDocument(text, { merge: true, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = text.slice(0, error.pos[0]).split("\n").length;
    throw invalid(`yaml: line ${line}: ${error.message}`);
  }
  return document.toJS();
}

/** Fills variables into every value; keys stay as they are. */
function fill(value: unknown, variables: Variables, unset: Set<string>, path: readonly string[]): unknown {
  if (Array.isArray(value))
    return value.map((each, at) => fill(each, variables, unset, [...path, `[${at}]`]));
  if (isYamlObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, fill(each, variables, unset, [...path, key])]),
    );
  if (typeof value !== "string") return value;
  try {
    const filled = interpolate(value, variables);
    for (const name of filled.unset) unset.add(name);
    return filled.text;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw invalid(`error while interpolating ${path.join(".")}: ${words}`);
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
function inOrder(services: readonly ComposeService[]): readonly ComposeService[] {
  const ordered: ComposeService[] = [];
  const visit = (service: ComposeService, path: readonly string[]): void => {
    if (ordered.includes(service)) return;
    if (path.includes(service.name))
      throw invalid(`dependency cycle detected: ${[...path, service.name].join(" -> ")}`);
    for (const name of service.dependsOn) {
      const needed = services.find((each) => each.name === name);
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
