/** The agents of a Swarm: one service with a task on each node, made and changed through a manager's engine. */
import type { Io } from "../../component.ts";
import { defined } from "../../defined.ts";
import { CommandError, isUnavailable, type PhoenixError } from "../../errors.ts";
import { agentContainer, definitionLabel } from "../../fabric/portainer-server.ts";
import { agentMachines, swarmNamed } from "../../fabric/swarms.ts";
import { listOf, member, numberOf, objectsOf, textOf, textsOf } from "../../formats/json/index.ts";
import type { Host } from "../../hosts/host.ts";
import type { PortainerEnvironment, Swarm } from "../../model.ts";
import type { Change, Resource } from "../../resource.ts";
import type { Secret } from "../../secret.ts";
import { askDocker, filtered } from "../foreign/docker-api.ts";
import { leadOf, requireManager } from "../foreign/swarm-lead.ts";
import { withoutContainers } from "./agent-containers.ts";
import { agentNetwork, settleTasks } from "./agent-tasks.ts";
import { type Agent, type AgentDefinition, agentResource } from "./compile.ts";
import { provideImage } from "./container.ts";
import { agentSecret, agentVariable, secretState } from "./secrets.ts";

/** The service has Portainer's own name for it. */
const agentService = agentContainer;

/** The Swarm of an environment that has one. */
function swarmOf(io: Io, { swarm }: PortainerEnvironment): Swarm {
  const found = swarmNamed(io.site, swarm);
  if (found === undefined) throw new Error(`no Swarm ${swarm}`);
  return found;
}

/** As it is in the service's own specification: an edit by hand shows. */
export async function readAgentService(
  io: Io,
  environment: PortainerEnvironment,
): Promise<readonly Resource[]> {
  const manager = await leadOf(io, swarmOf(io, environment));
  if (manager === undefined) return [];
  const [service, secret] = await Promise.all([serviceNow(manager), agentSecret(io)]);
  if (service === undefined) return [];
  const spec = member(service, "Spec");
  const container = member(member(spec, "TaskTemplate"), "ContainerSpec");
  const isOurs = textsOf(member(spec, "Labels"))[definitionLabel] !== undefined;
  const env = listOf(member(container, "Env"));
  const agent: Agent = {
    ...defined({ definition: isOurs ? definitionIn(spec) : undefined }),
    state: "running",
    secret: secretState({ env }, secret),
  };
  return [agentResource(environment, agent)];
}

function definitionIn(spec: unknown): AgentDefinition {
  const template = member(spec, "TaskTemplate");
  const container = member(template, "ContainerSpec");
  const ports = objectsOf(member(member(spec, "EndpointSpec"), "Ports"));
  return {
    // The command line adds the digest that it has looked up.
    image: textOf(container, "Image").replace(/@sha256:[0-9a-f]+$/, ""),
    port: ports
      .map((port) => `${numberOf(port, "PublishedPort")}:${numberOf(port, "TargetPort")}`)
      .join(", "),
    mounts: objectsOf(member(container, "Mounts")).map(
      (mount) => `${textOf(mount, "Source")}:${textOf(mount, "Target")}`,
    ),
    restart: textOf(member(template, "RestartPolicy"), "Condition") || "any",
  };
}

async function serviceNow(manager: Host): Promise<unknown> {
  const found = await askDocker(manager, "GET", `/services${filtered({ name: [agentService] })}`);
  return objectsOf(found).find((service) => textOf(member(service, "Spec"), "Name") === agentService);
}

export async function applyAgentService(
  change: Change,
  environment: PortainerEnvironment,
  io: Io,
): Promise<void> {
  const swarm = swarmOf(io, environment);
  const manager = await requireManager(io, swarm);
  if (change.verb === "delete") return remove(manager);
  const { definition } = JSON.parse(change.desired.text) as Partial<Agent>;
  // It was somebody else's before: its own previous specification is what it was.
  if (definition === undefined) return rollBack(manager);
  const machines = agentMachines(io.site, environment);
  await Promise.all(machines.map(({ host }) => provideOn(io.host(host), definition.image)));
  const network = await provideNetwork(manager);
  const spec = specOf(definition, network, await agentSecret(io));
  await withoutContainers(io, machines, async () => {
    await put(manager, spec);
    await settleTasks(io, swarm, manager);
  });
  if (change.verb === "update") io.activated({ kind: "restart", unit: agentService, host: manager.name });
}

/** A machine that does not answer is left alone: the service comes to it when it is back. */
async function provideOn(host: Host, image: string): Promise<void> {
  try {
    await provideImage(host, image);
  } catch (error) {
    if (!isUnavailable(error) || error instanceof CommandError) throw error;
  }
}

async function networkNow(manager: Host): Promise<string | undefined> {
  const found = await askDocker(manager, "GET", `/networks${filtered({ name: [agentNetwork] })}`);
  const network = objectsOf(found).find((each) => textOf(each, "Name") === agentNetwork);
  return network === undefined ? undefined : textOf(network, "Id");
}

async function provideNetwork(manager: Host): Promise<string> {
  const known = await networkNow(manager);
  if (known !== undefined) return known;
  const made = await askDocker(manager, "POST", "/networks/create", {
    Name: agentNetwork,
    Driver: "overlay",
    Labels: { [definitionLabel]: agentNetwork },
  });
  return textOf(made, "Id");
}

/**
 * A task on each node, on a port of the node itself, which needs neither the routing mesh nor virtual addresses. The secret is in
 * the environment, as the agent reads it (2.23).
 */
function specOf(
  definition: AgentDefinition,
  network: string,
  secret: Secret,
): Readonly<Record<string, unknown>> {
  const { image, port, mounts, restart } = definition;
  const [published, target] = port.split(":").map(Number);
  return {
    Name: agentService,
    Labels: { [definitionLabel]: JSON.stringify(definition) },
    TaskTemplate: {
      ContainerSpec: {
        Image: image,
        Labels: { [definitionLabel]: agentService },
        Env: [`AGENT_CLUSTER_ADDR=tasks.${agentService}`, agentVariable(secret)],
        Mounts: mounts.map((mount) => {
          const [source, path] = mount.split(":");
          return { Type: "bind", Source: source, Target: path };
        }),
      },
      RestartPolicy: { Condition: restart },
      Placement: { Constraints: ["node.platform.os == linux"] },
      Networks: [{ Target: network }],
    },
    Mode: { Global: {} },
    EndpointSpec: {
      Mode: "dnsrr",
      Ports: [{ Protocol: "tcp", TargetPort: target, PublishedPort: published, PublishMode: "host" }],
    },
  };
}

async function put(manager: Host, spec: unknown): Promise<void> {
  const known = await serviceNow(manager);
  if (known === undefined) await askDocker(manager, "POST", "/services/create", spec);
  else await askDocker(manager, "POST", updatePath(known), spec);
}

function updatePath(service: unknown): string {
  return `/services/${textOf(service, "ID")}/update?version=${numberOf(member(service, "Version"), "Index")}`;
}

async function rollBack(manager: Host): Promise<void> {
  const known = await serviceNow(manager);
  const isOurs = textsOf(member(member(known, "Spec"), "Labels"))[definitionLabel] !== undefined;
  if (isOurs)
    await askDocker(manager, "POST", `${updatePath(known)}&rollback=previous`, member(known, "Spec"));
}

async function remove(manager: Host): Promise<void> {
  if ((await serviceNow(manager)) !== undefined)
    await askDocker(manager, "DELETE", `/services/${agentService}`);
}

/** Whether somebody else made the service that the agents' shall be. @throws PhoenixError as a manager does */
export async function foreignService(io: Io, environment: PortainerEnvironment): Promise<Host | undefined> {
  const manager = await leadOf(io, swarmOf(io, environment)).catch((error: PhoenixError) => {
    if (!isUnavailable(error)) throw error;
    return undefined;
  });
  const service = manager === undefined ? undefined : await serviceNow(manager);
  const labels = textsOf(member(member(service, "Spec"), "Labels"));
  return service === undefined || labels[definitionLabel] !== undefined ? undefined : manager;
}
