/** Virtual machines with Docker in a lab of their own, for tests of Swarms. */
import { mkdirSync, writeFileSync } from "node:fs";
import { startAgent } from "../../lab/agent.ts";
import type { LabServer } from "../../lab/context.ts";
import { engineResponse } from "../../lab/docker/http-api.ts";
import { emptyEngine, imageId } from "../../lab/docker/state.ts";
import { LabDocker } from "../../lab/docker.ts";
import type { LabFacts } from "../../lab/facts.ts";
import { startPortainer } from "../../lab/portainer/start.ts";
import { docker } from "../../lab/programs/docker.ts";
import { treeOf } from "../../lab/tree.ts";
import type { GuestName } from "../../src/resource.ts";
import { type TestContext, testContext, testFacts } from "./context.ts";

export const machines = { one: "vm/1001", two: "vm/1002", three: "vm/1003" } as const;

export type MachineName = keyof typeof machines;

const facts: LabFacts = {
  ...testFacts,
  guests: Object.entries(machines).map(([name, host], at) => ({
    host,
    kind: "vm",
    id: 1001 + at,
    name,
    address: `10.9.0.${101 + at}`,
  })),
  mounts: [],
};

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into as their reader knows them
  readonly body: any;
}

export interface SwarmLab {
  readonly context: TestContext;
  /** A request to a machine's engine. */
  ask(machine: MachineName, call: string, body?: unknown): Promise<Answer>;
  docker(machine: MachineName): LabDocker;
}

export function swarmLab(): SwarmLab {
  const context = testContext({ facts });
  // Members listen for each other: any server's port will do.
  const route: TestContext["route"] = async (from, to) => {
    const host: GuestName | undefined = facts.guests.find(({ address }) => address === to.address)?.host;
    const listens = host !== undefined && [2377, 7946, 4789].includes(to.port);
    return listens ? { ...to, address: "127.0.0.1", port: 2 } : context.route(from, to);
  };
  const lab = { ...context, route };
  const engine = (machine: MachineName) => new LabDocker(lab, machines[machine]);
  return {
    context: lab,
    docker: engine,
    ask: async (machine, call, body) => {
      const [method = "GET", target = "/"] = call.split(" ");
      const { pathname: path, searchParams: query } = new URL(target, "http://docker");
      const text = body === undefined ? "" : JSON.stringify(body);
      const answer = await engineResponse(engine(machine), { method, path, query, body: text });
      const said = String(answer.body ?? "");
      return { status: answer.status, body: said === "" ? undefined : JSON.parse(said) };
    },
  };
}

export const joining = (token: string, address: string, manager = "10.9.0.101:2377") => ({
  ListenAddr: "0.0.0.0:2377",
  AdvertiseAddr: address,
  RemoteAddrs: [manager],
  JoinToken: token,
});

/** A Swarm of three: `one` manages, the others work. */
export async function threeMembers(): Promise<SwarmLab> {
  const lab = swarmLab();
  await lab.ask("one", "POST /swarm/init", { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: "10.9.0.101" });
  const { body } = await lab.ask("one", "GET /swarm");
  await lab.ask("two", "POST /swarm/join", joining(body.JoinTokens.Worker, "10.9.0.102"));
  await lab.ask("three", "POST /swarm/join", joining(body.JoinTokens.Worker, "10.9.0.103"));
  return lab;
}

export interface SwarmPortainer extends SwarmLab {
  readonly portainer: LabServer;
  readonly agent: LabServer;
}

/** An image that the machines have and no registry: a stack's service keeps it without a digest. */
export const localImage = "kept/missing-elsewhere:3";

/** Three members with the agent as a global service, and Portainer's server on `one`, reached through the agent on `two`. */
export async function swarmPortainer(version: string): Promise<SwarmPortainer> {
  const lab = await threeMembers();
  const { context } = lab;
  for (const host of Object.values(machines))
    context.store.write(`docker-${treeOf(host)}`, {
      ...emptyEngine,
      images: [{ id: imageId(localImage), reference: localImage }],
    });
  const secret = "AGENT_SECRET=a secret of all";
  await lab.ask("one", "POST /networks/create", { Name: "portainer_agent_network", Driver: "overlay" });
  const made = await lab.ask("one", "POST /services/create", {
    Name: "portainer_agent",
    TaskTemplate: {
      ContainerSpec: {
        Image: `portainer/agent:${version}`,
        Env: [secret, "AGENT_CLUSTER_ADDR=tasks.portainer_agent"],
        Mounts: [{ Type: "bind", Source: "/var/run/docker.sock", Target: "/var/run/docker.sock" }],
      },
      Networks: [{ Target: "portainer_agent_network" }],
    },
    Mode: { Global: {} },
    EndpointSpec: {
      Mode: "dnsrr",
      Ports: [{ TargetPort: 9001, PublishedPort: 9001, PublishMode: "host" }],
    },
  });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  context.advance(1_000);
  const host = machines.one;
  mkdirSync(context.path(host, "/etc/portainer"), { recursive: true });
  writeFileSync(context.path(host, "/etc/portainer/password"), "a long enough password\n");
  const run = `run -d --name portainer_server -p 9443:9443 -v /tmp/portainer:/data -v /etc/portainer:/etc/portainer`;
  const args = [...run.split(" "), "-e", secret, `portainer/portainer-ce:${version}`];
  const options = ["--admin-password-file", "/etc/portainer/password"];
  const { exitCode, stderr } = await docker({ context, host, args: [...args, ...options], stdin: "" });
  if (exitCode !== 0) throw new Error(stderr);
  const agentOn = (machine: MachineName) => {
    const name = lab.docker(machine).state.containers.find(({ image }) => image.includes("agent"))?.name;
    return startAgent(context, machines[machine], { name: name ?? "" });
  };
  const agent = await agentOn("two");
  context.serve("10.9.0.102", 9001, agent);
  const portainer = await startPortainer(context, host, { name: "portainer_server" });
  context.serve("10.9.0.101", 9443, portainer);
  return { ...lab, portainer, agent };
}
