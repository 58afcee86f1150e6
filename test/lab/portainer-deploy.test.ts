/** What the lab's Portainer does beyond the contract: what failed deployments leave, and what can be broken (measured on 2.23). */
import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import {
  addAgent,
  call,
  closeAfterEach,
  create,
  createAdmin,
  engine,
  file,
  logIn,
  make,
  now,
  open,
  running,
  send,
} from "./portainer-driver.ts";

closeAfterEach();

describe("stacks up to 2.39", () => {
  test("an update that fails takes the whole stack down, and its record says active", async () => {
    await open();
    await addAgent();
    await create("app", `${file}    volumes: ["data:/data"]\nvolumes:\n  data:\n`);
    const put = (StackFileContent: string, more = {}) =>
      call("PUT", "/stacks/1?endpointId=1", { body: { StackFileContent, ...more } });
    const pulled = await put(file.replace("nginx", "missing/app"), { PullImage: true });
    expect(pulled.body.message).toMatch(/^failed to pull images of the stack: /);
    expect(running()).toEqual(["app-web-1"]);
    const failed = await put("services: [");
    expect(failed).toMatchObject({
      status: 500,
      body: { message: expect.stringMatching(/^failed to deploy a stack: yaml: /) },
    });
    expect(running()).toEqual([]);
    expect(engine().state.volumes.map(({ name }) => name)).toEqual(["app_data"]);
    expect((await call("GET", "/stacks/1")).body).toMatchObject({ Status: 1, UpdateDate: 0 });
    expect((await call("GET", "/stacks/1/file")).body.StackFileContent).toContain("data:/data");
    expect((await call("POST", "/stacks/1/start?endpointId=1")).body).toMatchObject({
      message: "Stack is already active",
    });
    expect((await put(file)).status).toBe(200);
  });

  test("orphans stay, whatever Prune says, unless the server's environment says otherwise", async () => {
    await open();
    await addAgent();
    await create("app", `${file}  old:\n    image: nginx\n`);
    await call("PUT", "/stacks/1?endpointId=1", { body: { StackFileContent: file, Prune: true } });
    expect(running()).toEqual(["app-old-1", "app-web-1"]);
  });

  test("containers of a project that no stack has are adopted; a stack's name is taken once its containers are here", async () => {
    await open();
    await addAgent();
    now.lab.write("vm/1002", "/srv/docker-compose.yml", file);
    await now.lab.run("vm/1002", "compose -f /srv/docker-compose.yml -p app up -d");
    const [before] = engine().state.containers.filter(({ name }) => name === "app-web-1");
    expect((await create("app", file)).status).toBe(200);
    expect(engine().container("app-web-1").id).toBe(before?.id);
    await addAgent({ Name: "again" });
    const other = await call("POST", "/stacks/create/standalone/string?endpointId=2", {
      body: { Name: "app", StackFileContent: file },
    });
    expect(other.status).toBe(409);
  });

  test("removal with another environment's number leaves the real one running without a record", async () => {
    await open();
    await addAgent();
    await create("app", file);
    expect(
      (await call("POST", "/endpoints", { form: { Name: "own", EndpointCreationType: "1" } })).status,
    ).toBe(200);
    expect((await call("DELETE", "/stacks/1?endpointId=2")).status).toBe(204);
    expect(running()).toEqual(["app-web-1"]);
    expect((await call("GET", "/stacks")).body).toEqual([]);
  });

  test("variables are a file beside the stack's, the server's own environment wins", async () => {
    await open();
    await addAgent();
    const text = `${file}    env_file: stack.env\n    environment: ["HOST=\${HOSTNAME}", "B=\${B}"]\n`;
    const Env = [
      { name: "A", value: "a #b" },
      { name: "B", value: "'$literal'" },
      { name: "HOSTNAME", value: "mine" },
    ];
    expect((await create("app", text, Env)).status).toBe(200);
    expect(engine().container("app-web-1").env).toEqual(
      expect.arrayContaining(["A=a", "B=$literal", expect.stringMatching(/^HOST=[0-9a-f]{12}$/)]),
    );
    const written = readFileSync(
      now.lab.context.path("vm/1001", "/persistent-storage/portainer/compose/1/stack.env"),
      "utf8",
    );
    expect(written).toBe("A=a #b\nB='$literal'\nHOSTNAME=mine\n");
  });
});

describe("stacks of newer versions", () => {
  test("a failed deployment keeps its record and its containers; orphans go with Prune", async () => {
    await make({ version: "2.45.0", command: "--no-setup-token" });
    await createAdmin();
    await logIn();
    await addAgent();
    const settled = async () => {
      for (;;) {
        const { body } = await call("GET", "/stacks/1");
        if (body.Status !== 3) return body;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const put = (StackFileContent: string) =>
      call("PUT", "/stacks/1?endpointId=1", { body: { StackFileContent, Prune: true } });
    // The deployment starts by a timer: it waits until both requests have been answered.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    expect((await create("app", `${file}  old:\n    image: nginx\n`)).body).toMatchObject({ Status: 3 });
    expect(await put(file)).toMatchObject({
      status: 409,
      body: { message: "Unable to update stack", details: "Stack deployment is already in progress" },
    });
    vi.advanceTimersByTime(1_000);
    vi.useRealTimers();
    expect(await settled()).toMatchObject({ Status: 1 });
    await put("services: [");
    expect(await settled()).toMatchObject({ Status: 4 });
    expect(running()).toEqual(["app-old-1", "app-web-1"]);
    await put(file);
    expect(await settled()).toMatchObject({ Status: 1, Option: { Prune: true } });
    expect(running()).toEqual(["app-web-1"]);
  });
});

describe("what is broken", () => {
  test("an engine or agent that is gone, and the lab's faults", async () => {
    await open();
    await addAgent();
    const proxied = () => call("GET", "/endpoints/1/docker/_ping");
    await now.lab.run("vm/1002", "stop portainer_agent");
    expect(await proxied()).toMatchObject({ status: 502, text: "" });
    expect((await create("app", file)).body.message).toBe("Unable to check for name collision");
    await now.lab.run("vm/1002", "start portainer_agent");
    expect((await proxied()).status).toBe(200);
    now.lab.context.breaks("error-500", "agent");
    expect((await proxied()).status).toBe(500);
    now.lab.context.mend();
    now.lab.context.breaks("error-500", "portainer");
    expect((await send("GET", "/api/status")).status).toBe(500);
  });

  test("a login that is forgotten works once", async () => {
    await open();
    now.lab.context.breaks("expired-token", "portainer");
    expect((await call("GET", "/stacks")).status).toBe(200);
    expect((await call("GET", "/stacks")).status).toBe(401);
    await logIn();
    for (let at = 0; at < 3; at += 1) expect((await call("GET", "/stacks")).status).toBe(200);
  });
});
