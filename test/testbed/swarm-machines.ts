/** A Swarm of the testbed's machines that is joined by hand, with Portainer's agent as its service. */
import { type Machine, say } from "./machines.ts";
import { answers, docker } from "./portainer-containers.ts";

/** @param address the manager's */
export async function joinSwarm(
  manager: Machine,
  address: string,
  workers: readonly Machine[],
): Promise<void> {
  say("joins a Swarm by hand");
  await docker(manager, "swarm", "init", "--advertise-addr", address);
  const token = (await docker(manager, "swarm", "join-token", "--quiet", "worker")).trim();
  for (const machine of workers) await docker(machine, "swarm", "join", "--token", token, `${address}:2377`);
}

/** As Portainer's own command makes it, but for the port: DNS round robin allows the nodes' own only. */
export async function startAgentService(
  manager: Machine,
  members: readonly Machine[],
  secret: string,
): Promise<void> {
  await docker(manager, "network", "create", "--driver=overlay", "portainer_agent_network");
  const binds = ["/var/run/docker.sock", "/var/lib/docker/volumes"];
  await docker(
    manager,
    ...["service", "create", "--detach", "--quiet", "--name=portainer_agent", "--mode=global"],
    ...["--network=portainer_agent_network", "--endpoint-mode=dnsrr"],
    "--publish=mode=host,target=9001,published=9001",
    "--constraint=node.platform.os == linux",
    ...binds.map((path) => `--mount=type=bind,src=${path},dst=${path}`),
    ...["--env=AGENT_CLUSTER_ADDR=tasks.portainer_agent", `--env=AGENT_SECRET=${secret}`],
    "portainer/agent:2.23.0",
  );
  for (const machine of members) await answers(machine, "https://127.0.0.1:9001/ping", "204");
}
