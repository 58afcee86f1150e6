/** What containers do through Portainer: one-shot ones, commands in them, NFS volumes that cannot be mounted. */
import { describe, expect, test } from "vitest";
import { type ContractSession, words } from "./portainer-session.ts";

export function containerContract(on: ContractSession): void {
  const { call } = on;

  describe("containers", () => {
    const name = `contract${on.mark}x`;
    const docker = (method: string, path: string, body?: unknown) =>
      call(method, `/endpoints/${on.agentId}/docker${path}`, { body });

    test("networks are made once by their name", async () => {
      const made = await docker("POST", "/networks/create", { Name: name, CheckDuplicate: true });
      expect(made).toMatchObject({
        status: on.ownStatus ? 201 : 200,
        body: { Id: expect.any(String), Portainer: expect.anything() },
      });
      expect((await docker("POST", "/networks/create", { Name: name, CheckDuplicate: true })).status).toBe(
        409,
      );
      expect((await docker("DELETE", `/networks/${name}`)).status).toBe(204);
    });

    test("a mount that fails shows when the container starts, not before", async () => {
      const DriverOpts = {
        type: "nfs",
        o: "addr=127.0.0.1,rw,soft",
        device: `:/nobody-exports-this-${on.mark}`,
      };
      expect((await docker("POST", "/volumes/create", { Name: name, DriverOpts })).status).toBe(
        on.ownStatus ? 201 : 200,
      );
      const made = await docker("POST", `/containers/create?name=${name}`, {
        Image: on.server.image,
        Cmd: ["sleep", "600"],
        HostConfig: { Mounts: [{ Type: "volume", Source: name, Target: "/x" }] },
      });
      expect(made.status).toBe(on.ownStatus ? 201 : 200);
      expect(await docker("POST", `/containers/${name}/start`)).toMatchObject({
        status: 500,
        body: { message: expect.stringContaining("error while mounting volume") },
      });
      expect((await docker("DELETE", `/containers/${name}?force=true`)).status).toBe(204);
      expect((await docker("DELETE", `/volumes/${name}`)).status).toBe(204);
      expect((await docker("GET", `/volumes/${name}`)).status).toBe(404);
    });
  });

  describe("environments that go wrong half-way", () => {
    test("an unknown tag is 500, and the environment is there all the same", async () => {
      const Name = `contract-half-${on.mark}`;
      const made = await call("POST", "/endpoints", { form: on.agentForm({ Name, TagIds: "[999999]" }) });
      expect(made).toMatchObject({
        status: 500,
        body: words("An error occurred while trying to create the environment"),
      });
      const [row] = (await call("GET", `/endpoints?name=${Name}`)).body;
      expect(row).toMatchObject({ Name, URL: on.server.agent });
      expect((await call("DELETE", `/endpoints/${row.Id}`)).status).toBe(204);
    });

    test("a name that another has is refused", async () => {
      const Name = `contract-other-${on.mark}`;
      const { body } = await call("POST", "/endpoints", { form: on.agentForm({ Name }) });
      const taken = await call("PUT", `/endpoints/${body.Id}`, { body: { Name: `contract-${on.mark}` } });
      expect(taken).toMatchObject({ status: 409, body: words("Name is not unique") });
      expect((await call("DELETE", `/endpoints/${body.Id}`)).status).toBe(204);
    });

    test("numbers grow and are not given twice", async () => {
      const form = (at: number) => on.agentForm({ Name: `contract-number-${at}-${on.mark}` });
      const first = (await call("POST", "/endpoints", { form: form(1) })).body.Id;
      await call("DELETE", `/endpoints/${first}`);
      const second = (await call("POST", "/endpoints", { form: form(2) })).body.Id;
      await call("DELETE", `/endpoints/${second}`);
      expect(second).toBeGreaterThan(first);
    });
  });

  describe("the server's certificate", () => {
    test("nothing given changes nothing, and rubbish is refused", async () => {
      const { body } = await call("GET", "/ssl");
      expect(body).toMatchObject({ certPath: expect.any(String), httpEnabled: expect.any(Boolean) });
      expect((await call("PUT", "/ssl", { body: {} })).status).toBe(204);
      expect((await call("GET", "/stacks")).status).toBe(200);
      expect((await call("PUT", "/ssl", { body: { Cert: "x" } })).status).toBe(400);
      expect(await call("PUT", "/ssl", { body: { Cert: "x", Key: "y" } })).toMatchObject({
        status: 500,
        body: words("Failed to save certificate"),
      });
    });
  });
}
