/** Containers of a stack's services that are gone from its file: what they hold must be free before the new version starts. */
import type { ContainerState, StackDefinition } from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import { type ComposeService, readCompose } from "../../formats/compose/index.ts";
import type { StackTarget } from "./facts.ts";
import type { Previous } from "./previous.ts";

/** Why a container is in the way of services that are not its own; undefined when it is not. Pure. */
export function inTheWay(
  { name, service, state, ports }: ContainerState,
  services: readonly ComposeService[],
): string | undefined {
  if (services.some((each) => each.name === service)) return undefined;
  if (services.some(({ containerName }) => containerName === name)) return `it has the name ${name}`;
  const held = services
    .flatMap((each) => each.ports)
    .find(({ published, protocol }) =>
      ports.some((port) => port.port === published && port.protocol === protocol),
    );
  return held === undefined || state !== "running" ? undefined : `it holds port ${held.published}`;
}

/**
 * Removes what is in the way; the way back is the stack's previous definition, from which Compose creates it again. A container
 * that the definition does not have is only stopped, until the new version is proved.
 */
export async function makeRoom(
  io: Io,
  { stack, services }: StackTarget,
  running: readonly ContainerState[],
  previous: Previous,
): Promise<void> {
  const api = io.apis.portainer;
  const { environmentId, definition, project } = previous;
  const defined = definition === undefined ? [] : servicesIn(definition, project);
  for (const container of running) {
    const why = inTheWay(container, services);
    if (why === undefined) continue;
    const isDefined = defined.includes(container.service);
    if (isDefined) {
      previous.sent = true;
      await api.removeContainer(environmentId, container.id);
    } else {
      if (container.state === "running") previous.stopped.push(container.id);
      await api.stopContainer(environmentId, container.id);
    }
    const done = isDefined ? "removed" : "stopped";
    const subject = `container ${container.name} on ${stack.guest.name}`;
    io.note(`${subject} was ${done} before the deployment: ${why}, and its service is no longer declared`);
  }
}

/** Removes the containers of all other services than these: Portainer up to 2.35 leaves them running. */
export async function removeOrphans(
  io: Io,
  environmentId: number,
  project: string,
  services: readonly string[],
): Promise<void> {
  for (const { id, service } of await io.apis.portainer.containers(environmentId, project))
    if (service !== "" && !services.includes(service))
      await io.apis.portainer.removeContainer(environmentId, id);
}

/** The names of the services in a stack's definition. */
export function servicesIn({ file, env }: StackDefinition, project: string): readonly string[] {
  const variables = new Map(env.map(({ name, value }) => [name, value]));
  return readCompose(file, variables, project).compose?.services.map(({ name }) => name) ?? [];
}
