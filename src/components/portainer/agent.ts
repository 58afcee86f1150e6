/** Agents: one container on each machine, replaced only when it differs from its definition. */
import type { Io } from "../../component.ts";
import { CommandError, TransportError } from "../../errors.ts";
import { agentContainer, definitionLabel } from "../../fabric/portainer-server.ts";
import { lastLines } from "../../formats/text/last-lines.ts";
import type { Command, Host } from "../../hosts/host.ts";
import type { PortainerEnvironment } from "../../model.ts";
import { poll } from "../../poll.ts";
import type { Change } from "../../resource.ts";
import { commands } from "./commands.ts";
import { type Agent, type AgentDefinition, paths } from "./compile.ts";
import { inspect, mustRun, provideImage } from "./container.ts";
import { agentFiles, agentSecret, writePrivate } from "./secrets.ts";

/** An agent creates its certificate first, which takes a second or two on a small machine. Milliseconds. */
const startMs = 15_000;
const pauseMs = 200;

export async function applyAgent(change: Change, environment: PortainerEnvironment, io: Io): Promise<void> {
  const host = io.host(environment.guest.host);
  if (change.verb === "delete") {
    await host.expect(commands.removeContainer(agentContainer));
    return;
  }
  const { definition } = JSON.parse(change.desired.text) as Partial<Agent>;
  // The previous container was foreign or could not be read: there is nothing to restore, and ours makes room.
  if (definition === undefined) {
    const ours = (await inspect(host, agentContainer))?.labels[definitionLabel] !== undefined;
    if (ours) await host.expect(commands.removeContainer(agentContainer));
    return;
  }
  await writePrivate(host, agentFiles(await agentSecret(io)));
  await provideImage(host, definition.image);
  const before = await inspect(host, agentContainer);
  if (before !== undefined) await host.expect(commands.removeContainer(agentContainer));
  const { exitCode, stderr } = await host.run(runCommand(definition));
  if (exitCode !== 0) {
    const message = `the agent does not start on ${host.name}: ${lastLines(stderr)}`;
    throw new CommandError(host.name, exitCode, message, { hint: portHint(stderr, definition) });
  }
  if (before !== undefined) io.activated({ kind: "restart", unit: agentContainer, host: host.name });
  await settle(host, environment, io);
}

/** The container's label holds the whole definition: it can be compared and restored. */
function runCommand(definition: AgentDefinition): Command {
  const { image, port, mounts, restart } = definition;
  const label = `${definitionLabel}=${JSON.stringify(definition)}`;
  return commands.runContainer(image, [
    ...["--name", agentContainer, "--restart", restart, "--publish", port],
    ...["--env-file", paths.agentEnvironment, "--label", label],
    ...mounts.flatMap((mount) => ["--volume", mount]),
  ]);
}

function portHint(stderr: string, { port }: AgentDefinition): string {
  return /port is already allocated|address already in use/i.test(stderr)
    ? `port ${port.split(":")[0]} is taken: \`docker ps\` and \`ss -ltnp\` in the guest show by what`
    : "`docker logs` and `journalctl -u docker` in the guest may show why";
}

/** Waits for the first answer. The checks report an agent that runs but cannot be reached. */
async function settle(host: Host, environment: PortainerEnvironment, io: Io): Promise<void> {
  io.waiting(`the agent on ${host.name}`, startMs);
  const answers = async (): Promise<boolean> => {
    const isUp = (await ping(io, environment)) === undefined;
    if (!isUp) await mustRun(host, agentContainer);
    return isUp;
  };
  await poll({ clock: io.clock, forMs: startMs, pauseMs }, answers, (isUp) => isUp);
}

/** Why the agent does not answer as it should, if so. Agents need no login for this, and sign their own certificate. */
export async function ping(
  io: Io,
  { guest, port }: PortainerEnvironment,
): Promise<{ reason: string; unreached: boolean } | undefined> {
  try {
    const { status } = await io.network.request({
      method: "GET",
      url: `https://${guest.address}:${port}/ping`,
      insecure: true,
      effect: "read",
      timeoutMs: 5_000,
    });
    return status === 204 ? undefined : { reason: `expected status 204, got ${status}`, unreached: false };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { reason: error.message, unreached: true };
  }
}
