/** What the parts of the Swarm contract share: its calls, and the file of a stack with one service. */
import { expect } from "vitest";
import type { ContractSession } from "./portainer-session.ts";
import type { RawAnswer } from "./raw-http.ts";

export interface Service {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  // biome-ignore lint/suspicious/noExplicitAny: looked at member by member
  readonly Spec: any;
  readonly UpdateStatus?: { readonly State: string; readonly Message: string };
}

export interface Task {
  readonly ServiceID: string;
  readonly NodeID?: string;
  readonly DesiredState: string;
  readonly Status: { readonly State: string; readonly Err?: string };
  // biome-ignore lint/suspicious/noExplicitAny: looked at member by member
  readonly Spec: any;
}

export type SwarmCalls = ReturnType<typeof swarmCalls>;

export function swarmCalls(on: ContractSession) {
  const { call } = on;
  const query = () => `?endpointId=${on.agentId}`;
  const docker = (method: string, path: string, body?: unknown) =>
    call(method, `/endpoints/${on.agentId}/docker${path}`, { body });
  const ofStack = (name: string, more = {}) =>
    encodeURIComponent(JSON.stringify({ label: [`com.docker.stack.namespace=${name}`], ...more }));
  const services = async (name: string): Promise<readonly Service[]> =>
    (await docker("GET", `/services?filters=${ofStack(name)}`)).body;
  const tasks = async (name: string, more = {}): Promise<readonly Task[]> =>
    (await docker("GET", `/tasks?filters=${ofStack(name, more)}`)).body;
  let id: Promise<string> | undefined;
  const swarmId = (): Promise<string> => {
    id ??= docker("GET", "/swarm").then(({ body }) => body.ID);
    return id;
  };
  return {
    docker,
    services,
    tasks,
    swarmId,
    /** The one service of a stack that has one. */
    service: async (name: string): Promise<Service> => {
      const [found, ...others] = await services(name);
      expect(others).toEqual([]);
      if (found === undefined) throw new Error(`the stack ${name} has no service`);
      return found;
    },
    create: async (Name: string, StackFileContent: string, more = {}): Promise<RawAnswer> =>
      call("POST", `/stacks/create/swarm/string${query()}`, {
        body: { Name, SwarmID: await swarmId(), StackFileContent, ...more },
      }),
    put: (id: number, StackFileContent: string, more = {}): Promise<RawAnswer> =>
      call("PUT", `/stacks/${id}${query()}`, { body: { StackFileContent, ...more } }),
    file: async (id: number): Promise<string> =>
      (await call("GET", `/stacks/${id}/file`)).body.StackFileContent,
    /** A stack's networks are in use until its last task has ended. */
    remove: (id: number): Promise<RawAnswer> =>
      eventually(
        () => call("DELETE", `/stacks/${id}${query()}`),
        ({ status }) => status !== 500,
      ),
    /** The stack once its deployment is done: at once on versions that block. */
    settled: (id: number): Promise<RawAnswer> =>
      eventually(
        () => call("GET", `/stacks/${id}`),
        ({ body }) => body?.Status !== 3,
      ),
    /** Its tasks, once as many run as are wanted and none is on its way. */
    running: (name: string, count: number): Promise<readonly Task[]> =>
      eventually(
        () => tasks(name, { "desired-state": ["running"] }),
        (all) => all.length === count && all.every(({ Status }) => Status.State === "running"),
      ),
    updated: async (name: string, state: string): Promise<Service> => {
      const [found] = await eventually(
        () => services(name),
        ([service]) => service?.UpdateStatus?.State === state,
      );
      if (found === undefined) throw new Error(`the stack ${name} has no service`);
      return found;
    },
    /** The error of a deployment: of the answer where it waits for it, else of the stack's record. */
    failure: async (answer: RawAnswer): Promise<string | undefined> => {
      if (answer.status === 500) return answer.body.message;
      expect(answer.status).toBe(200);
      const { body } = await eventually(
        () => call("GET", `/stacks/${answer.body.Id}`),
        ({ body }) => body.Status !== 3,
      );
      return body.Status === 4 ? body.DeploymentStatus.at(-1).Message : undefined;
    },
  };
}

export async function eventually<T>(ask: () => Promise<T>, fits: (answer: T) => boolean): Promise<T> {
  const end = Date.now() + 45_000;
  for (;;) {
    const answer = await ask();
    if (fits(answer) || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Without the digest that a registry has told. */
export function imageOf({ ContainerSpec }: { readonly ContainerSpec: { readonly Image: string } }): string {
  return ContainerSpec.Image.replace(/@sha256:.*/, "");
}

/** One service, whose lines may be more, as those below its `deploy`. */
export function fileOf(image: string, more = "", deploy = ""): string {
  return `services:
  web:
    image: ${image}
    command: ["sleep", "600"]
    stop_grace_period: 0s
${more}    deploy:
      endpoint_mode: dnsrr
${deploy}`;
}
