/** Requests that are wrong in themselves, and a stack from an uploaded file. */
import { describe, expect, test } from "vitest";
import { type ContractSession, words } from "./portainer-session.ts";

export function requestContract(on: ContractSession): void {
  const { call } = on;

  describe("requests", () => {
    const query = () => `?endpointId=${on.agentId}`;

    test("what is no number is 400, in routes and in the query", async () => {
      const notANumber = 'Strconv.Atoi: parsing "x": invalid syntax';
      const stack = { status: 400, body: words("Invalid stack identifier route variable", notANumber) };
      expect(await call("GET", "/stacks/x")).toMatchObject(stack);
      expect(await call("PUT", `/stacks/x${query()}`, { body: {} })).toMatchObject(stack);
      expect(await call("DELETE", `/stacks/x${query()}`)).toMatchObject(stack);
      expect(await call("GET", "/endpoints/x")).toMatchObject({
        status: 400,
        body: words("Invalid environment identifier route variable", notANumber),
      });
      const create = (more: string) => call("POST", `/stacks/create/standalone/string${more}`, { body: {} });
      const message = "Invalid query parameter: endpointId";
      expect((await create("?endpointId=x")).body).toEqual(words(message, notANumber));
      expect((await create("")).body).toEqual(words(message, "Missing query parameter"));
      expect((await call("GET", "/stacks?filters=x")).status).toBe(400);
    });

    test("a body that ends too early is 400", async () => {
      const cut = { status: 400, body: words("Invalid request payload", "Unexpected EOF") };
      const create = `/stacks/create/standalone/string${query()}`;
      expect(await call("POST", create, { body: "{" })).toMatchObject(cut);
      expect(await call("PUT", `/endpoints/${on.agentId}`, { body: "{" })).toMatchObject(cut);
    });

    test("stacks are created as a type and by a method that exist", async () => {
      const create = (way: string) => call("POST", `/stacks/create/${way}${query()}`, { body: {} });
      const begins = (text: string) => words(expect.stringContaining(text), "Invalid query parameter");
      expect(await create("other/string")).toMatchObject({
        status: 400,
        body: begins("Invalid value for query parameter: type"),
      });
      expect(await create("standalone/other")).toMatchObject({
        status: 400,
        body: begins("Invalid value for query parameter: method"),
      });
    });

    test("an uploaded file has a name, and becomes the stack's file", async () => {
      const name = `contract${on.mark}u`;
      const text = `services:\n  web:\n    image: ${on.server.image}\n    command: ["sleep", "600"]\n    stop_grace_period: 0s\n`;
      const upload = (disposition: string) =>
        call("POST", `/stacks/create/standalone/file${query()}`, {
          headers: { "content-type": "multipart/form-data; boundary=cut" },
          body: `--cut\r\nContent-Disposition: form-data; name="Name"\r\n\r\n${name}\r\n--cut\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${text}\r\n--cut--\r\n`,
        });
      expect(await upload('name="file"')).toMatchObject({
        status: 400,
        body: words("Invalid request payload", expect.stringContaining("Invalid Compose file")),
      });
      const made = await upload('name="file"; filename="any.yml"');
      expect(made).toMatchObject({ status: 200, body: { Name: name, EntryPoint: "docker-compose.yml" } });
      expect((await call("GET", `/stacks/${made.body.Id}/file`)).body.StackFileContent).toBe(text);
      for (;;) {
        const { body } = await call("GET", `/stacks/${made.body.Id}`);
        if (body.Status !== 3) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect((await call("DELETE", `/stacks/${made.body.Id}${query()}`)).status).toBe(204);
    });
  });
}
