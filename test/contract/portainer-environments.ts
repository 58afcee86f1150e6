/** Agents, environments, tags, and the engine behind an environment. */
import { describe, expect, test } from "vitest";
import { type ContractSession, words } from "./portainer-session.ts";
import { type RawRequest, rawHttp } from "./raw-http.ts";

const without = (form: Record<string, string>, ...keys: string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(form).filter(([key]) => !keys.includes(key)));

export function environmentContract(on: ContractSession): void {
  const { call } = on;

  describe("the agent", () => {
    test("answers /ping to anybody, with its version", async () => {
      const { status, headers, text } = await rawHttp(on.server.agentUrl)("GET", "/ping");
      expect({ status, text }).toEqual({ status: 204, text: "" });
      expect(headers["portainer-agent"]).toMatch(/^\d+\.\d+\.\d+/);
      expect(headers["portainer-agent-platform"]).toBe("1");
    });

    test("wants a signature for everything else", async () => {
      const unsigned = await rawHttp(on.server.agentUrl)("GET", "/info");
      expect(unsigned).toMatchObject({
        status: 403,
        body: words("Missing request signature headers", "Unauthorized"),
      });
    });
  });

  describe("environments", () => {
    test("what is wrong with a creation is told before anything is contacted", async () => {
      const create = (form: Record<string, string>) => call("POST", "/endpoints", { form });
      const invalid = (details: unknown) => ({
        status: 400,
        body: words("Invalid request payload", details),
      });
      expect(await call("POST", "/endpoints", { body: on.agentForm() })).toMatchObject(
        invalid("Invalid environment name"),
      );
      expect(await create(on.agentForm({ EndpointCreationType: "0" }))).toMatchObject(
        invalid(expect.stringContaining("Invalid environment type value")),
      );
      expect(await create(on.agentForm({ TagIds: "1,2" }))).toMatchObject(
        invalid("Invalid TagIds parameter"),
      );
      expect(await create(without(on.agentForm(), "TLSSkipVerify"))).toMatchObject(
        invalid(expect.stringContaining("Invalid CA certificate file")),
      );
      expect(await create(without(on.agentForm(), "TLSSkipClientVerify"))).toMatchObject(
        invalid(expect.stringContaining("Invalid certificate file")),
      );
      const untrusting = await create(without(on.agentForm(), "TLS"));
      expect(untrusting).toMatchObject({
        status: 500,
        body: words("Unable to get environment type", expect.stringContaining("x509")),
      });
    });

    test("an agent that is not there is 500, and leaves nothing behind", async () => {
      const answer = await call("POST", "/endpoints", {
        form: on.agentForm({ Name: `contract-dead-${on.mark}`, URL: on.server.deadAgent }),
      });
      expect(answer).toMatchObject({
        status: 500,
        body: words("Unable to get environment type", expect.stringContaining("connection refused")),
      });
      expect((await call("GET", `/endpoints?name=contract-dead-${on.mark}`)).body).toEqual([]);
    });

    test("an agent is added, once by its name", async () => {
      const made = await call("POST", "/endpoints", { form: on.agentForm() });
      expect(made).toMatchObject({
        status: 200,
        body: {
          Name: `contract-${on.mark}`,
          Type: 2,
          URL: on.server.agent,
          Status: 1,
          GroupId: 1,
          TLSConfig: { TLS: true, TLSSkipVerify: true },
        },
      });
      on.agentId = made.body.Id;
      expect(await call("POST", "/endpoints", { form: on.agentForm() })).toMatchObject({
        status: 409,
        body: words("Name is not unique", "Name is not unique"),
      });
    });

    test("lists filter by exact name, and by arrays with brackets only", async () => {
      const found = await call("GET", `/endpoints?name=contract-${on.mark}&excludeSnapshots=true`);
      expect(found.body.map(({ Id }: { Id: number }) => Id)).toEqual([on.agentId]);
      expect(found.headers["x-total-count"]).toBe("1");
      expect((await call("GET", `/endpoints?name=CONTRACT-${on.mark}`)).body).toEqual([]);
      const ids = async (query: string) =>
        (await call("GET", `/endpoints?${query}`)).body.map(({ Id }: { Id: number }) => Id);
      expect(await ids(`endpointIds[]=${on.agentId}`)).toEqual([on.agentId]);
      expect(await ids("endpointIds=999999")).toContain(on.agentId);
    });

    test("an update changes what it names, and pings nobody", async () => {
      const url = { URL: on.server.deadAgent };
      expect(await call("PUT", `/endpoints/${on.agentId}`, { body: url })).toMatchObject({
        status: 200,
        body: { ...url, Status: 1 },
      });
      try {
        expect(await call("GET", `/endpoints/${on.agentId}/docker/_ping`)).toMatchObject({
          status: 502,
          text: on.ownStatus ? expect.stringContaining("message") : "",
        });
        expect((await call("POST", `/endpoints/${on.agentId}/snapshot`)).status).toBe(204);
        expect((await call("GET", `/endpoints/${on.agentId}?excludeSnapshot=true`)).body).toMatchObject({
          Status: 2,
        });
      } finally {
        // All others need it.
        await call("PUT", `/endpoints/${on.agentId}`, { body: { URL: on.server.agent } });
      }
      expect((await call("POST", `/endpoints/${on.agentId}/snapshot`)).status).toBe(204);
      expect((await call("GET", `/endpoints/${on.agentId}?excludeSnapshot=true`)).body).toMatchObject({
        Status: 1,
        Name: `contract-${on.mark}`,
      });
    });

    test("an unknown one is 404 with its number", async () => {
      const { status, body } = await call("GET", "/endpoints/999999");
      expect(status).toBe(404);
      expect(body.details).toBe("Object not found inside the database (bucket=endpoints, key=999999)");
    });

    test("tags have unique names, whose case counts, and an ID in capitals", async () => {
      const Name = `contract-${on.mark}`;
      const made = await call("POST", "/tags", { body: { Name } });
      expect(made).toMatchObject({ status: 200, body: { ID: expect.any(Number), Name } });
      expect(await call("POST", "/tags", { body: { Name } })).toMatchObject({
        status: 409,
        body: words("This name is already associated to a tag"),
      });
      const other = await call("POST", "/tags", { body: { Name: Name.toUpperCase() } });
      expect(other.status).toBe(200);
      for (const { ID } of [made.body, other.body])
        expect((await call("DELETE", `/tags/${ID}`)).status).toBe(204);
    });
  });

  describe("the engine behind an environment", () => {
    const docker = (method: string, path: string, more: RawRequest = {}) =>
      call(method, `/endpoints/${on.agentId}/docker${path}`, more);

    test("is passed on, with or without the API's version in the path", async () => {
      expect(await docker("GET", "/_ping")).toMatchObject({ status: 200, text: "OK" });
      expect((await docker("GET", "/v1.41/containers/json?all=true")).body).toEqual(expect.any(Array));
      expect((await docker("GET", "/info")).body).toMatchObject({ ServerVersion: expect.any(String) });
    });

    test("what is created there names its owner", async () => {
      const Name = `contract-${on.mark}`;
      const body = {
        Name,
        Driver: "local",
        DriverOpts: { type: "nfs", o: "addr=127.0.0.1,rw", device: ":/contract" },
        Labels: { a: "b" },
      };
      const made = await docker("POST", "/volumes/create", { body });
      expect(made).toMatchObject({
        status: on.ownStatus ? 201 : 200,
        body: {
          Name,
          Portainer: { ResourceControl: expect.anything() },
          ResourceID: expect.stringContaining(Name),
        },
      });
      const again = await docker("POST", "/volumes/create", { body: { ...body, DriverOpts: {} } });
      expect(again).toMatchObject({ status: made.status, body: { Options: body.DriverOpts } });
      const { body: all } = await docker("GET", "/volumes");
      expect(all.Volumes.find((volume: { Name: string }) => volume.Name === Name)).toMatchObject({
        Driver: "local",
        Options: body.DriverOpts,
        Labels: { a: "b" },
      });
      expect((await docker("DELETE", `/volumes/${Name}`)).status).toBe(204);
    });

    test("its own errors come through, an unknown environment is Portainer's", async () => {
      expect(await docker("GET", "/containers/nobody/json")).toMatchObject({
        status: 404,
        body: { message: "No such container: nobody" },
      });
      expect((await docker("GET", "/images/nobody-has-this:1/json")).status).toBe(404);
      expect(await call("GET", "/endpoints/999999/docker/info")).toMatchObject({
        status: 404,
        body: words(expect.any(String)),
      });
    });
  });
}
