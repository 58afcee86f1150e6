// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files have variables of this form
/** The client of Portainer: stacks, in each of the versions' ways. */
import { beforeEach, describe, expect, test } from "vitest";
import { normalizeStackName } from "../../src/apis/portainer/client.ts";
import { ApiError, TransportError } from "../../src/errors.ts";
import { agent, changes, closeAfterEach, engine, failure, file, now, start } from "./portainer-fixture.ts";

closeAfterEach();

test.each([
  ["My Stack.v2", "mystackv2"],
  ["qdrant_service", "qdrant_service"],
  ["-a_B", "-a_b"],
  ["!!!", ""],
])("the name %s becomes %s", (name, expected) => {
  expect(normalizeStackName(name)).toBe(expected);
});

describe.each([
  ["deploying at once", { version: "2.23.0" }, false],
  ["deploying behind the answer", { version: "2.45.0", command: "--no-setup-token" }, true],
])("stacks, %s", (_, options, behind) => {
  beforeEach(async () => {
    await start(options);
    await now.client.createEnvironment(agent);
  });
  const env = [{ name: "TAG", value: "1.27" }];

  test("a stack is created, shown, updated and removed", async () => {
    const made = await now.client.createStack(1, { name: "My App", file, env });
    expect(made).toEqual({ id: 1, name: "myapp", environmentId: 1, compose: true, status: "active", env });
    expect(await now.client.stacks()).toEqual([made]);
    expect(await now.client.stackFile(1)).toBe(file);
    const [container] = await now.client.containers(1, "myapp");
    expect(container).toMatchObject({
      name: "myapp-web-1",
      service: "web",
      image: "nginx:1.27",
      state: "running",
      status: expect.stringMatching(/^Up /),
    });
    const changed = await now.client.updateStack(1, 1, {
      name: "myapp",
      file: file.replace("1.27", "1.28"),
      env: [],
    });
    expect(changed).toMatchObject({ status: "active", env: [] });
    expect((await now.client.containers(1, "myapp")).map(({ image }) => image)).toEqual(["nginx:1.28"]);
    await now.client.deleteStack(1, 1);
    await now.client.deleteStack(1, 1);
    expect(await now.client.stacks()).toEqual([]);
    expect(engine().state.containers.map(({ name }) => name)).toEqual(["portainer_agent"]);
  });

  test("a deployment that fails says why", async () => {
    const bad = { name: "bad", file: "services:\n  web:\n    image: ${IMAGE:?say which}\n", env };
    const error = await failure(now.client.createStack(1, bad));
    expect(error).toBeInstanceOf(ApiError);
    expect(error.message).toContain("required variable IMAGE is missing a value: say which");
    expect((await now.client.stacks()).map(({ status }) => status)).toEqual(behind ? ["error"] : []);
  });

  test("an update that fails says why", async () => {
    await now.client.createStack(1, { name: "app", file, env });
    const error = await failure(now.client.updateStack(1, 1, { name: "app", file: "services: [", env }));
    expect(error.status).toBe(500);
    // Up to 2.39 the stack is gone by now: whoever updates must prove the file first.
    expect(await now.client.containers(1, "app")).toHaveLength(behind ? 1 : 0);
  });

  test("an answer that is lost is looked for, and nothing is created twice", async () => {
    now.network.intercept = async ({ method }, send) => {
      const response = await send();
      if (method === "POST" && response.text.includes('"Name":"app"'))
        throw new TransportError("portainer", "no answer");
      return response;
    };
    expect(await now.client.createStack(1, { name: "app", file, env })).toMatchObject({
      id: 1,
      status: "active",
    });
    expect(changes().filter((each) => each.endsWith("/string"))).toHaveLength(1);
    now.network.intercept = async ({ method }, send) => {
      const response = await send();
      if (method === "PUT") throw new TransportError("portainer", "no answer");
      return response;
    };
    now.lab.context.advance(2_000);
    expect(
      await now.client.updateStack(1, 1, { name: "app", file: file.replace("1.27", "1.28"), env }),
    ).toMatchObject({ status: "active" });
  });

  test("a creation that nobody received is an error that says what to do", async () => {
    now.network.intercept = ({ url }) => {
      if (url.includes("/stacks/create/")) throw new TransportError("portainer", "no answer");
      return undefined;
    };
    const error = await failure(now.client.createStack(1, { name: "app", file, env }));
    expect(error).toBeInstanceOf(TransportError);
    expect(error.hint).toContain("look at the stack in Portainer");
    expect(changes().filter((each) => each.endsWith("/string"))).toHaveLength(1);
  });

  test("a name that Portainer would make empty is refused, and a stack is removed from its own environment only", async () => {
    expect(await failure(now.client.createStack(1, { name: "!!!", file, env }))).toMatchObject({
      status: 400,
    });
    await now.client.createStack(1, { name: "app", file, env });
    expect(await failure(now.client.deleteStack(1, 2))).toMatchObject({ status: 409 });
    now.network.intercept = ({ method }) =>
      method === "DELETE" ? { status: 404, headers: {}, text: "{}" } : undefined;
    expect(await failure(now.client.deleteStack(1, 1))).toMatchObject({ status: 404 });
    now.network.intercept = async ({ method }, sent) => {
      const response = await sent();
      if (method === "DELETE") throw new TransportError("portainer", "no answer");
      return response;
    };
    await now.client.createStack(1, { name: "gone", file, env });
    await now.client.deleteStack(2, 1);
    expect(await now.client.containers(1, "app")).toHaveLength(1);
  });

  test("an update waits for a deployment that is under way", async () => {
    await now.client.createStack(1, { name: "app", file, env });
    const first = now.client.updateStack(1, 1, { name: "app", file: file.replace("1.27", "1.28"), env });
    const second = now.client.updateStack(1, 1, { name: "app", file: file.replace("1.27", "1.29"), env });
    expect([await first, await second]).toMatchObject([{ status: "active" }, { status: "active" }]);
    expect(await now.client.containers(1, "app")).toHaveLength(1);
  });
});
