/** Virtual machines with Docker in a lab of their own, for tests of Swarms. */
import { engineResponse } from "../../lab/docker/http-api.ts";
import { LabDocker } from "../../lab/docker.ts";
import type { LabFacts } from "../../lab/facts.ts";
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
  const route: TestContext["route"] = async (_, to) => {
    const host: GuestName | undefined = facts.guests.find(({ address }) => address === to.address)?.host;
    const listens = host !== undefined && [2377, 7946, 4789].includes(to.port);
    return { ...to, address: "127.0.0.1", port: listens ? 2 : 1 };
  };
  const lab = { ...context, route };
  const docker = (machine: MachineName) => new LabDocker(lab, machines[machine]);
  return {
    context: lab,
    docker,
    ask: async (machine, call, body) => {
      const [method = "GET", target = "/"] = call.split(" ");
      const { pathname: path, searchParams: query } = new URL(target, "http://docker");
      const text = body === undefined ? "" : JSON.stringify(body);
      const answer = await engineResponse(docker(machine), { method, path, query, body: text });
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
