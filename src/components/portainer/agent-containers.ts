/** Agents that a machine had before it became a member of a Swarm: their port must be free for the service's task. */
import type { Io } from "../../component.ts";
import { isUnavailable } from "../../errors.ts";
import { agentContainer, definitionLabel } from "../../fabric/portainer-server.ts";
import type { Host } from "../../hosts/host.ts";
import type { RoleGuest } from "../../model.ts";
import { commands } from "./commands.ts";
import { inspect } from "./container.ts";

/** Stops the machines' own agents for `work`; they are removed when it is done, and started again when it fails. */
export async function withoutContainers(
  io: Io,
  machines: readonly RoleGuest[],
  work: () => Promise<void>,
): Promise<void> {
  const found = await Promise.all(machines.map(({ host }) => ownContainer(io.host(host))));
  const hosts = found.flatMap((host) => (host === undefined ? [] : [host]));
  try {
    for (const host of hosts) await host.expect(commands.stop(agentContainer));
    await work();
  } catch (error) {
    await Promise.allSettled(hosts.map((host) => host.run(commands.start(agentContainer))));
    throw error;
  }
  for (const host of hosts) await host.expect(commands.removeContainer(agentContainer));
}

/** The machine, where it has an agent of ours outside of the service. */
async function ownContainer(host: Host): Promise<Host | undefined> {
  try {
    const container = await inspect(host, agentContainer);
    return container?.labels[definitionLabel] === undefined ? undefined : host;
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return undefined;
  }
}
