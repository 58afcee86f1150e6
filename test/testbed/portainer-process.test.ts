/** Portainer's containers as processes: what outlives them, what they are given at their start, whom agents trust. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RawRequest, rawHttp } from "../contract/raw-http.ts";
import { boot, down, eventually, expectRun, run, unavailable, write } from "./machines.ts";
import { docker, startAgent, startPortainer, startServer } from "./portainer-containers.ts";
import { type Relay, relay } from "./relay.ts";

describe.skipIf(unavailable !== undefined)("the processes of the testbed's Portainer", () => {
  const vm = "vm-1001";
  const version = "2.23.0";
  const password = "a long enough password";
  const given = {
    version,
    mounts: ["/srv/given:/given:ro"],
    options: ["--admin-password-file", "/given/password"],
  };
  let server: Relay | undefined;
  const send = (method: string, path: string, more: RawRequest = {}) =>
    rawHttp(`https://127.0.0.1:${server?.port}`)(method, `/api${path}`, more);
  const logIn = async (): Promise<Record<string, string>> => {
    const { status, body } = await send("POST", "/auth", { body: { Username: "admin", Password: password } });
    expect(status).toBe(200);
    return { authorization: `Bearer ${body.jwt}` };
  };
  const add = async (Name: string) =>
    send("POST", "/endpoints", {
      headers: await logIn(),
      form: {
        Name,
        EndpointCreationType: "2",
        URL: "tcp://10.9.0.101:9001",
        TLS: "true",
        TLSSkipVerify: "true",
        TLSSkipClientVerify: "true",
      },
    });

  beforeAll(async () => {
    await boot(join(import.meta.dirname, "docker.json"));
    await expectRun(vm, ["mkdir", "-p", "/srv/given"]);
    await write(vm, "/srv/given/password", `${password}\n`);
    server = await relay(vm, 9443);
  });
  afterAll(async () => {
    server?.close();
    await down();
  });

  test("the administrator comes from a file, once; environments and keys outlive the container, logins do not", async () => {
    await startPortainer(vm, given);
    const headers = await logIn();
    const key = await send("POST", "/users/1/tokens", { headers, body: { password, description: "kept" } });
    expect((await add("kept")).status).toBe(200);
    await write(vm, "/srv/given/password", "another password, which comes too late\n");
    await startServer(vm, given);
    await write(vm, "/srv/given/password", `${password}\n`);
    expect((await send("GET", "/endpoints", { headers })).status).toBe(401);
    expect((await send("GET", "/endpoints?name=kept", { headers: await logIn() })).body).toHaveLength(1);
    const byKey = await send("GET", "/endpoints", { headers: { "x-api-key": key.body.rawAPIKey } });
    expect(byKey.status).toBe(200);
  });

  test("an agent without a secret is its first server's; one with a secret is everybody's who knows it", async () => {
    await startPortainer(vm, given);
    expect((await add("first")).status).toBe(200);
    // A server that has lost its data is a stranger.
    await expectRun(vm, ["rm", "-rf", "/srv/portainer"]);
    await startServer(vm, given);
    expect(await add("stranger")).toMatchObject({
      status: 500,
      body: {
        message: "Unable to initiate communications with environment",
        details: "Agent already paired with another Portainer instance",
      },
    });
    await docker(vm, "restart", "--time=1", "portainer_agent");
    expect(
      (
        await eventually(
          () => add("again"),
          ({ status }) => status === 200,
        )
      ).status,
    ).toBe(200);
    await startAgent(vm, "a secret of both");
    expect((await add("without")).status).toBe(500);
    await expectRun(vm, ["rm", "-rf", "/srv/portainer"]);
    await startServer(vm, { ...given, secret: "a secret of both" });
    expect((await add("with")).status).toBe(200);
  });

  test("an agent that is gone is 502, and serves again when it is back", async () => {
    await startPortainer(vm, given);
    const { Id } = (await add("agent")).body;
    const headers = await logIn();
    const ping = () => send("GET", `/endpoints/${Id}/docker/_ping`, { headers });
    expect(await ping()).toMatchObject({ status: 200, text: "OK" });
    await docker(vm, "stop", "--time=1", "portainer_agent");
    expect(await ping()).toMatchObject({ status: 502, text: "" });
    await docker(vm, "start", "portainer_agent");
    expect(await eventually(ping, ({ status }) => status === 200)).toMatchObject({ status: 200 });
  });

  test("its own engine is an environment when -H names it, and stacks are deployed there", async () => {
    await startPortainer(vm, { ...given, options: [...given.options, "-H", "unix:///var/run/docker.sock"] });
    const headers = await logIn();
    const [own] = (await send("GET", "/endpoints", { headers })).body;
    expect(own).toMatchObject({ Name: "primary", Type: 1, URL: "unix:///var/run/docker.sock", Status: 1 });
    const StackFileContent = 'services:\n  web:\n    image: alpine:3\n    command: ["sleep", "600"]\n';
    const path = `/stacks/create/standalone/string?endpointId=${own.Id}`;
    const made = await send("POST", path, { headers, body: { Name: "own", StackFileContent } });
    expect(made).toMatchObject({ status: 200, body: { Status: 1 } });
    const label = "--filter=label=com.docker.compose.project=own";
    expect(await docker(vm, "ps", "--quiet", label)).not.toBe("");
    await docker(vm, "rm", "--force", ...(await docker(vm, "ps", "--quiet", label)).trim().split("\n"));
  });

  test("it serves the certificate that it is given, and takes up another without a new container", async () => {
    const pair = async (name: string) => {
      const files = ["-keyout", `/srv/given/${name}.key`, "-out", `/srv/given/${name}.crt`];
      const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", `/CN=${name}`];
      await expectRun(vm, ["openssl", "req", "-x509", "-nodes", "-days", "2", ...kind, ...files]);
      const read = (ending: string) => expectRun(vm, ["cat", `/srv/given/${name}.${ending}`]);
      return { Cert: await read("crt"), Key: await read("key") };
    };
    const served = async () => {
      const command =
        "openssl s_client -connect 127.0.0.1:9443 </dev/null 2>/dev/null | openssl x509 -noout -subject";
      return (await run(vm, ["sh", "-c", command])).stdout.trim();
    };
    await pair("first");
    await startPortainer(vm, {
      ...given,
      options: [...given.options, "--sslcert", "/given/first.crt", "--sslkey", "/given/first.key"],
    });
    expect(await served()).toBe("subject=CN=first");
    const other = await pair("other");
    await startPortainer(vm, given);
    const headers = await logIn();
    expect((await send("PUT", "/ssl", { headers, body: other })).status).toBe(204);
    expect(await eventually(served, (subject) => subject === "subject=CN=other")).toBe("subject=CN=other");
    expect((await send("GET", "/endpoints", { headers })).status).toBe(401);
    await docker(vm, "restart", "--time=1", "portainer_server");
    expect(await eventually(served, (subject) => subject === "subject=CN=other")).toBe("subject=CN=other");
  });

  test("without an administrator a newer one wants the token from its log", async () => {
    await startPortainer(vm, { version: "2.44.0" });
    const init = (headers: Record<string, string>) =>
      send("POST", "/users/admin/init", { headers, body: { Username: "admin", Password: password } });
    expect((await init({})).status).toBe(403);
    const log = await docker(vm, "logs", "portainer_server");
    const token = /setup_token=([0-9a-f]{64})/.exec(log)?.[1] ?? "";
    expect((await init({ "x-setup-token": token })).status).toBe(200);
  });
});
