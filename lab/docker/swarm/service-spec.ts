/** A service as it is sent, made whole, and what the managers refuse about it (Docker 26.1). Pure. */
import { createHash } from "node:crypto";
import type { YamlObject } from "../compose-values.ts";
import { DockerError, type EngineNetwork } from "../state.ts";
import { overlayNamed } from "./networks.ts";
import { referencesOf } from "./objects.ts";
import { constraint } from "./schedule.ts";
import {
  listAt,
  nameOf,
  objectAt,
  type ServicePort,
  type SwarmService,
  type SwarmState,
  textsAt,
} from "./state.ts";
import { checkName, rpc } from "./words.ts";

/** The spec with the engine's own additions, networks by their ids. @throws DockerError */
export function resolvedSpec(
  swarm: SwarmState,
  body: YamlObject,
  local: readonly EngineNetwork[],
): YamlObject {
  const template = objectAt(body, "TaskTemplate");
  if (!Object.hasOwn(template, "ContainerSpec"))
    throw new DockerError(400, "mismatched Runtime and *Spec fields");
  const networks = [...listAt(template, "Networks"), ...listAt(body, "Networks")].map((each) => ({
    ...each,
    Target: networkId(swarm, String(each.Target ?? ""), local),
  }));
  const endpoint = objectAt(body, "EndpointSpec");
  const mode = String(endpoint.Mode ?? "");
  if (!["", "vip", "dnsrr"].includes(mode))
    throw new DockerError(400, `invalid resolution mode: ${JSON.stringify(mode)}`);
  const { Networks: _, ...rest } = body;
  return {
    ...rest,
    Labels: body.Labels ?? {},
    TaskTemplate: {
      ...template,
      ContainerSpec: { ...objectAt(template, "ContainerSpec"), Isolation: "default" },
      ...(networks.length === 0 ? {} : { Networks: networks }),
      ForceUpdate: Number(template.ForceUpdate ?? 0),
      Runtime: "container",
    },
    Mode: body.Mode === undefined ? { Replicated: { Replicas: 1 } } : modeOf(objectAt(body, "Mode")),
    ...(body.EndpointSpec === undefined || body.EndpointSpec === null
      ? {}
      : {
          EndpointSpec: {
            Mode: mode === "" ? "vip" : mode,
            ...(listAt(endpoint, "Ports").length === 0
              ? {}
              : { Ports: listAt(endpoint, "Ports").map(wholePort) }),
          },
        }),
  };
}

function modeOf(mode: YamlObject): YamlObject {
  if (mode.Global !== undefined && mode.Global !== null) return { Global: {} };
  return { Replicated: { Replicas: Number(objectAt(mode, "Replicated").Replicas ?? 1) } };
}

function wholePort({ Protocol, PublishMode, ...port }: YamlObject): YamlObject {
  return { Protocol: Protocol ?? "tcp", ...port, PublishMode: PublishMode ?? "ingress" };
}

/** The managers' own id of a network that every machine has. */
function idFrom(name: string): string {
  const digest = createHash("sha256").update(`network ${name}`).digest();
  return [...digest.subarray(0, 25)].map((byte) => (byte % 36).toString(36)).join("");
}

function networkId(swarm: SwarmState, wanted: string, local: readonly EngineNetwork[]): string {
  const overlay = overlayNamed(swarm, wanted);
  if (overlay?.ingress === true)
    throw rpc("InvalidArgument", `Service cannot be explicitly attached to the ingress network "${wanted}"`);
  if (overlay !== undefined) return overlay.id;
  if (["bridge", "host", "none"].includes(wanted)) return idFrom(wanted);
  const own = local.find(({ name, id }) => name === wanted || id === wanted);
  if (own === undefined) throw new DockerError(500, `network ${wanted} not found`);
  throw rpc(
    "PermissionDenied",
    `network ${wanted} cannot be used with services. Only networks scoped to the swarm can be used, such as those created with the overlay driver.`,
  );
}

export function portsOf(spec: YamlObject): readonly ServicePort[] {
  return listAt(objectAt(spec, "EndpointSpec"), "Ports").map((port) => ({
    protocol: String(port.Protocol ?? "tcp"),
    target: Number(port.TargetPort ?? 0),
    published: Number(port.PublishedPort ?? 0),
    mode: port.PublishMode === "host" ? "host" : "ingress",
  }));
}

/** @throws DockerError in the order of the engine's checks */
export function checkSpec(swarm: SwarmState, spec: YamlObject, self: SwarmService | undefined): void {
  const invalid = (words: string): DockerError => rpc("InvalidArgument", words);
  const template = objectAt(spec, "TaskTemplate");
  const condition = String(objectAt(template, "RestartPolicy").Condition ?? "");
  if (!["", "none", "on-failure", "any"].includes(condition))
    throw new DockerError(400, `invalid RestartCondition: ${JSON.stringify(condition)}`);
  checkUpdateConfigs(spec);
  checkName(nameOf({ spec }));
  const image = String(objectAt(template, "ContainerSpec").Image ?? "");
  if (image === "") throw invalid("ContainerSpec: image reference must be provided");
  if (!reference.test(image))
    throw invalid(`ContainerSpec: ${JSON.stringify(image)} is not a valid repository/tag`);
  checkMounts(template);
  for (const text of textsAt(objectAt(template, "Placement"), "Constraints"))
    if (!constraint.test(text)) throw rpc("Unknown", "constraint expected one operator from ==, !=");
  checkPorts(swarm, spec, self);
  for (const kind of ["secret", "config"] as const)
    for (const { id, name } of referencesOf(spec, kind)) {
      const object = swarm[`${kind}s`].find((each) => each.id === id);
      if (object?.name !== name) throw invalid(`${kind} not found: ${name}`);
    }
}

/** distribution/reference: a name in lower case, perhaps behind a registry's host, a tag, a digest. */
const reference =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9])(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

function checkMounts(template: YamlObject): void {
  const targets = listAt(objectAt(template, "ContainerSpec"), "Mounts").map(({ Target }) =>
    String(Target ?? ""),
  );
  const twice = targets.find((target, at) => targets.indexOf(target) !== at);
  if (twice !== undefined) throw rpc("InvalidArgument", `ContainerSpec: duplicate mount point: ${twice}`);
}

function checkUpdateConfigs(spec: YamlObject): void {
  for (const key of ["UpdateConfig", "RollbackConfig"]) {
    const { FailureAction = "", Order = "", MaxFailureRatio = 0 } = objectAt(spec, key);
    const word = key === "UpdateConfig" ? "update" : "rollback";
    if (!["", "pause", "continue", "rollback"].includes(String(FailureAction)))
      throw new DockerError(400, `unrecognized update failure action ${String(FailureAction)}`);
    if (!["", "stop-first", "start-first"].includes(String(Order)))
      throw new DockerError(400, `unrecognized update order ${String(Order)}`);
    if (Number(MaxFailureRatio) < 0 || Number(MaxFailureRatio) > 1)
      throw rpc(
        "InvalidArgument",
        `TaskSpec: ${word}-maxfailureratio cannot be less than 0 or bigger than 1`,
      );
  }
}

function checkPorts(swarm: SwarmState, spec: YamlObject, self: SwarmService | undefined): void {
  const ports = portsOf(spec);
  const dnsrr = objectAt(spec, "EndpointSpec").Mode === "dnsrr";
  if (dnsrr && ports.some(({ mode }) => mode === "ingress"))
    throw rpc(
      "InvalidArgument",
      "EndpointSpec: port published with ingress mode can't be used with dnsrr mode",
    );
  const key = ({ protocol, published }: ServicePort): string => `${published}/${protocol}`;
  const given = ports.filter(({ published }) => published !== 0);
  if (new Set(given.map(key)).size !== given.length)
    throw rpc("InvalidArgument", "EndpointSpec: duplicate published ports provided");
  for (const port of given)
    for (const other of swarm.services) {
      if (other.id === self?.id) continue;
      const clash = other.ports.find(
        (each) => key(each) === key(port) && (each.mode === "ingress" || port.mode === "ingress"),
      );
      if (clash !== undefined)
        throw rpc(
          "InvalidArgument",
          `port '${port.published}' is already in use by service '${nameOf(other)}' (${other.id}) as ${clash.mode === "ingress" ? "an ingress" : "a host-published"} port`,
        );
    }
}
