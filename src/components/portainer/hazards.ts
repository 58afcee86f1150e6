/** Containers on Portainer's machines that somebody else made and that ours cannot run beside. Reads only. */
import type { Hazard, Io } from "../../component.ts";
import { agentContainer, serverProject } from "../../fabric/portainer-server.ts";
import { readCompose } from "../../formats/compose/index.ts";
import type { MachineContainer } from "../../formats/docker/index.ts";
import type { Portainer } from "../../model.ts";
import { type Change, subjectOf } from "../../resource.ts";
import { containerHazards, type Needs } from "../foreign/containers.ts";
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
    ...agents.map((environment) => {
      const ports = [{ port: environment.port, protocol: "tcp" }];
      const needs = { resource: agentId(environment), ports, names: [agentContainer] };
      return containerHazards("portainer", io, environment.guest.host, [needs], ({ label }) => label === "");
    }),
  ]);
  return found.flat();
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
