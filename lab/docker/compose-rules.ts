/** What Compose wants of a project as a whole, beyond shapes and values (compose-go's validation and consistency checks). Pure. */
import { invalid } from "./compose-errors.ts";
import { isYamlObject, listOf, type YamlObject } from "./compose-values.ts";

/** @throws ComposeError */
export function checkObjects(root: YamlObject): void {
  for (const [kind, sources] of [
    ["secrets", ["file", "environment"]],
    ["configs", ["file", "environment", "content"]],
  ] as const)
    for (const [name, value] of membersOf(root[kind])) {
      if (value.external === true || isYamlObject(value.external) || value.driver !== undefined) continue;
      const given = sources.filter((source) => value[source] !== undefined && value[source] !== "");
      const all = sources.join("|");
      if (given.length === 0) throw invalid(`${kind}.${name}: one of ${all} must be set`);
      if (given.length > 1) throw invalid(`${kind}.${name}: ${all} attributes are mutually exclusive`);
    }
  for (const kind of ["volumes", "networks"] as const)
    for (const [name, value] of membersOf(root[kind])) checkExternal(kind, name, value);
}

function checkExternal(kind: string, name: string, value: YamlObject): void {
  if (isYamlObject(value.external) && value.name !== undefined && value.external.name !== undefined)
    throw invalid(`${kind}.${name}: name and external.name conflict; only use name`);
  if (kind !== "volumes" || (value.external !== true && !isYamlObject(value.external))) return;
  const other = Object.keys(value).find(
    (key) => key !== "external" && key !== "name" && !key.startsWith("x-"),
  );
  if (other !== undefined)
    throw invalid(`${kind}.${name}: conflicting parameters "external" and "${other}" specified`);
}

/** @throws ComposeError for a service that contradicts itself */
export function checkService(name: string, service: YamlObject): void {
  const deploy = isYamlObject(service.deploy) ? service.deploy : {};
  const limits = objectIn(objectIn(deploy, "resources"), "limits");
  checkHealth(service.healthcheck);
  if (service.pid === null) throw invalid("panic: interface conversion: interface {} is nil, not string");
  for (const device of listOf(service.devices))
    if (typeof device === "string" && device.split(":").length > 3)
      throw invalid(`confusing device mapping, please use long syntax: ${device}`);
  for (const device of listOf(objectIn(objectIn(deploy, "resources"), "reservations").devices))
    if (isYamlObject(device) && device.count !== undefined && device.device_ids !== undefined)
      throw invalid(
        `services.${name}.deploy.resources.reservations.devices.[]: "count" and "device_ids" attributes are exclusive`,
      );
  if (service.network_mode !== undefined && Object.keys(Object(service.networks)).length > 0)
    throw invalid(
      `service ${name} declares mutually exclusive \`network_mode\` and \`networks\`: invalid compose project`,
    );
  const distinct = [
    ["scale", "deploy.replicas", service.scale, deploy.replicas],
    ["mem_limit", "deploy.resources.limits.memory", service.mem_limit, limits.memory],
    ["pids_limit", "deploy.resources.limits.pids", service.pids_limit, limits.pids],
    ["cpus", "deploy.resources.limits.cpus", service.cpus, limits.cpus],
  ] as const;
  for (const [one, other, first, second] of distinct)
    if (first !== undefined && second !== undefined && String(first) !== String(second))
      throw invalid(
        `services.${name}: can't set distinct values on '${one}' and '${other}': invalid compose project`,
      );
  const replicas = Number(service.scale ?? deploy.replicas ?? 1);
  const place = service.scale === undefined ? "deploy.replicas" : "scale";
  if (replicas < 0) throw invalid(`services.${name}.${place}: must be greater than or equal to 0`);
  if (service.container_name !== undefined && replicas > 1)
    throw invalid(
      `services.${place}: can't set container_name and ${name} as container name must be unique: invalid compose project`,
    );
  const build = objectIn(service, "build");
  if (build.dockerfile !== undefined && build.dockerfile_inline !== undefined)
    throw invalid(
      `service "${name}" declares mutualy exclusive dockerfile and dockerfile_inline: invalid compose project`,
    );
}

function checkHealth(healthcheck: unknown): void {
  const test = isYamlObject(healthcheck) ? healthcheck.test : undefined;
  if (Array.isArray(test) && test.length > 0 && !["CMD", "CMD-SHELL", "NONE"].includes(String(test[0])))
    throw invalid('healthcheck.test must start either by "CMD", "CMD-SHELL" or "NONE"');
}

/** What a service names: secrets, configs, models. @throws ComposeError for one that the file does not have */
export function checkReferences(name: string, service: YamlObject, root: YamlObject): void {
  for (const [kind, word] of [
    ["secrets", "secret"],
    ["configs", "config"],
    ["models", "model"],
  ] as const) {
    const used = service[kind];
    const names = isYamlObject(used)
      ? Object.keys(used)
      : listOf(used).map((each) => (isYamlObject(each) ? String(each.source ?? "") : String(each)));
    for (const each of names)
      if (!membersOf(root[kind]).some(([known]) => known === each))
        throw invalid(`service "${name}" refers to undefined ${word} ${each}: invalid compose project`);
  }
}

function objectIn(value: YamlObject, key: string): YamlObject {
  const member = value[key];
  return isYamlObject(member) ? member : {};
}

function membersOf(value: unknown): readonly (readonly [string, YamlObject])[] {
  return isYamlObject(value)
    ? Object.entries(value).map(([name, each]) => [name, isYamlObject(each) ? each : {}] as const)
    : [];
}

/** Lists of texts, which the schema takes with anything in them. @throws ComposeError */
export function checkLists(name: string, service: YamlObject): void {
  for (const key of ["environment", "labels", "annotations", "profiles", "extra_hosts", "sysctls"])
    for (const [at, each] of (Array.isArray(service[key]) ? (service[key] as unknown[]) : []).entries())
      if (typeof each !== "string")
        throw invalid(`services.${name}.${key}.[${at}]: unexpected type ${goType(each)}`);
}

function goType(value: unknown): string {
  if (value === null) return "<nil>";
  if (typeof value === "object") return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  return typeof value === "boolean" ? "bool" : typeof value;
}
