/** Containers on Portainer's machines that somebody else made and that ours cannot run beside. Reads only. */
import { foreignHazard, type Hazard, type Io } from "../../component.ts";
import { agentContainer, serverProject } from "../../fabric/portainer-server.ts";
import { agentMachines } from "../../fabric/swarms.ts";
import { readCompose } from "../../formats/compose/index.ts";
import type { MachineContainer } from "../../formats/docker/index.ts";
import type { Portainer, PortainerEnvironment } from "../../model.ts";
import { type Change, subjectOf } from "../../resource.ts";
import { containerHazards, type Needs } from "../foreign/containers.ts";
import { foreignService } from "./agent-service.ts";
import { agentId, composeOf, serverId } from "./compile.ts";

export async function hazards(changes: readonly Change[], io: Io): Promise<readonly Hazard[]> {
  const { portainer } = io.site;
  if (portainer === undefined) return [];
  const wanted = new Set(
    changes.filter(({ verb }) => verb !== "delete").map((change) => subjectOf(change).id),
  );
  const agents = portainer.environments.filter(
    (environment) => environment.kind === "agent" && wanted.has(agentId(environment)),
  );
  const found = await Promise.all([
    wanted.has(serverId) ? serverHazards(portainer, io) : [],
    ...agents.map((environment) => agentHazards(environment, io)),
  ]);
  return found.flat();
}

/** On every machine that gets an agent. In a Swarm the agents' service, and what it has made by itself, is one thing. */
async function agentHazards(environment: PortainerEnvironment, io: Io): Promise<readonly Hazard[]> {
  const { port, swarm } = environment;
  const resource = agentId(environment);
  const names = swarm === undefined ? [agentContainer] : [];
  const needs = { resource, ports: [{ port, protocol: "tcp" }], names };
  const isTask = ({ name }: MachineContainer): boolean => name.startsWith(`${agentContainer}.`);
  const isOthers = (container: MachineContainer): boolean =>
    container.label === "" && !(swarm !== undefined && isTask(container));
  const containers = await Promise.all(
    agentMachines(io.site, environment).map(({ host }) =>
      containerHazards("portainer", io, host, [needs], isOthers),
    ),
  );
  const foreign = swarm === undefined ? undefined : await foreignService(io, environment);
  if (foreign === undefined) return containers.flat();
  const message = `the Swarm ${swarm} has a service "${agentContainer}" that somebody else made, which is the name of ${resource}`;
  const takeover = "it is updated to the declared agent in place";
  const service = foreignHazard(message, {
    host: foreign.name,
    name: `service ${agentContainer}`,
    takeover,
    for: resource,
  });
  return [...containers.flat(), service];
}

async function serverHazards(portainer: Portainer, io: Io): Promise<readonly Hazard[]> {
  const declared = composeOf(portainer);
  if ("fault" in declared) return [];
  const { compose } = readCompose(declared.compose.text, new Map(), serverProject);
  const services = compose?.services ?? [];
  const ports = services
    .flatMap((service) => service.ports)
    .flatMap(({ published: port, protocol, hostIp: address }) =>
      port === undefined ? [] : [{ port, protocol, address }],
    );
  const names = [declared.compose.container, ...services.flatMap(({ containerName }) => containerName ?? [])];
  const needs: Needs = { resource: serverId, ports, names: [...new Set(names)], data: declared.compose.data };
  return containerHazards("portainer", io, portainer.guest.host, [needs], isForeign);
}

/** A project called as ours is ours when one of its containers is labelled by Phoenix: many people's Portainer is called so. */
function isForeign(container: MachineContainer, _: Needs, all: readonly MachineContainer[]): boolean {
  if (container.label !== "") return false;
  const isOurProject = all.some(({ project, label }) => project === serverProject && label !== "");
  return container.project !== serverProject || !isOurProject;
}
