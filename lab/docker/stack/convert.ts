/** A stack file as requests to Docker's API (docker/cli 26.1, compose/convert). Pure. */
import { isYamlObject, listOf, portsOf, type YamlObject } from "../compose-values.ts";
import { containerSpec } from "./container.ts";
import {
  defined,
  imageLabel,
  type Json,
  labelsOf,
  membersOf,
  namespaceLabel,
  nanoseconds,
  realName,
  type StackSource,
} from "./names.ts";
import { StackError } from "./words.ts";

/** A service's spec, its networks by their names and secrets and configs by their names too. @throws StackError */
export function serviceSpec(
  source: StackSource,
  document: YamlObject,
  key: string,
  service: YamlObject,
): Json {
  const deploy = isYamlObject(service.deploy) ? service.deploy : {};
  const namespace = { [namespaceLabel]: source.name };
  const image = typeof service.image === "string" ? service.image : "";
  return defined({
    Name: `${source.name}_${key}`,
    Labels: labelsOf(deploy.labels, { ...namespace, [imageLabel]: image }),
    TaskTemplate: defined({
      ContainerSpec: containerSpec(source, document, key, service),
      Resources: resourcesOf(deploy.resources),
      RestartPolicy: restartPolicy(service, deploy),
      Placement: placementOf(deploy.placement),
      Networks: networksOf(source, document, key, service),
      LogDriver: logDriver(service.logging),
    }),
    Mode: modeOf(key, deploy),
    UpdateConfig: updateConfig(deploy.update_config),
    RollbackConfig: updateConfig(deploy.rollback_config),
    EndpointSpec: defined({
      Mode: typeof deploy.endpoint_mode === "string" ? deploy.endpoint_mode.toLowerCase() : undefined,
      Ports: endpointPorts(service),
    }),
  });
}

/** Bytes: "50M". */
function bytes(value: unknown): number | undefined {
  const [, number = "", unit = ""] = /^([\d.]+) ?([kmgt]?)(?:i?b)?$/i.exec(String(value ?? "")) ?? [];
  if (number === "") return undefined;
  const power = unit === "" ? 0 : "kmgt".indexOf(unit.toLowerCase()) + 1;
  return Math.floor(Number(number) * 1024 ** power);
}

function resourcesOf(value: unknown): Json {
  const part = (name: string): Json | undefined => {
    const each = isYamlObject(value) ? value[name] : undefined;
    if (!isYamlObject(each)) return undefined;
    return defined({
      NanoCPUs: each.cpus === undefined ? undefined : Number(each.cpus) * 1e9,
      MemoryBytes: bytes(each.memory),
      Pids: each.pids,
    });
  };
  return defined({ Limits: part("limits"), Reservations: part("reservations") });
}

/** That of `deploy`, or else what `restart` means, although the command says that it ignores it. @throws StackError */
function restartPolicy({ restart }: YamlObject, { restart_policy: policy }: YamlObject): Json | undefined {
  if (isYamlObject(policy))
    return defined({
      Condition: policy.condition,
      Delay: nanoseconds(policy.delay),
      MaxAttempts: policy.max_attempts,
      Window: nanoseconds(policy.window),
    });
  const [name = "", attempts = "0"] = String(restart ?? "").split(":");
  switch (name) {
    case "":
    case "no":
      return undefined;
    case "always":
    case "unless-stopped":
      return { Condition: "any", MaxAttempts: 0 };
    case "on-failure":
      return { Condition: "on-failure", MaxAttempts: Number(attempts) };
    default:
      throw new StackError(`unknown restart policy: ${String(restart)}`);
  }
}

function placementOf(value: unknown): Json {
  if (!isYamlObject(value)) return {};
  const constraints = listOf(value.constraints).map(String);
  const preferences = listOf(value.preferences).filter(isYamlObject);
  return defined({
    Constraints: constraints.length === 0 ? undefined : constraints,
    Preferences:
      preferences.length === 0
        ? undefined
        : preferences.map(({ spread }) => ({ Spread: { SpreadDescriptor: spread } })),
    MaxReplicas: value.max_replicas_per_node,
  });
}

function logDriver(value: unknown): Json | undefined {
  return isYamlObject(value) ? defined({ Name: value.driver, Options: value.options }) : undefined;
}

/** @throws StackError */
function modeOf(key: string, { mode, replicas }: YamlObject): Json {
  if (mode === "global") {
    if (replicas !== undefined)
      throw new StackError(
        `service ${key}: replicas can only be used with replicated or replicated-job mode`,
      );
    return { Global: {} };
  }
  if (mode === undefined || mode === "" || mode === "replicated")
    return { Replicated: replicas === undefined ? {} : { Replicas: Number(replicas) } };
  throw new StackError(`service ${key}: Unknown mode: ${String(mode)}`);
}

function updateConfig(value: unknown): Json | undefined {
  if (!isYamlObject(value)) return undefined;
  return defined({
    Parallelism: value.parallelism ?? 1,
    Delay: nanoseconds(value.delay),
    FailureAction: value.failure_action ?? "pause",
    Monitor: nanoseconds(value.monitor),
    MaxFailureRatio: Number(value.max_failure_ratio ?? 0),
    Order: value.order ?? "stop-first",
  });
}

/** In the order of the published ports. @throws StackError */
function endpointPorts(service: YamlObject): readonly Json[] | undefined {
  const ports = listOf(service.ports).flatMap((each): readonly Json[] => {
    if (isYamlObject(each))
      return [
        defined({
          Protocol: each.protocol ?? "tcp",
          TargetPort: each.target,
          PublishedPort: each.published,
          PublishMode: each.mode ?? "ingress",
        }),
      ];
    return shortPorts(String(each));
  });
  if (ports.length === 0) return undefined;
  return ports.toSorted((a, b) => Number(a.PublishedPort ?? 0) - Number(b.PublishedPort ?? 0));
}

function shortPorts(text: string): readonly Json[] {
  try {
    return portsOf([text]).map(({ container, host, protocol }) =>
      defined({
        Protocol: protocol,
        TargetPort: container,
        PublishedPort: host === 0 ? undefined : host,
        PublishMode: "ingress",
      }),
    );
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new StackError(`1 error(s) decoding:\n\n* error decoding 'Ports': ${words}`);
  }
}

/** Networks that every machine has: nobody is found by a name there. */
const builtIn = ["bridge", "host", "none"];

/** @throws StackError */
function networksOf(
  source: StackSource,
  document: YamlObject,
  key: string,
  service: YamlObject,
): readonly Json[] {
  const wanted: readonly (readonly [string, readonly string[]])[] = isYamlObject(service.networks)
    ? Object.entries(service.networks).map(([name, each]) => [
        name,
        isYamlObject(each) ? listOf(each.aliases).map(String) : [],
      ])
    : service.networks === undefined
      ? [["default", []]]
      : listOf(service.networks).map((name) => [String(name), []]);
  const declared = new Map(membersOf(document, "networks"));
  return wanted
    .map(([name, aliases]) => {
      const network = declared.get(name);
      if (network === undefined && name !== "default")
        throw new StackError(`service ${key}: undefined network ${JSON.stringify(name)}`);
      const Target = realName(source, name, network ?? {});
      return builtIn.includes(Target) ? { Target } : { Target, Aliases: [...aliases, key] };
    })
    .sort((a, b) => (a.Target < b.Target ? -1 : 1));
}
