/** The client of Portainer: environments, and the engines behind them. */
import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/secret.ts";
import {
  agent,
  changes,
  closeAfterEach,
  engine,
  failure,
  now,
  open,
  password,
  start,
} from "./portainer-fixture.ts";

closeAfterEach();

describe("environments", () => {
  test("an agent is added by the form that Portainer wants", async () => {
    await start();
    const made = await now.client.createEnvironment(agent);
    expect(made).toEqual({ ...agent, id: 1, up: true, tls: true, tlsSkipVerify: true });
    expect(await now.client.environments()).toEqual([made]);
    expect(await now.client.isUp(1)).toBe(true);
    await now.lab.run("vm/1002", "stop portainer_agent");
    expect(await now.client.isUp(1)).toBe(false);
    expect((await now.client.environments())[0]?.up).toBe(false);
    expect(changes().slice(1)).toEqual(["POST /api/endpoints"]);
  });

  test("its own engine is one without an agent", async () => {
    await start();
    const made = await now.client.createEnvironment({
      name: "primary",
      kind: "local",
      url: "unix:///var/run/docker.sock",
    });
    expect(made).toMatchObject({ kind: "local", tls: false, up: true });
    expect(await now.client.hasImage(made.id, "portainer/portainer-ce:2.23.0")).toBe(true);
  });

  test("one that is there is brought up to date instead", async () => {
    await start();
    await now.client.createEnvironment({ ...agent, url: "https://10.0.0.102:9001" });
    expect(await now.client.createEnvironment(agent)).toMatchObject({ id: 1, url: agent.url });
    expect(await now.client.environments()).toMatchObject([
      { id: 1, url: agent.url, tls: true, tlsSkipVerify: true },
    ]);
  });

  test("an agent that is not there is tried a few times, and named", async () => {
    await start();
    const error = await failure(now.client.createEnvironment({ ...agent, url: "tcp://10.0.0.102:9002" }));
    expect(error).toMatchObject({ status: 500, hint: expect.stringContaining("could not reach the agent") });
    expect(changes().filter((each) => each === "POST /api/endpoints")).toHaveLength(3);
  });

  test.each([
    ["paired with another server", {}, true],
    ["with a secret on one side only", { agentSecret: "s3cret" }, false],
  ])("an agent %s is not tried again", async (_, options, foreign) => {
    await start(options);
    if (foreign) {
      await now.client.createEnvironment(agent);
      await now.lab.run("vm/1001", "rm -f portainer_server");
      // Without its data a server is another one to its agents.
      await now.lab.run(
        "vm/1001",
        "run -d --name portainer_server -p 9443:9443 portainer/portainer-ce:2.23.0",
      );
      now.client = open();
      await now.client.createAdmin("admin", new Secret(password));
      now.network.requests.length = 0;
    }
    const error = await failure(now.client.createEnvironment({ ...agent, name: "again" }));
    expect(error.message).toContain("already paired");
    expect(error.hint).toContain("AGENT_SECRET");
    expect(changes().filter((each) => each === "POST /api/endpoints")).toHaveLength(1);
  });

  test("the same secret on both sides is enough for any server", async () => {
    await start({ serverSecret: "s3cret", agentSecret: "s3cret" });
    expect(await now.client.createEnvironment(agent)).toMatchObject({ up: true });
  });
});

describe("the engine", () => {
  beforeEach(async () => {
    await start();
    await now.client.createEnvironment(agent);
  });
  const options = { type: "nfs", o: "addr=10.0.0.13,rw", device: ":/tank/1002/data" };

  test("volumes are made as asked, or not at all", async () => {
    const volume = { name: "data", driver: "local", options, labels: { a: "b" } };
    await now.client.createVolume(1, volume);
    await now.client.createVolume(1, volume);
    expect(await now.client.volumes(1)).toEqual([volume]);
    const error = await failure(now.client.createVolume(1, { ...volume, options: {} }));
    expect(error).toMatchObject({
      status: 409,
      message: "volume data exists with other options; it was kept",
    });
  });

  test("images are pulled, with the registry's words when that fails", async () => {
    expect(await now.client.hasImage(1, "registry.example.net:5000/team/app:2")).toBe(false);
    await now.client.pullImage(1, "registry.example.net:5000/team/app:2");
    expect(await now.client.hasImage(1, "registry.example.net:5000/team/app:2")).toBe(true);
    await now.client.pullImage(1, "nginx");
    expect(await now.client.hasImage(1, "nginx:latest")).toBe(true);
    const digest = `nginx:1.27@sha256:${"a".repeat(64)}`;
    await now.client.pullImage(1, digest);
    expect(engine().hasImage(`nginx@sha256:${"a".repeat(64)}`)).toBe(true);
    expect((await failure(now.client.pullImage(1, "missing/app:1"))).message).toContain("pull access denied");
    now.network.intercept = ({ url }) =>
      url.includes("/images/create")
        ? { status: 200, headers: {}, text: '{"status":"x"}\n{"error":"no space left on device"}\n' }
        : undefined;
    expect((await failure(now.client.pullImage(1, "nginx"))).message).toContain("no space left on device");
  });

  test("a container's last lines come without their frames", async () => {
    await now.client.createStack(1, {
      name: "app",
      file: "services:\n  web:\n    image: exits/now\n",
      env: [],
    });
    const [container] = await now.client.containers(1, "app");
    expect(container).toMatchObject({ state: "exited", status: expect.stringMatching(/^Exited \(1\)/) });
    expect(await now.client.containerLogs(1, container!.id, 10)).toBe("fatal: the process ends at once\n");
    await now.client.removeContainer(1, container!.id);
    await now.client.removeContainer(1, container!.id);
    expect(await now.client.containers(1, "app")).toEqual([]);
  });

  test("an agent that is gone is named as the cause", async () => {
    await now.lab.run("vm/1002", "stop portainer_agent");
    expect(await failure(now.client.volumes(1))).toMatchObject({
      status: 502,
      hint: expect.stringContaining("cannot reach the agent"),
    });
  });
});
