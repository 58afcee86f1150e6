/** Agents: one container on each machine, replaced only when it differs from its definition. */

import type { Io } from "../../component.ts";
import { CommandError, TransportError } from "../../errors.ts";
import { lastLines } from "../../formats/text/last-lines.ts";
import type { Command, Host } from "../../hosts/host.ts";
import type { PortainerEnvironment } from "../../model.ts";
import type { Change } from "../../resource.ts";
import { commands } from "./commands.ts";
import { type Agent, type AgentDefinition, agentContainer, paths } from "./compile.ts";
import { definitionLabel } from "./compose.ts";
import { inspect, mustRun, provideImage } from "./container.ts";
import { agentFiles, agentSecret, writePrivate } from "./secrets.ts";

/** An agent makes its certificate first, which takes a second or two on a small machine. Milliseconds. */
const startMs = 15_000;
const pauseMs = 200;

export async function applyAgent(change: Change, environment: PortainerEnvironment, io: Io): Promise<void> {
  const host = io.host(environment.guest.host);
  if (change.verb === "delete") {
    await host.expect(commands.removeContainer(agentContainer));
    return;
  }
  const { definition } = JSON.parse(change.desired.text) as Partial<Agent>;
  // Before it was somebody else's, or nobody could tell: there is nothing to go back to.
  if (definition === undefined) return;
  await writePrivate(host, agentFiles(await agentSecret(io)));
  await provideImage(host, definition.image);
  const before = await inspect(host, agentContainer);
  if (before !== undefined) await host.expect(commands.removeContainer(agentContainer));
  const { exitCode, stderr } = await host.run(runCommand(definition));
  if (exitCode !== 0)
    throw new CommandError(
      host.name,
      exitCode,
      `the agent does not start on ${host.name}: ${lastLines(stderr)}`,
      {
        hint: portHint(stderr, definition),
      },
    );
  if (before !== undefined) io.activated({ kind: "restart", unit: agentContainer, host: host.name });
  await settle(host, environment, io);
}

/** The whole definition is the container's label: it can be compared, and made again. */
export function runCommand(definition: AgentDefinition): Command {
  const { image, port, mounts, restart } = definition;
  return {
    argv: [
      "docker",
      "run",
      "--detach",
      "--name",
      agentContainer,
      "--restart",
      restart,
      "--publish",
      port,
      "--env-file",
      paths.agentEnvironment,
      "--label",
      `${definitionLabel}=${JSON.stringify(definition)}`,
      ...mounts.flatMap((mount) => ["--volume", mount]),
      image,
    ],
    effect: "change",
    timeoutMs: 180_000,
  };
}

function portHint(words: string, { port }: AgentDefinition): string {
  return /port is already allocated|address already in use/i.test(words)
    ? `something else has port ${port.split(":")[0]}: \`docker ps\` and \`ss -ltnp\` in the guest show what`
    : "`docker logs` and `journalctl -u docker` in the guest may say more";
}

/** Waits for the first answer. An agent that runs and cannot be reached is left to the checks: its path is not its fault. */
async function settle(host: Host, environment: PortainerEnvironment, io: Io): Promise<void> {
  const deadline = io.clock.now() + startMs;
  io.waiting(`the agent on ${host.name}`, startMs);
  while (io.clock.now() < deadline) {
    if ((await ping(io, environment)) === undefined) return;
    await mustRun(host, agentContainer);
    await io.clock.sleep(pauseMs);
  }
}

/** Undefined when the agent answers as it should; words otherwise. Agents need no login for this, and sign their own certificate. */
export async function ping(
  io: Io,
  { guest, port }: PortainerEnvironment,
): Promise<{ readonly words: string; readonly unreached: boolean } | undefined> {
  try {
    const { status } = await io.network.request({
      method: "GET",
      url: `https://${guest.address}:${port}/ping`,
      insecure: true,
      effect: "read",
      timeoutMs: 5_000,
    });
    return status === 204 ? undefined : { words: `it answers ${status}`, unreached: false };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { words: error.message, unreached: true };
  }
}
