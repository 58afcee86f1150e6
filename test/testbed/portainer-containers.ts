/** Portainer's server and agent as containers of a machine of the testbed. */
import { eventually, expectRun, type Machine, run } from "./machines.ts";

export interface ServerOptions {
  readonly version: string;
  /** Of the server and of the agent. */
  readonly secret?: string;
  readonly agentSecret?: string;
  readonly mounts?: readonly string[];
  /** Portainer's own options. */
  readonly options?: readonly string[];
}

const socket = "--volume=/var/run/docker.sock:/var/run/docker.sock";

/** Both containers anew; the server's data goes. Ports 9443 and 9000 are the server's, 9001 is the agent's. */
export async function startPortainer(machine: Machine, wanted: ServerOptions): Promise<void> {
  await docker(machine, "rm", "--force", "portainer_agent", "portainer_server");
  await expectRun(machine, ["rm", "-rf", "/srv/portainer"]);
  await startAgent(machine, wanted.agentSecret);
  await startServer(machine, wanted);
}

export async function startAgent(machine: Machine, secret?: string): Promise<void> {
  await docker(machine, "rm", "--force", "portainer_agent");
  const env = secret === undefined ? [] : [`--env=AGENT_SECRET=${secret}`];
  const fixed = ["--detach", "--name=portainer_agent", "--publish=9001:9001", "--restart=always", socket];
  await docker(machine, "run", ...fixed, ...env, "portainer/agent:2.23.0");
  await answers(machine, "https://127.0.0.1:9001/ping", "204");
}

/** The server's data is kept if it is there. */
export async function startServer(
  machine: Machine,
  { version, secret, mounts = [], options = [] }: ServerOptions,
): Promise<void> {
  await docker(machine, "rm", "--force", "portainer_server");
  const env = secret === undefined ? [] : [`--env=AGENT_SECRET=${secret}`];
  const volumes = ["/srv/portainer:/data", ...mounts].map((mount) => `--volume=${mount}`);
  const ports = ["--publish=9443:9443", "--publish=9000:9000"];
  const fixed = ["--detach", "--name=portainer_server", "--restart=always", socket, ...ports];
  await docker(machine, "run", ...fixed, ...volumes, ...env, `portainer/portainer-ce:${version}`, ...options);
  await answers(machine, "https://127.0.0.1:9443/api/system/status", "200");
}

export async function answers(machine: Machine, url: string, status: string): Promise<void> {
  const ask = ["curl", "--silent", "--insecure", "--output", "/dev/null", "--write-out", "%{http_code}", url];
  const answer = await eventually(
    async () => (await run(machine, ask)).stdout,
    (got) => got === status,
    30_000,
  );
  if (answer !== status) throw new Error(`${url} answers ${answer}: ${await logs(machine)}`);
}

async function logs(machine: Machine): Promise<string> {
  const { stdout, stderr } = await run(machine, ["docker", "logs", "--tail", "20", "portainer_server"]);
  return stdout + stderr;
}

export function docker(machine: Machine, ...args: readonly string[]): Promise<string> {
  return expectRun(machine, ["docker", ...args]);
}
