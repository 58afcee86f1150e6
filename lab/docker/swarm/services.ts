/** `/services` and `/tasks` (Docker 26.1). */
import { type ApiResponse, json } from "../../api-server.ts";
import type { YamlObject } from "../compose-values.ts";
import { bodyOf, type EngineCall, isTrue } from "../http-request.ts";
import { DockerError } from "../state.ts";
import { change, managed } from "./cluster.ts";
import { filtersIn, hasLabel, named, serviceJson, serviceNamed, taskJson } from "./json.ts";
import { endTask, isGlobal, nextAddress } from "./orchestrate.ts";
import { checkSpec, portsOf, resolvedSpec } from "./service-spec.ts";
import {
  isLive,
  nameOf,
  objectAt,
  type ServicePort,
  type SwarmService,
  type SwarmState,
  type SwarmTask,
  stamped,
  taskName,
  touch,
} from "./state.ts";
import { beginRollback, beginUpdate } from "./update.ts";
import { outOfSequence, rpc, versionIn } from "./words.ts";

/** Where ports come from that nobody asked for by number. */
const firstFreePort = 30_000;

export function createService({ docker, request }: EngineCall): ApiResponse {
  const { context, host } = docker;
  managed(context, host);
  const body = bodyOf(request);
  const ID = change(context, host, ({ swarm }) => {
    const spec = resolvedSpec(swarm, body, docker.state.networks);
    checkSpec(swarm, spec, undefined);
    const name = nameOf({ spec });
    if (swarm.services.some((each) => nameOf(each) === name))
      throw rpc("AlreadyExists", `name conflicts with an existing object: service ${name} already exists`);
    const service: SwarmService = { ...stamped(swarm), spec, ports: [], addresses: [] };
    service.ports = published(swarm, service, spec);
    service.addresses = virtualAddresses(swarm, service);
    swarm.services.push(service);
    return service.id;
  });
  return json(201, { ID, Warnings: null });
}

export function updateService({ docker, name, request }: EngineCall): ApiResponse {
  const { context, host } = docker;
  managed(context, host);
  const version = versionIn("service", request.query.get("version"));
  const rollback = request.query.get("rollback");
  const body = bodyOf(request);
  change(context, host, ({ swarm }) => {
    const service = found(swarm, name);
    if (version !== service.version) throw outOfSequence();
    if (rollback === "previous") {
      if (service.previous === undefined)
        throw rpc("FailedPrecondition", `service ${service.id} does not have a previous spec`);
      beginRollback(swarm, service, "manually requested rollback");
      return;
    }
    const spec = resolvedSpec(swarm, body, docker.state.networks);
    checkSpec(swarm, spec, service);
    if (nameOf({ spec }) !== nameOf(service))
      throw rpc("Unimplemented", "renaming services is not supported");
    if (isGlobal({ spec }) !== isGlobal(service))
      throw rpc("Unimplemented", "service mode change is not allowed");
    service.previous = service.spec;
    service.spec = spec;
    service.ports = published(swarm, service, spec);
    service.addresses = virtualAddresses(swarm, service);
    delete service.update;
    touch(swarm, service);
    beginUpdate(swarm, service);
  });
  return json(200, { Warnings: null });
}

/** Ports of mode ingress that nobody asked for by number keep the one that they have. */
function published(swarm: SwarmState, service: SwarmService, spec: YamlObject): ServicePort[] {
  const taken = swarm.services.flatMap(({ ports }) => ports.map((port) => port.published));
  let next = firstFreePort;
  return portsOf(spec).map((port) => {
    if (port.published !== 0 || port.mode === "host") return port;
    const before = service.ports.find(
      (each) => each.target === port.target && each.protocol === port.protocol && each.mode === "ingress",
    );
    while (taken.includes(next)) next += 1;
    taken.push(next);
    return { ...port, published: before?.published ?? next };
  });
}

/** With endpoint mode "vip", the default: one in each of its networks, and in the ingress for its ports there. */
function virtualAddresses(swarm: SwarmState, service: SwarmService): SwarmService["addresses"] {
  const { spec, ports } = service;
  if (objectAt(spec, "EndpointSpec").Mode === "dnsrr") return [];
  const template = objectAt(spec, "TaskTemplate");
  const networks = Array.isArray(template.Networks) ? template.Networks : [];
  const ingress = swarm.networks.find((network) => network.ingress)?.id;
  const meshed = ports.some(({ mode }) => mode === "ingress") && ingress !== undefined;
  const wanted = [
    ...(meshed ? [ingress] : []),
    ...networks.map((each) => String(objectAt(each).Target ?? "")),
  ];
  return wanted.flatMap((network) => {
    const before = service.addresses.find((each) => each.network === network);
    const address = before?.address ?? nextAddress(swarm, network);
    return address === undefined ? [] : [{ network, address }];
  });
}

function found(swarm: SwarmState, wanted: string): SwarmService {
  const service = serviceNamed(swarm, wanted);
  if (service !== undefined) return service;
  throw new DockerError(404, `service ${wanted} not found`);
}

export function showService({ docker, name }: EngineCall): ApiResponse {
  const { swarm } = managed(docker.context, docker.host);
  return json(200, serviceJson(swarm, found(swarm, name), false));
}

export function listServices({ docker, request }: EngineCall): ApiResponse {
  const { swarm } = managed(docker.context, docker.host);
  const filters = filtersIn(request.query.get("filters"));
  for (const key of filters.keys())
    if (!["id", "label", "mode", "name", "runtime"].includes(key))
      throw new DockerError(400, `invalid filter '${key}'`);
  const any = (key: string, test: (value: string) => boolean): boolean => {
    const values = filters.get(key) ?? [];
    return values.length === 0 || values.some(test);
  };
  const shown = swarm.services.filter(
    (service) =>
      any("id", (value) => service.id.startsWith(value)) &&
      any("name", (value) => nameOf(service).startsWith(value)) &&
      any("mode", (value) => (value === "global") === isGlobal(service)) &&
      (filters.get("label") ?? []).every((value) => hasLabel(objectAt(service.spec, "Labels"), value)),
  );
  const withStatus = isTrue(request.query.get("status"));
  return json(
    200,
    shown.map((service) => serviceJson(swarm, service, withStatus)),
  );
}

/** Its processes are told to end; until they have, the networks are in use. */
export function removeService({ docker, name }: EngineCall): ApiResponse {
  change(docker.context, docker.host, ({ swarm }) => {
    const { id } = found(swarm, name);
    swarm.services = swarm.services.filter((each) => each.id !== id);
    swarm.index += 1;
    for (const task of swarm.tasks) if (task.service === id) endTask(swarm, task, "remove");
    swarm.tasks = swarm.tasks.filter((task) => task.service !== id || isLive(task));
  });
  return { status: 200 };
}

export function listTasks({ docker, request }: EngineCall): ApiResponse {
  const { swarm } = managed(docker.context, docker.host);
  const wanted = checkedTasks(swarm, filtersIn(request.query.get("filters")));
  return json(
    200,
    swarm.tasks.filter(wanted).map((task) => taskJson(swarm, task)),
  );
}

function checkedTasks(
  swarm: SwarmState,
  filters: ReadonlyMap<string, readonly string[]>,
): (task: SwarmTask) => boolean {
  for (const key of filters.keys())
    if (!["desired-state", "id", "label", "name", "node", "service", "_up-to-date", "runtime"].includes(key))
      throw new DockerError(400, `invalid filter '${key}'`);
  for (const value of filters.get("desired-state") ?? [])
    if (!["running", "shutdown", "accepted"].includes(value))
      throw new DockerError(400, `invalid filter 'desired-state=${value}'`);
  const services = filters.get("service")?.map((value) => found(swarm, value).id);
  const nodes = filters.get("node")?.map((value) => {
    const node = named(swarm.nodes, value, ({ hostname }) => hostname);
    if (node === undefined) throw new DockerError(404, `node ${value} not found`);
    return node.id;
  });
  const any = (key: string, test: (value: string) => boolean): boolean => {
    const values = filters.get(key) ?? [];
    return values.length === 0 || values.some(test);
  };
  const labelsOf = ({ spec }: SwarmTask): YamlObject => objectAt(spec, "ContainerSpec", "Labels");
  return (task) =>
    any("id", (value) => task.id.startsWith(value)) &&
    any("name", (value) => taskName(swarm, task).startsWith(value)) &&
    any("desired-state", (value) =>
      // "ready" comes to run: the engine counts it as accepted, and shows it with those that run.
      value === "running" ? task.desired === "running" || task.desired === "ready" : task.desired === value,
    ) &&
    (filters.get("label") ?? []).every((value) => hasLabel(labelsOf(task), value)) &&
    (services === undefined || services.length === 0 || services.includes(task.service)) &&
    (nodes === undefined || nodes.length === 0 || nodes.includes(task.node));
}

export function showTask({ docker, name }: EngineCall): ApiResponse {
  const { swarm } = managed(docker.context, docker.host);
  const task = named(swarm.tasks, name, (each) => taskName(swarm, each));
  if (task === undefined) throw new DockerError(404, `task ${name} not found`);
  return json(200, taskJson(swarm, task));
}
