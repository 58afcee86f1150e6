/** The container of a stack's service (docker/cli 26.1, compose/convert). Pure. */
import { posix } from "node:path";
import { isYamlObject, listOf, pairsOf, wordsOf, type YamlObject } from "../compose-values.ts";
import { mountsOf } from "./mounts.ts";
import {
  defined,
  type Json,
  labelsOf,
  membersOf,
  namespaceLabel,
  nanoseconds,
  realName,
  type StackSource,
} from "./names.ts";
import { StackError } from "./words.ts";

export function containerSpec(
  source: StackSource,
  document: YamlObject,
  key: string,
  service: YamlObject,
): Json {
  const text = (name: string): string | undefined =>
    typeof service[name] === "string" && service[name] !== "" ? String(service[name]) : undefined;
  const words = (name: string): readonly string[] | undefined => {
    const found = wordsOf(service[name]);
    return found.length === 0 ? undefined : found;
  };
  const list = (name: string): readonly string[] | undefined => {
    const found = listOf(service[name]).map(String);
    return found.length === 0 ? undefined : found;
  };
  const env = environmentOf(source, service);
  return defined({
    Image: text("image") ?? "",
    Labels: labelsOf(service.labels, { [namespaceLabel]: source.name }),
    Command: words("entrypoint"),
    Args: words("command"),
    Hostname: text("hostname"),
    Env: env.length === 0 ? undefined : env,
    Dir: text("working_dir"),
    User: text("user"),
    Privileges: { CredentialSpec: null, SELinuxContext: null, NoNewPrivileges: false },
    Init: service.init,
    StopSignal: text("stop_signal"),
    TTY: service.tty === true ? true : undefined,
    OpenStdin: service.stdin_open === true ? true : undefined,
    ReadOnly: service.read_only === true ? true : undefined,
    Mounts: mountsOf(source, document, key, service),
    StopGracePeriod: nanoseconds(service.stop_grace_period),
    Healthcheck: healthcheckOf(service.healthcheck),
    Hosts: hostsOf(service.extra_hosts),
    DNSConfig: list("dns") === undefined ? undefined : { Nameservers: list("dns") },
    Secrets: referencesOf(source, document, key, service, "secret"),
    Configs: referencesOf(source, document, key, service, "config"),
    Ulimits: ulimitsOf(service.ulimits),
    Sysctls: service.sysctls === undefined ? undefined : labelsOf(service.sysctls),
    CapabilityAdd: list("cap_add")?.map((name) => (name.startsWith("CAP_") ? name : `CAP_${name}`)),
    CapabilityDrop: list("cap_drop")?.map((name) => (name.startsWith("CAP_") ? name : `CAP_${name}`)),
  });
}

/** Of `env_file`, overridden by `environment`; a name alone takes the value from around the command, and stays alone without. */
function environmentOf(source: StackSource, service: YamlObject): readonly string[] {
  const found = new Map<string, string | undefined>();
  for (const path of listOf(service.env_file).map(String)) {
    const absolute = posix.resolve(source.directory, path);
    const text = source.readFile(absolute);
    if (text === undefined) throw new StackError(`open ${absolute}: no such file or directory`);
    for (const line of text.split("\n"))
      if (line.trim() !== "" && !line.trim().startsWith("#")) {
        const [name = "", ...value] = line.trimStart().split("=");
        found.set(name, value.length === 0 ? source.variables[name] : value.join("="));
      }
  }
  for (const [name, value] of pairsOf(service.environment)) found.set(name, value ?? source.variables[name]);
  return [...found].map(([name, value]) => (value === undefined ? name : `${name}=${value}`)).sort();
}

function hostsOf(value: unknown): readonly string[] | undefined {
  const found = isYamlObject(value)
    ? Object.entries(value).map(([name, address]) => `${String(address)} ${name}`)
    : listOf(value).map((each) => {
        const [name = "", ...address] = String(each).split(":");
        return `${address.join(":")} ${name}`;
      });
  return found.length === 0 ? undefined : found;
}

function ulimitsOf(value: unknown): readonly Json[] | undefined {
  if (!isYamlObject(value)) return undefined;
  return Object.entries(value).map(([Name, limit]) => {
    const { hard, soft } = isYamlObject(limit) ? limit : { hard: limit, soft: limit };
    return { Name, Hard: hard, Soft: soft };
  });
}

function healthcheckOf(value: unknown): Json | undefined {
  if (!isYamlObject(value)) return undefined;
  if (value.disable === true) return { Test: ["NONE"] };
  const test = typeof value.test === "string" ? ["CMD-SHELL", value.test] : listOf(value.test).map(String);
  return defined({
    Test: test.length === 0 ? undefined : test,
    Interval: nanoseconds(value.interval),
    Timeout: nanoseconds(value.timeout),
    StartPeriod: nanoseconds(value.start_period),
    StartInterval: nanoseconds(value.start_interval),
    Retries: value.retries,
  });
}

/** @throws StackError */
function referencesOf(
  source: StackSource,
  document: YamlObject,
  key: string,
  service: YamlObject,
  kind: "secret" | "config",
): readonly Json[] | undefined {
  const declared = new Map(membersOf(document, `${kind}s`));
  const [id, name] = kind === "secret" ? ["SecretID", "SecretName"] : ["ConfigID", "ConfigName"];
  const found = listOf(service[`${kind}s`]).map((each): Json => {
    const long: YamlObject = isYamlObject(each) ? each : { source: String(each) };
    const from = String(long.source ?? "");
    const object = declared.get(from);
    if (object === undefined)
      throw new StackError(`service ${key}: undefined ${kind} ${JSON.stringify(from)}`);
    const target = long.target ?? from;
    return {
      File: {
        Name: String(target),
        UID: String(long.uid ?? "0"),
        GID: String(long.gid ?? "0"),
        Mode: Number(long.mode ?? 0o444),
      },
      [id as string]: "",
      [name as string]: realName(source, from, object),
    };
  });
  return found.length === 0 ? undefined : found;
}
