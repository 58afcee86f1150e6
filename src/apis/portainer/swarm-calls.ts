/** Docker Swarm's own API, forwarded by Portainer: the agent (2.23) sends these calls to a manager. */
import { defined } from "../../defined.ts";
import { swarmNodeOf } from "../../formats/docker/swarm-node.ts";
import {
  isObject,
  listOf,
  member,
  membersOf,
  numberOf,
  objectsOf,
  parseJson,
  textOf,
  textsOf,
} from "../../formats/json/index.ts";
import { canonicalJson } from "../../resource.ts";
import { type EngineCalls, withoutFrames } from "./engine.ts";
import type {
  SwarmApi,
  SwarmContainer,
  SwarmGrant,
  SwarmObjectKind,
  SwarmPort,
  SwarmService,
  SwarmTask,
} from "./swarm.ts";

const namespaceLabel = "com.docker.stack.namespace";

/** What Docker (26) answers where there is no Swarm, or its manager is none: "This node is not a swarm manager". */
const noManager = [406, 503];

export function swarmCalls(engine: EngineCalls): SwarmApi {
  const list = async (environmentId: number, path: string, purpose: string): Promise<unknown> =>
    parseJson((await engine.get(environmentId, path, purpose)).text);
  return {
    ...objectCalls(engine),
    ...networkCalls(engine),

    swarm: async (environmentId) => {
      const { status, text } = await engine.get(environmentId, "/swarm", "show its Swarm", noManager);
      // The answer also has both join tokens.
      const id = noManager.includes(status) ? "" : textOf(parseJson(text), "ID");
      return id === "" ? undefined : { id };
    },

    nodes: async (environmentId) =>
      objectsOf(await list(environmentId, "/nodes", "list the nodes of the Swarm")).map(swarmNodeOf),

    services: async (environmentId, namespace) => {
      const path = `/services${namespace === undefined ? "" : stackFilter(namespace)}`;
      const purpose = `list the services${namespace === undefined ? "" : ` of ${namespace}`}`;
      return objectsOf(await list(environmentId, path, purpose)).map(serviceOf);
    },

    tasks: async (environmentId, namespace) =>
      objectsOf(
        await list(environmentId, `/tasks${stackFilter(namespace)}`, `list the tasks of ${namespace}`),
      ).map(taskOf),

    taskLogs: async (environmentId, taskId, lines) => {
      const path = `/tasks/${encodeURIComponent(taskId)}/logs?stdout=true&stderr=true&tail=${lines}`;
      const purpose = `show the log of task ${taskId.slice(0, 12)}`;
      const { status, text } = await engine.get(environmentId, path, purpose, [404, 500, 501, 503]);
      return status === 200 ? withoutFrames(text) : "";
    },

    removeService: async (environmentId, id) => {
      await engine.call(environmentId, {
        method: "DELETE",
        path: `/services/${encodeURIComponent(id)}`,
        purpose: `remove service ${id.slice(0, 12)}`,
        effect: "change",
        accept: [404],
      });
    },
  };
}

type Objects = Pick<SwarmApi, "swarmObjects" | "createSwarmObject" | "removeSwarmObject">;

function objectCalls(engine: EngineCalls): Objects {
  return {
    swarmObjects: async (environmentId, kind) => {
      const { text } = await engine.get(environmentId, `/${kind}s`, `list the ${kind}s`);
      return objectsOf(parseJson(text)).map((each) => {
        const spec = member(each, "Spec");
        const labels = textsOf(member(spec, "Labels"));
        return {
          id: textOf(each, "ID"),
          name: textOf(spec, "Name"),
          labels,
          createdMs: timeOf(each, "CreatedAt"),
        };
      });
    },

    createSwarmObject: async (environmentId, kind, { name, content, labels }) => {
      await engine.call(environmentId, {
        method: "POST",
        path: `/${kind}s/create`,
        purpose: `create ${kind} ${name}`,
        effect: "change",
        json: { Name: name, Data: Buffer.from(content.reveal()).toString("base64"), Labels: labels },
        accept: [409],
      });
    },

    removeSwarmObject: async (environmentId, kind: SwarmObjectKind, id) => {
      const { status } = await engine.call(environmentId, {
        method: "DELETE",
        path: `/${kind}s/${encodeURIComponent(id)}`,
        purpose: `remove ${kind} ${id.slice(0, 12)}`,
        effect: "change",
        // 400: a service uses it (Docker 26).
        accept: [400, 404],
      });
      return status !== 400;
    },
  };
}

function networkCalls(engine: EngineCalls): Pick<SwarmApi, "overlayNetworks" | "createOverlayNetwork"> {
  return {
    overlayNetworks: async (environmentId) => {
      const { text } = await engine.get(environmentId, "/networks", "list the networks");
      // Gathered from every node; a network of one machine alone may have the same name.
      const found = objectsOf(parseJson(text)).filter((network) => textOf(network, "Scope") === "swarm");
      return [...new Set(found.map((network) => textOf(network, "Name")))];
    },

    createOverlayNetwork: async (environmentId, name) => {
      await engine.call(environmentId, {
        method: "POST",
        path: "/networks/create",
        purpose: `create overlay network ${name}`,
        effect: "change",
        json: { Name: name, Driver: "overlay", Attachable: true },
      });
    },
  };
}

function stackFilter(namespace: string): string {
  const filters = JSON.stringify({ label: [`${namespaceLabel}=${namespace}`] });
  return `?filters=${encodeURIComponent(filters)}`;
}

function serviceOf(value: unknown): SwarmService {
  const spec = member(value, "Spec");
  const template = member(spec, "TaskTemplate");
  const container = member(template, "ContainerSpec");
  const replicated = member(member(spec, "Mode"), "Replicated");
  const update = member(value, "UpdateStatus");
  const state = textOf(update, "State");
  return {
    id: textOf(value, "ID"),
    name: textOf(spec, "Name"),
    labels: textsOf(member(spec, "Labels")),
    image: textOf(container, "Image"),
    env: listOf(member(container, "Env")),
    replicas: isObject(replicated) ? numberOf(replicated, "Replicas") : undefined,
    ports: objectsOf(member(member(spec, "EndpointSpec"), "Ports")).map(portOf),
    configs: objectsOf(member(container, "Configs")).map((each) => grantOf(each, "Config")),
    secrets: objectsOf(member(container, "Secrets")).map((each) => grantOf(each, "Secret")),
    container: containerOf(template),
    template: templateOf(template),
    ...(state === "" ? {} : { update: { state, message: textOf(update, "Message") } }),
  };
}

function containerOf(template: unknown): SwarmContainer {
  const container = member(template, "ContainerSpec");
  const limits = member(member(template, "Resources"), "Limits");
  return {
    command: listOf(member(container, "Command")),
    args: listOf(member(container, "Args")),
    user: textOf(container, "User"),
    targets: objectsOf(member(container, "Mounts")).map((mount) => textOf(mount, "Target")),
    constraints: listOf(member(member(template, "Placement"), "Constraints")),
    nanoCpus: numberOf(limits, "NanoCPUs"),
    memoryBytes: numberOf(limits, "MemoryBytes"),
  };
}

function portOf(value: unknown): SwarmPort {
  const published = numberOf(value, "PublishedPort");
  return defined({
    target: numberOf(value, "TargetPort"),
    published: published === 0 ? undefined : published,
    protocol: textOf(value, "Protocol") || "tcp",
    mode: textOf(value, "PublishMode") || "ingress",
  });
}

function grantOf(value: unknown, kind: "Config" | "Secret"): SwarmGrant {
  return { name: textOf(value, `${kind}Name`), target: textOf(member(value, "File"), "Name") };
}

function taskOf(value: unknown): SwarmTask {
  const status = member(value, "Status");
  const slot = numberOf(value, "Slot");
  return {
    id: textOf(value, "ID"),
    serviceId: textOf(value, "ServiceID"),
    slot: slot === 0 ? undefined : slot,
    nodeId: textOf(value, "NodeID"),
    state: textOf(status, "State"),
    desired: textOf(value, "DesiredState"),
    error: textOf(status, "Err"),
    createdMs: timeOf(value, "CreatedAt"),
    sinceMs: timeOf(status, "Timestamp"),
    template: templateOf(member(value, "Spec")),
  };
}

/** Docker (26) names the runtime in services alone, and keeps a task whose node meets new constraints all the same. */
function templateOf(value: unknown): string {
  const { Runtime: _, Placement: __, ...others } = membersOf(value);
  return canonicalJson(others);
}

/** Docker writes nanoseconds; 0 for no time. */
function timeOf(value: unknown, key: string): number {
  return Date.parse(textOf(value, key)) || 0;
}
