// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files have variables of this form
/** What becomes of a deployment that fails, of containers that are there already, and of variables. */
import { beforeAll, describe, expect, test } from "vitest";
import { type ContractSession, words } from "./portainer-session.ts";

export function deploymentContract(on: ContractSession): void {
  const { call } = on;

  describe("deployments", () => {
    const mark = `contract${on.mark}d`;
    const service = (more = "", image = on.server.image) =>
      `    image: ${image}\n    command: ["sleep", "600"]\n    stop_grace_period: 0s\n${more}`;
    const file = (more = "") => `services:\n  web:\n${service(more)}`;
    const query = () => `?endpointId=${on.agentId}`;
    const create = (Name: string, StackFileContent: string, more = {}) =>
      call("POST", `/stacks/create/standalone/string${query()}`, {
        body: { Name, StackFileContent, ...more },
      });
    const put = (id: number, StackFileContent: string, more = {}) =>
      call("PUT", `/stacks/${id}${query()}`, { body: { StackFileContent, ...more } });
    const remove = (id: number) => call("DELETE", `/stacks/${id}${query()}`);
    const docker = (method: string, path: string, body?: unknown) =>
      call(method, `/endpoints/${on.agentId}/docker${path}`, { body });
    const containers = async (
      name: string,
    ): Promise<{ Id: string; State: string; Labels: Record<string, string> }[]> =>
      (await docker("GET", `/containers/json?all=true&filters=${filter(name)}`)).body;
    const environment = async (name: string): Promise<string[]> =>
      (await docker("GET", `/containers/${(await containers(name))[0]?.Id}/json`)).body.Config.Env;
    const filter = (name: string) =>
      encodeURIComponent(JSON.stringify({ label: [`com.docker.compose.project=${name}`] }));
    let deploysBehind = false;

    /** The error of a deployment, from the answer or from the stack's record; undefined when it went well. */
    const failure = async (answer: Awaited<ReturnType<typeof call>>): Promise<string | undefined> => {
      if (answer.status === 500) return answer.body.message;
      expect(answer.status).toBe(200);
      for (;;) {
        const { body } = await call("GET", `/stacks/${answer.body.Id}`);
        if (body.Status === 4) return body.DeploymentStatus.at(-1).Message;
        if (body.Status !== 3) return undefined;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    /** A creation that must fail; what it leaves on versions that keep a record is removed. */
    const refused = async (name: string, text: string, more = {}): Promise<string | undefined> => {
      const answer = await create(name, text, more);
      const message = await failure(answer);
      if (answer.status === 200) await remove(answer.body.Id);
      return message;
    };

    beforeAll(async () => {
      const { body } = await on.send("GET", "/api/system/status");
      deploysBehind = Number(body.Version.split(".")[1]) >= 40;
    });

    test("an update that fails takes the whole stack down where the answer waits for it", async () => {
      const name = `${mark}a`;
      const { body } = await create(name, file(), { Env: [{ name: "A", value: "1" }] });
      await failure({ status: 200, headers: {}, text: "", body });
      const message = await failure(await put(body.Id, file('    environment: ["A=${A:?is not set}"]\n')));
      expect(message).toMatch(/^failed to deploy a stack: .*is not set/s);
      const after = (await call("GET", `/stacks/${body.Id}`)).body;
      if (deploysBehind) expect(after).toMatchObject({ Status: 4, Env: null });
      else {
        // Its record says that nothing has happened.
        expect(after).toMatchObject({ Status: 1, Env: [{ name: "A", value: "1" }], UpdateDate: 0 });
        expect((await call("GET", `/stacks/${body.Id}/file`)).body.StackFileContent).toBe(file());
        expect(await containers(name)).toEqual([]);
        expect(await call("POST", `/stacks/${body.Id}/start${query()}`)).toMatchObject({
          status: 400,
          body: words("Stack is already active"),
        });
      }
      expect(await failure(await put(body.Id, file()))).toBeUndefined();
      expect(await containers(name)).toHaveLength(1);
      expect((await remove(body.Id)).status).toBe(204);
    });

    test("a pull that fails touches nothing", async () => {
      const name = `${mark}b`;
      const { body } = await create(name, file());
      await failure({ status: 200, headers: {}, text: "", body });
      const [before] = await containers(name);
      const text = `services:\n  web:\n${service("", `127.0.0.1:1/missing:${on.mark}`)}`;
      const message = await failure(await put(body.Id, text, { PullImage: true }));
      expect(message).toMatch(deploysBehind ? /./ : /^failed to pull images of the stack: /);
      expect((await containers(name))[0]?.Id).toBe(before?.Id);
      await remove(body.Id);
    });

    test("an image that nobody has, a taken port and a missing network or volume are failures", async () => {
      const name = `${mark}c`;
      const missing = `services:\n  web:\n${service("", `127.0.0.1:1/missing:${on.mark}`)}`;
      expect(await refused(name, missing)).toMatch(/^failed to deploy a stack: /);
      const { body } = await create(`${name}first`, file('    ports: ["48561:80"]\n'));
      await failure({ status: 200, headers: {}, text: "", body });
      expect(await refused(name, file('    ports: ["48561:81"]\n'))).toMatch(/48561|already allocated/);
      await remove(body.Id);
      const network = `${file("    networks: [other]\n")}networks:\n  other:\n    external: true\n    name: ${name}none\n`;
      expect(await refused(name, network)).toMatch(/could not be found|not found/);
      const volume = `${file('    volumes: ["other:/x"]\n')}volumes:\n  other:\n    external: true\n    name: ${name}none\n`;
      expect(await refused(name, volume)).toMatch(/not found/);
      if (!deploysBehind) expect(await containers(name)).toEqual([]);
    });

    test("containers of that project are adopted when no stack has the name", async () => {
      const name = `${mark}e`;
      const made = await docker("POST", `/containers/create?name=${name}-other-1`, {
        Image: on.server.image,
        Cmd: ["sleep", "600"],
        Labels: {
          "com.docker.compose.project": name,
          "com.docker.compose.service": "other",
          "com.docker.compose.oneoff": "False",
          "com.docker.compose.container-number": "1",
          "com.docker.compose.config-hash": "0",
        },
      });
      expect(made).toMatchObject({
        status: on.ownStatus ? 201 : 200,
        body: { Portainer: { ResourceControl: expect.anything() } },
      });
      const answer = await create(name, file());
      expect(await failure(answer)).toBeUndefined();
      const services = (await containers(name)).map(({ Labels }) => Labels["com.docker.compose.service"]);
      expect(services.sort()).toEqual(["other", "web"]);
      // Removal takes orphans, too.
      expect((await remove(answer.body.Id)).status).toBe(204);
      expect(await containers(name)).toEqual([]);
    });

    test("what is no longer in the file stays, unless the version prunes", async () => {
      const name = `${mark}f`;
      const two = `${file()}  other:\n${service()}`;
      const { body } = await create(name, two);
      await failure({ status: 200, headers: {}, text: "", body });
      expect(await failure(await put(body.Id, file(), { Prune: true }))).toBeUndefined();
      expect(await containers(name)).toHaveLength(deploysBehind ? 1 : 2);
      await remove(body.Id);
    });

    test("variables are taken as a dotenv file has them, and kept as they were sent", async () => {
      const name = `${mark}g`;
      const Env = [
        { name: "CONTRACT_A", value: "a #b" },
        { name: "CONTRACT_B", value: "'$x \"quoted\" #c'" },
        { name: "CONTRACT_C", value: "a#b=c" },
        { name: "CONTRACT_D", value: '"in quotes"' },
      ];
      const text = file(
        '    environment: ["A=${CONTRACT_A}", "B=${CONTRACT_B}", "C=${CONTRACT_C}", "D=${CONTRACT_D}"]\n    env_file: stack.env\n',
      );
      const answer = await create(name, text, { Env });
      expect(await failure(answer)).toBeUndefined();
      const expected = [
        "A=a",
        'B=$x "quoted" #c',
        "C=a#b=c",
        "D=in quotes",
        "CONTRACT_A=a",
        "CONTRACT_C=a#b=c",
      ];
      expect(await environment(name)).toEqual(expect.arrayContaining(expected));
      expect((await call("GET", `/stacks/${answer.body.Id}`)).body.Env).toEqual(Env);
      await remove(answer.body.Id);
    });
  });
}
