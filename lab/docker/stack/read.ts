/** Reading a stack file as `docker stack deploy` does (docker/cli 26.1): YAML, variables, the schema. Nothing of Compose's reader is used. Pure. */
import { isYamlObject, type YamlObject } from "../compose-values.ts";
import { interpolate, TemplateError, type Variables } from "../interpolation.ts";
import { checkForbidden, checkStackSchema } from "./schema.ts";
import { StackError } from "./words.ts";
import { parseStackYaml } from "./yaml.ts";

/** @throws StackError */
export function readStack(text: string, variables: Variables): YamlObject {
  const raw = parseStackYaml(text);
  checkVersion(raw.version);
  checkForbidden(raw);
  const filled = Object.fromEntries(
    Object.entries(raw).map(([name, value]) => [
      name,
      sections.includes(name) ? fill(value, variables, [name]) : value,
    ]),
  );
  checkStackSchema(filled);
  checkExternals(filled);
  return filled;
}

/** @throws StackError */
function checkExternals({ volumes }: YamlObject): void {
  if (!isYamlObject(volumes)) return;
  for (const [name, volume] of Object.entries(volumes)) {
    if (!isYamlObject(volume) || volume.external === undefined || volume.external === false) continue;
    const other = ["driver", "driver_opts", "labels"].find((key) => volume[key] !== undefined);
    if (other !== undefined)
      throw new StackError(
        `conflicting parameters "external" and ${JSON.stringify(other)} specified for volume ${JSON.stringify(name)}`,
      );
  }
}

const sections = ["services", "volumes", "networks", "secrets", "configs"];

/** @throws StackError */
function checkVersion(version: unknown): void {
  if (version === undefined) return;
  if (typeof version !== "string") throw new StackError("version must be a string");
  if (!/^(3|3\.\d|3\.1[0-3])$/.test(version))
    throw new StackError(`unsupported Compose file version: ${version}`);
}

/** Places that want something else than text, "*" for any member. */
const casts: readonly (readonly [RegExp, (text: string) => unknown])[] = [
  [/^services\.[^.]+\.(privileged|read_only|stdin_open|tty|init)$/, toBoolean],
  [/^services\.[^.]+\.healthcheck\.(disable)$/, toBoolean],
  [/^services\.[^.]+\.healthcheck\.retries$/, toNumber],
  [/^services\.[^.]+\.deploy\.replicas$/, toNumber],
  [/^services\.[^.]+\.deploy\.(update|rollback)_config\.(parallelism|max_failure_ratio)$/, toNumber],
  [/^services\.[^.]+\.deploy\.restart_policy\.max_attempts$/, toNumber],
  [/^services\.[^.]+\.deploy\.placement\.max_replicas_per_node$/, toNumber],
  [/^services\.[^.]+\.ports\.\[\]\.(target|published)$/, toNumber],
  [/^services\.[^.]+\.(secrets|configs)\.\[\]\.mode$/, toNumber],
  [/^services\.[^.]+\.volumes\.\[\]\.(read_only|volume\.nocopy)$/, toBoolean],
  [/^(networks|volumes|secrets|configs)\.[^.]+\.(external|internal|attachable)$/, toBoolean],
];

function toBoolean(text: string): boolean {
  if (/^(y|yes|true|on)$/i.test(text)) return true;
  if (/^(n|no|false|off)$/i.test(text)) return false;
  throw new Error(`invalid boolean: ${text.toLowerCase()}`);
}

function toNumber(text: string): number {
  if (/^[-+]?\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new Error(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function fill(value: unknown, variables: Variables, path: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((each) => fill(each, variables, [...path, "[]"]));
  if (isYamlObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, fill(each, variables, [...path, key])]),
    );
  if (typeof value !== "string") return value;
  const place = path.join(".");
  let text: string;
  try {
    text = interpolate(value, variables).text;
  } catch (error) {
    const words = error instanceof TemplateError ? value : error instanceof Error ? error.message : "";
    throw new StackError(
      `invalid interpolation format for ${place}: ${JSON.stringify(words)}; you may need to escape any $ with another $`,
    );
  }
  const cast = casts.find(([pattern]) => pattern.test(place))?.[1];
  // What was written without a variable keeps its type.
  if (cast === undefined || text === value) return text;
  try {
    return cast(text);
  } catch (error) {
    throw new StackError(
      `error while interpolating ${place}: failed to cast to expected type: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
