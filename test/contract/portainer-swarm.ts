// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files have variables of this form
/**
 * What Portainer's API promises of a Docker Swarm behind an agent's environment (2.23 over Docker 26.1), as raw HTTP: one suite for
 * a real server, the testbed's over real engines, and the lab's. The names of what it makes begin with "contract"; it removes them.
 * Its services publish ports of their nodes and are found by DNS: not every kernel has what the routing mesh needs.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ContractSession,
  contractSession,
  logIn,
  type PortainerUnderTest,
  words,
} from "./portainer-session.ts";
import { contentContract } from "./swarm-contents.ts";
import { failingUpdateContract, refusalContract } from "./swarm-failures.ts";
import { fileOf, type Service, type SwarmCalls, swarmCalls } from "./swarm-session.ts";

/** A Swarm whose manager the agent is, or can ask. */
export interface SwarmUnderTest extends PortainerUnderTest {
  /** A port that is free on every node. */
  readonly freePort: number;
}

export function portainerSwarmContract(name: string, make: () => Promise<SwarmUnderTest>): void {
  describe(`portainer's Swarm contract: ${name}`, { timeout: 120_000 }, () => {
    const on = contractSession();
    const swarm = swarmCalls(on);
    let port = 0;

    beforeAll(async () => {
      const server = await make();
      on.server = server;
      port = server.freePort;
      await logIn(on);
      const made = await on.call("POST", "/endpoints", { form: on.agentForm() });
      expect(made).toMatchObject({ status: 200, body: { Type: 2, Status: 1 } });
      on.agentId = made.body.Id;
    }, 60_000);

    afterAll(async () => {
      for (const { Id, Name } of (await on.call("GET", "/stacks")).body ?? [])
        if (Name.startsWith(`contract${on.mark}`)) await swarm.remove(Id);
      await on.call("DELETE", `/endpoints/${on.agentId}`);
    });

    identityContract(on, swarm);
    swarmStackContract(on, swarm);
    refusalContract(on, swarm);
    failingUpdateContract(on, swarm, () => port);
    contentContract(on, swarm);
  });
}

function identityContract(on: ContractSession, { docker, swarmId }: SwarmCalls): void {
  test("an environment of a Swarm is an agent's, whose engine tells that it manages one", async () => {
    const { body: info } = await docker("GET", "/info");
    expect(info.Swarm).toMatchObject({ LocalNodeState: "active", ControlAvailable: true });
    const { status, body } = await docker("GET", "/swarm");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ID: expect.stringMatching(/^[a-z0-9]{25}$/),
      JoinTokens: {
        Worker: expect.stringMatching(/^SWMTKN-1-/),
        Manager: expect.stringMatching(/^SWMTKN-1-/),
      },
    });
    expect(info.Swarm.Cluster.ID).toBe(await swarmId());
    const { body: nodes } = await docker("GET", "/nodes");
    expect(nodes.length).toBe(info.Swarm.Nodes);
    expect(nodes[0]).toMatchObject({
      ID: expect.stringMatching(/^[a-z0-9]{25}$/),
      Spec: { Role: expect.stringMatching(/^(manager|worker)$/), Availability: "active" },
      Description: { Hostname: expect.any(String), Platform: { OS: "linux" } },
      Status: { State: "ready", Addr: expect.stringMatching(/^\d+\./) },
    });
    expect((await on.call("GET", `/endpoints/${on.agentId}`)).body).toMatchObject({ Type: 2, Status: 1 });
  });
}

function swarmStackContract(on: ContractSession, swarm: SwarmCalls): void {
  describe("a Swarm's stack", () => {
    const name = `contract${on.mark}s`;
    const Env = [
      { name: "CONTRACT_A", value: "a #b" },
      { name: "CONTRACT_B", value: "\"$x\" 'c' " },
    ];
    const file = (more = "") =>
      `${fileOf(on.server.image, '    environment: ["A=${CONTRACT_A}", "B=${CONTRACT_B}"]\n', "      update_config: { monitor: 1s }\n")}${more}# ünchanged\n`;
    const other = () =>
      `  other:\n    image: ${on.server.image}\n    command: ["sleep", "600"]\n    stop_grace_period: 0s\n    deploy: { endpoint_mode: dnsrr }\n`;
    let id = 0;

    test("needs a Swarm's number in its creation, which is looked at after the name and before the file", async () => {
      const create = (body: unknown) =>
        on.call("POST", `/stacks/create/swarm/string?endpointId=${on.agentId}`, { body });
      expect(await create({})).toMatchObject({
        status: 400,
        body: words("Invalid request payload", "Invalid stack name"),
      });
      expect(await create({ Name: "x" })).toMatchObject({
        status: 400,
        body: words("Invalid request payload", "Invalid Swarm ID"),
      });
      expect(await create({ Name: "x", SwarmID: "y" })).toMatchObject({
        status: 400,
        body: words("Invalid request payload", "Invalid stack file content"),
      });
    });

    test("gets its name in lower case, its file byte for byte, and its variables unchanged", async () => {
      const made = await swarm.create(name.toUpperCase(), file(other()), { Env });
      expect(made).toMatchObject({
        status: 200,
        body: { Name: name, Type: 1, SwarmId: await swarm.swarmId() },
      });
      id = made.body.Id;
      expect((await swarm.settled(id)).body).toMatchObject({ Status: 1, EndpointId: on.agentId, Env });
      expect(await swarm.file(id)).toBe(file(other()));
      const services = await swarm.services(name);
      expect(services.map(({ Spec }) => Spec.Name).sort()).toEqual([`${name}_other`, `${name}_web`]);
      const web = services.find(({ Spec }) => Spec.Name === `${name}_web`);
      expect(web).toMatchObject({
        Spec: {
          Labels: { "com.docker.stack.image": on.server.image, "com.docker.stack.namespace": name },
          Mode: { Replicated: { Replicas: 1 } },
          EndpointSpec: { Mode: "dnsrr" },
          TaskTemplate: { ContainerSpec: { Labels: { "com.docker.stack.namespace": name } } },
        },
      });
      expect(web?.Spec.TaskTemplate.ContainerSpec.Env.sort()).toEqual(["A=a #b", `B="$x" 'c' `]);
      expect(web?.UpdateStatus).toBeUndefined();
      const [task] = await swarm.running(name, 2);
      expect(task).toMatchObject({
        DesiredState: "running",
        NodeID: expect.stringMatching(/^[a-z0-9]{25}$/),
      });
    });

    test("is listed by its Swarm, not by its environment", async () => {
      const list = async (filters: unknown): Promise<readonly number[]> => {
        const { body } = await on.call(
          "GET",
          `/stacks?filters=${encodeURIComponent(JSON.stringify(filters))}`,
        );
        return body.map((stack: { Id: number }) => stack.Id);
      };
      expect(await list({ SwarmID: await swarm.swarmId() })).toContain(id);
      expect(await list({ EndpointID: on.agentId })).not.toContain(id);
      expect(await list({ EndpointID: on.agentId, SwarmID: await swarm.swarmId() })).toContain(id);
      expect(await list({ SwarmID: "nobody" })).toEqual([]);
    });

    test("moves its services' versions with an update that changes nothing, and touches no task", async () => {
      const before = await swarm.services(name);
      const tasks = await swarm.tasks(name);
      const answer = await swarm.put(id, file(other()), { Env });
      expect(await swarm.failure(answer)).toBeUndefined();
      const after = await swarm.services(name);
      // Only a creation asks the registry for the platforms of an image.
      const specOf = ({ Spec }: Service) => ({
        ...Spec,
        TaskTemplate: { ...Spec.TaskTemplate, Placement: { ...Spec.TaskTemplate.Placement, Platforms: [] } },
      });
      expect(after.map(specOf)).toEqual(before.map(specOf));
      for (const { ID, Version } of after)
        expect(Version.Index).toBeGreaterThan(before.find((each) => each.ID === ID)?.Version.Index ?? 0);
      expect((await swarm.tasks(name)).length).toBe(tasks.length);
    });

    test("keeps a service that left its file until an update prunes", async () => {
      expect(await swarm.failure(await swarm.put(id, file(), { Env }))).toBeUndefined();
      expect(await swarm.services(name)).toHaveLength(2);
      expect(await swarm.failure(await swarm.put(id, file(), { Env, Prune: true }))).toBeUndefined();
      expect((await swarm.services(name)).map(({ Spec }) => Spec.Name)).toEqual([`${name}_web`]);
    });

    test("gets new tasks when its variables change, and the old specification is remembered", async () => {
      const changed = [...Env.slice(1), { name: "CONTRACT_A", value: "two" }];
      expect(await swarm.failure(await swarm.put(id, file(), { Env: changed }))).toBeUndefined();
      const { Spec } = await swarm.updated(name, "completed");
      expect(Spec.TaskTemplate.ContainerSpec.Env).toContain("A=two");
      const [task] = await swarm.running(name, 1);
      expect(task?.Spec.ContainerSpec.Env).toContain("A=two");
      expect((await swarm.tasks(name, { "desired-state": ["shutdown"] })).length).toBeGreaterThan(0);
    });

    test("has its name alone, also beside services that the command line has made", async () => {
      const taken = (of: string) => ({
        status: 409,
        body: words(`A stack with the normalized name '${of}' already exists`),
      });
      expect(await swarm.create(name, file())).toMatchObject(taken(name));
      const strange = `contract${on.mark}cli`;
      const made = await swarm.docker("POST", "/services/create", {
        Name: `${strange}_web`,
        Labels: { "com.docker.stack.namespace": strange },
        TaskTemplate: {
          ContainerSpec: { Image: on.server.image, Command: ["sleep", "600"], StopGracePeriod: 0 },
        },
        EndpointSpec: { Mode: "dnsrr" },
      });
      expect(made).toMatchObject({ status: on.ownStatus ? 201 : 200, body: { ID: expect.any(String) } });
      expect(await swarm.create(strange, file())).toMatchObject(taken(strange));
      expect((await swarm.docker("DELETE", `/services/${strange}_web`)).status).toBe(200);
    });

    test("is removed with its services and its network", async () => {
      expect(await swarm.remove(id)).toMatchObject({ status: 204, text: "" });
      expect(await swarm.services(name)).toEqual([]);
      expect((await on.call("GET", `/stacks/${id}`)).status).toBe(404);
    });

    test("is deployed under the number of another Swarm as well, which is kept as it was sent", async () => {
      const made = await swarm.create(`${name}x`, fileOf(on.server.image), { SwarmID: "nobody's" });
      expect(made).toMatchObject({ status: 200, body: { SwarmId: "nobody's" } });
      await swarm.settled(made.body.Id);
      expect(await swarm.services(`${name}x`)).toHaveLength(1);
      expect((await swarm.remove(made.body.Id)).status).toBe(204);
    });

    test("may be a Compose stack of one node all the same", async () => {
      const path = `/stacks/create/standalone/string?endpointId=${on.agentId}`;
      const text = `services:\n  web:\n    image: ${on.server.image}\n    command: ["sleep", "600"]\n    stop_grace_period: 0s\n`;
      const made = await on.call("POST", path, { body: { Name: `${name}one`, StackFileContent: text } });
      expect(made).toMatchObject({ status: 200, body: { Type: 2, SwarmId: "" } });
      expect((await swarm.settled(made.body.Id)).body).toMatchObject({ Status: 1 });
      expect(await swarm.services(`${name}one`)).toEqual([]);
      expect((await swarm.remove(made.body.Id)).status).toBe(204);
    });
  });
}
