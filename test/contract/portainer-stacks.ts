// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files have variables of this form
/** Stacks: creation, change, start and stop, removal. */
import { describe, expect, test } from "vitest";
import { type ContractSession, words } from "./portainer-session.ts";
import type { RawAnswer } from "./raw-http.ts";

export function stackContract(on: ContractSession): void {
  const { call } = on;

  describe("stacks", () => {
    const project = `contract${on.mark}`;
    const file = (more = "") =>
      `services:\n  web:\n    image: ${on.server.image}\n    command: ["sleep", "600"]\n    stop_grace_period: 1s\n${more}`;
    const create = (body: unknown, query = `?endpointId=${on.agentId}`) =>
      call("POST", `/stacks/create/standalone/string${query}`, { body });
    const put = (id: number, body: unknown, query = `?endpointId=${on.agentId}`) =>
      call("PUT", `/stacks/${id}${query}`, { body });
    const containers = async (): Promise<
      { Id: string; Names: string[]; State: string; Labels: Record<string, string> }[]
    > => {
      const filters = encodeURIComponent(
        JSON.stringify({ label: [`com.docker.compose.project=${project}`] }),
      );
      return (
        await call("GET", `/endpoints/${on.agentId}/docker/containers/json?all=true&filters=${filters}`)
      ).body;
    };
    /** The stack once its deployment is done: at once on versions that block. */
    const settled = async (id: number): Promise<RawAnswer> => {
      for (;;) {
        const answer = await call("GET", `/stacks/${id}`);
        if (answer.body?.Status !== 3) return answer;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };
    let id = 0;

    test("a creation is checked in order: environment, then payload", async () => {
      expect(await create({}, "")).toMatchObject({
        status: 400,
        body: words("Invalid query parameter: endpointId"),
      });
      expect(await create({}, "?endpointId=999999")).toMatchObject({
        status: 404,
        body: words("Unable to find an environment with the specified identifier inside the database"),
      });
      expect(await create({ StackFileContent: file() })).toMatchObject({
        status: 400,
        body: words("Invalid request payload", "Invalid stack name"),
      });
      expect(await create({ Name: "x" })).toMatchObject({
        status: 400,
        body: words("Invalid request payload", "Invalid stack file content"),
      });
    });

    test("a failed creation leaves no containers: 500 and no record, or a record with the error", async () => {
      const Name = `${project}bad`;
      const answer = await create({
        Name,
        StackFileContent: "services:\n  web:\n    image: ${X:?is not set}\n",
      });
      if (answer.status === 500) {
        expect(answer.body.message).toMatch(/^failed to deploy a stack: /);
        expect(
          (await call("GET", "/stacks")).body.map((stack: { Name: string }) => stack.Name),
        ).not.toContain(Name);
      } else {
        const { body } = await settled(answer.body.Id);
        expect(body).toMatchObject({
          Status: 4,
          DeploymentStatus: expect.arrayContaining([expect.objectContaining({ Status: 4 })]),
        });
        await call("DELETE", `/stacks/${answer.body.Id}?endpointId=${on.agentId}`);
      }
    });

    test("the name is normalised, the file kept byte for byte, the containers labelled", async () => {
      const text = `${file('    environment: ["A=${A}"]\n    volumes: ["./data:/data"]\n')}# ünchanged\n`;
      const made = await create({
        Name: `${project.toUpperCase()}!.`,
        StackFileContent: text,
        Env: [{ name: "A", value: "one" }],
      });
      expect(made.status).toBe(200);
      id = made.body.Id;
      expect((await settled(id)).body).toMatchObject({
        Name: project,
        Type: 2,
        EndpointId: on.agentId,
        Status: 1,
        Env: [{ name: "A", value: "one" }],
        EntryPoint: "docker-compose.yml",
      });
      expect(await call("GET", `/stacks/${id}/file`)).toMatchObject({
        status: 200,
        body: { StackFileContent: text },
      });
      const [container, ...others] = await containers();
      expect(others).toEqual([]);
      expect(container).toMatchObject({
        Names: [`/${project}-web-1`],
        State: "running",
        Labels: { "com.docker.compose.service": "web" },
      });
      const { body } = await call("GET", `/endpoints/${on.agentId}/docker/containers/${container?.Id}/json`);
      expect(body.Config.Env).toContain("A=one");
      // The engine is another machine, or not: either way the path is the server's own.
      expect(
        body.HostConfig.Binds ??
          body.Mounts.map(({ Source, Destination }: Record<string, string>) => `${Source}:${Destination}`),
      ).toEqual([expect.stringMatching(new RegExp(`/compose/${id}(/v\\d+)?/data:/data`))]);
    });

    test("a name is taken once on an environment", async () => {
      const again = await create({ Name: project, StackFileContent: file() });
      expect(again).toMatchObject({
        status: 409,
        body: { message: `A stack with the normalized name '${project}' already exists` },
      });
    });

    test("lists filter by a number in JSON", async () => {
      const list = (filters: unknown) =>
        call("GET", `/stacks?filters=${encodeURIComponent(JSON.stringify(filters))}`);
      expect((await list({ EndpointID: on.agentId })).body.map((stack: { Id: number }) => stack.Id)).toEqual([
        id,
      ]);
      expect((await list({ EndpointID: 999_999 })).body).toEqual([]);
      expect((await list({ EndpointID: String(on.agentId) })).status).toBe(400);
    });

    test("an update without changes touches no container, and forgets variables that are not sent", async () => {
      const before = await containers();
      const { body } = await call("GET", `/stacks/${id}/file`);
      expect(
        (
          await put(id, {
            StackFileContent: body.StackFileContent,
            Env: [{ name: "A", value: "one" }],
            Prune: true,
          })
        ).status,
      ).toBe(200);
      await settled(id);
      expect((await containers()).map(({ Id }) => Id)).toEqual(before.map(({ Id }) => Id));
      expect((await put(id, { StackFileContent: body.StackFileContent })).status).toBe(200);
      expect((await settled(id)).body).toMatchObject({
        Status: 1,
        Env: null,
        UpdateDate: expect.any(Number),
      });
      expect((await containers()).map(({ Id }) => Id)).not.toEqual(before.map(({ Id }) => Id));
    });

    test("an update says which environment, and has a file", async () => {
      expect(await put(id, { StackFileContent: file() }, "")).toMatchObject({
        status: 400,
        body: words("Invalid query parameter: endpointId"),
      });
      expect((await put(999_999, { StackFileContent: file() })).status).toBe(404);
      expect(await put(id, {})).toMatchObject({
        status: 400,
        body: words("Invalid request payload", "Invalid stack file content"),
      });
    });

    test("a stack that runs cannot be started; stopping removes its containers", async () => {
      expect((await call("POST", `/stacks/${id}/start?endpointId=${on.agentId}`)).status).toBe(409);
      expect(await call("POST", `/stacks/${id}/stop?endpointId=${on.agentId}`)).toMatchObject({
        status: 200,
        body: { Status: 2 },
      });
      expect(await containers()).toEqual([]);
      expect((await call("POST", `/stacks/${id}/start?endpointId=${on.agentId}`)).status).toBe(200);
      expect((await settled(id)).body).toMatchObject({ Status: 1 });
      expect(await containers()).toHaveLength(1);
    });

    test("removal names the environment, takes the containers, and is 204", async () => {
      expect((await call("DELETE", "/stacks/999999?endpointId=1")).status).toBe(404);
      expect((await call("DELETE", `/stacks/${id}`)).status).toBe(404);
      expect(await call("DELETE", `/stacks/${id}?endpointId=${on.agentId}`)).toMatchObject({
        status: 204,
        text: "",
      });
      expect((await call("GET", `/stacks/${id}`)).status).toBe(404);
      expect(await containers()).toEqual([]);
    });
  });
}
