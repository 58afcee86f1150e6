/** Values that Compose reads out of text: durations, sizes, command lines (compose-go's decoding). Pure. */
import { splitWords } from "./command-line.ts";
import { invalid } from "./compose-errors.ts";
import { isYamlObject, listOf, type YamlObject } from "./compose-values.ts";

/** Checks one value. @throws Error in Compose's words */
type Decoder = (value: unknown) => void;

/** Go's ParseDuration, and days and weeks since Compose 2.30 (go-str2duration). */
const duration: Decoder = (value) => {
  const text = String(value);
  const parts = /^[-+]?((?:(?:\d+\.?\d*|\.\d+)[^\d.]*)+)$/.exec(text)?.[1];
  if (text === "0") return;
  if (parts === undefined) throw new Error(`time: invalid duration ${JSON.stringify(text)}`);
  for (const [, unit = ""] of parts.matchAll(/[\d.]+([^\d.]*)/g)) {
    if (unit === "") throw new Error(`time: missing unit in duration ${JSON.stringify(text)}`);
    if (!/^(ns|us|µs|μs|ms|s|m|h|d|w)$/.test(unit))
      throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
  }
};

/** A number of bytes with a binary unit (go-units' RAMInBytes). */
const size: Decoder = (value) => {
  if (typeof value === "number") return;
  const text = String(value);
  const [, suffix] = /^\d+(?:\.\d+)* ?(.*)$/.exec(text) ?? [];
  if (text === "-1") return;
  if (suffix === undefined) throw new Error(`invalid size: '${text}'`);
  if (!/^([kmgtp]?i?b?)?$/i.test(suffix) || /^i/i.test(suffix))
    throw new Error(`invalid suffix: '${suffix.toLowerCase()}'`);
};

const cpus: Decoder = (value) => {
  if (Number.isNaN(Number(value)) || value === "")
    throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`);
};

const commandLine: Decoder = (value) => {
  if (typeof value === "string") splitWords(value);
};

const extraHosts: Decoder = (value) => {
  if (isYamlObject(value)) return;
  for (const each of listOf(value))
    if (!/[:=]./.test(String(each))) throw new Error(`invalid additional host, missing IP: ${String(each)}`);
};

const retries: Decoder = (value) => {
  if (Number(value) < 0) throw new Error(`cannot parse value as 'uint64': ${String(value)} overflows uint`);
};

const count: Decoder = (value) => {
  if (value !== "all" && !/^\d+$/.test(String(value)))
    throw new Error(`invalid value ${JSON.stringify(value)}, the only value allowed is 'all' or a number`);
};

const flag: Decoder = (value) => {
  if (typeof value === "string" && !/^(true|false|yes|no|y|n|on|off)$/i.test(value))
    throw new Error(`invalid boolean: ${value}`);
};

const texts: Decoder = (value) => {
  for (const [key, each] of Object.entries(Object(value)))
    if (typeof each === "object" && each !== null)
      throw new Error(`[${key}] expected type 'string', got unconvertible type 'map[string]interface {}'`);
};

const groups: Decoder = (value) => {
  for (const [at, each] of listOf(value).entries())
    if (typeof each === "number" && !Number.isInteger(each))
      throw new Error(`[${at}] expected type 'string', got unconvertible type 'float64'`);
};

/** By path within a service: "*" is any key or item. */
const decoders: readonly (readonly [string, Decoder])[] = [
  ["command", commandLine],
  ["entrypoint", commandLine],
  ["attach", flag],
  ["storage_opt", texts],
  ["extra_hosts", extraHosts],
  ["group_add", groups],
  ["stop_grace_period", duration],
  ["healthcheck.interval", duration],
  ["healthcheck.timeout", duration],
  ["healthcheck.start_period", duration],
  ["healthcheck.start_interval", duration],
  ["healthcheck.retries", retries],
  ["deploy.restart_policy.delay", duration],
  ["deploy.restart_policy.window", duration],
  ["deploy.update_config.delay", duration],
  ["deploy.update_config.monitor", duration],
  ["deploy.rollback_config.delay", duration],
  ["deploy.rollback_config.monitor", duration],
  ["deploy.resources.limits.memory", size],
  ["deploy.resources.limits.cpus", cpus],
  ["deploy.resources.reservations.memory", size],
  ["deploy.resources.reservations.cpus", cpus],
  ["deploy.resources.reservations.devices.*.count", count],
  ["gpus.*.count", count],
  ["mem_limit", size],
  ["mem_reservation", size],
  ["mem_swappiness", size],
  ["memswap_limit", size],
  ["shm_size", size],
  ["build.shm_size", size],
  ["volumes.*.tmpfs.size", size],
];

/** @throws ComposeError for a value that Compose cannot read */
export function decodeService(name: string, service: YamlObject): void {
  for (const [path, decode] of decoders)
    for (const [place, value] of valuesAt(service, path.split("."))) {
      try {
        decode(value);
      } catch (error) {
        throw invalid(
          `decoding failed due to the following error(s):\n\nerror decoding 'services[${name}].${place}': ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
}

function valuesAt(value: unknown, path: readonly string[]): readonly (readonly [string, unknown])[] {
  const [first, ...rest] = path;
  if (first === undefined) return value === undefined || value === null ? [] : [["", value]];
  const members: readonly (readonly [string, unknown])[] =
    first !== "*"
      ? isYamlObject(value) && Object.hasOwn(value, first)
        ? [[first, value[first]]]
        : []
      : Array.isArray(value)
        ? value.map((each, at) => [`[${at}]`, each] as const)
        : [];
  return members.flatMap(([name, each]) =>
    valuesAt(each, rest).map(([place, found]): readonly [string, unknown] => [
      place === "" || place.startsWith("[") ? `${name}${place}` : `${name}.${place}`,
      found,
    ]),
  );
}
