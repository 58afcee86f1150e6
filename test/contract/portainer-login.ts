/** Portainer without a login, and with each kind of credentials. */
import { describe, expect, test } from "vitest";
import { type ContractSession, words } from "./portainer-session.ts";

export function loginContract(on: ContractSession): void {
  const { send, call } = on;

  describe("without a login", () => {
    test("status and public settings are open", async () => {
      const { status, body } = await send("GET", "/api/system/status");
      expect(status).toBe(200);
      expect(body).toEqual({
        Version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        InstanceID: expect.any(String),
      });
      expect((await send("GET", "/api/status")).body).toEqual(body);
      expect((await send("GET", "/api/settings/public")).body).toMatchObject({
        RequiredPasswordLength: 12,
        AuthenticationMethod: 1,
      });
      expect(await send("GET", "/api/users/admin/check")).toMatchObject({ status: 204, text: "" });
    });

    test("a second administrator is not made", async () => {
      const body = { Username: "other", Password: "long enough to be one" };
      const answer = await send("POST", "/api/users/admin/init", { body });
      expect(answer).toMatchObject({
        status: 409,
        body: words("Unable to create administrator user", "An administrator user already exists"),
      });
    });

    test("everything else wants a token", async () => {
      const missing = words("A valid authorization token is missing", "Unauthorized");
      expect(await send("GET", "/api/stacks")).toMatchObject({ status: 401, body: missing });
      expect(await send("GET", "/api/system/version")).toMatchObject({ status: 401, body: missing });
      const bad = words("Invalid JWT token", "Unauthorized");
      expect(await send("GET", "/api/stacks", { headers: { authorization: "Bearer x.y.z" } })).toMatchObject({
        status: 401,
        body: bad,
      });
      expect(await send("GET", "/api/stacks", { headers: { "x-api-key": "ptr_nothing" } })).toMatchObject({
        status: 401,
        body: bad,
      });
    });

    test("wrong credentials are 422, incomplete ones 400", async () => {
      const auth = (body: unknown) => send("POST", "/api/auth", { body });
      expect(await auth({ Username: on.server.user, Password: "wrong password" })).toMatchObject({
        status: 422,
        body: words("Invalid credentials", "Unauthorized"),
      });
      expect(await auth({ Username: on.server.user })).toMatchObject({
        status: 400,
        body: words("Invalid request payload", "Invalid password"),
      });
    });

    test("unknown routes are 404 in plain text, wrong methods 405 without any", async () => {
      const unknown = await send("GET", "/api/nothing");
      expect(unknown.status).toBe(404);
      expect(unknown.text).toBe("404 page not found\n");
      expect(await send("DELETE", "/api/auth")).toMatchObject({ status: 405, text: "" });
    });
  });

  describe("credentials", () => {
    test("the word Bearer may be missing", async () => {
      expect((await send("GET", "/api/stacks", { headers: { authorization: on.jwt } })).status).toBe(200);
    });

    test("two kinds at once are refused, and a cookie wants a CSRF token", async () => {
      const both = await send("GET", "/api/stacks", {
        headers: { authorization: `Bearer ${on.jwt}`, "x-api-key": "ptr_x" },
      });
      expect(both.status).toBe(403);
      const cookie = { cookie: `portainer_api_key=${on.jwt}` };
      expect((await send("GET", "/api/stacks", { headers: cookie })).status).toBe(200);
      const unsafe = await send("POST", "/api/tags", { headers: cookie, body: { Name: "never" } });
      expect(unsafe.status).toBe(403);
      expect(unsafe.body).toBeUndefined();
      const bad = { cookie: "portainer_api_key=x.y.z", authorization: `Bearer ${on.jwt}` };
      expect((await send("GET", "/api/stacks", { headers: bad })).status).toBe(401);
    });

    test("an API key needs the password, works alone, and makes no other", async () => {
      const path = "/users/1/tokens";
      const description = `contract-${on.mark}`;
      expect((await call("POST", path, { body: { description } })).status).toBe(400);
      expect((await call("POST", path, { body: { description, password: "wrong password" } })).status).toBe(
        403,
      );
      const made = await call("POST", path, { body: { description, password: on.server.password } });
      expect(made).toMatchObject({
        status: on.ownStatus ? 200 : 201,
        body: { rawAPIKey: expect.stringMatching(/^ptr_/), apiKey: { description } },
      });
      const headers = { "x-api-key": made.body.rawAPIKey };
      expect((await send("GET", "/api/stacks", { headers })).status).toBe(200);
      const body = { description, password: on.server.password };
      expect((await send("POST", `/api${path}`, { headers, body })).status).toBe(401);
      expect((await call("DELETE", `${path}/${made.body.apiKey.id}`)).status).toBe(204);
      expect((await send("GET", "/api/stacks", { headers })).status).toBe(401);
    });
  });
}
