/**
 * What Portainer's API promises (2.20 to 2.45), as raw HTTP: one suite for a real server with an agent, and for the lab's.
 * It makes environments, stacks, tags and volumes whose names begin with "contract", and removes them.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { containerContract } from "./portainer-containers.ts";
import { deploymentContract } from "./portainer-deployments.ts";
import { environmentContract } from "./portainer-environments.ts";
import { loginContract } from "./portainer-login.ts";
import { requestContract } from "./portainer-requests.ts";
import { contractSession, type PortainerUnderTest, words } from "./portainer-session.ts";
import { stackContract } from "./portainer-stacks.ts";

export function portainerContract(name: string, make: () => Promise<PortainerUnderTest>): void {
  describe(`portainer contract: ${name}`, { timeout: 120_000 }, () => {
    const on = contractSession();

    beforeAll(async () => {
      on.server = await make();
      const { body: status } = await on.send("GET", "/api/system/status");
      on.ownStatus = Number(status.Version.split(".")[1]) >= 40;
      // The order of the checks, from a server without an administrator on.
      const none = await on.send("GET", "/api/users/admin/check");
      if (none.status === 404) {
        expect(none.body).toEqual(words("No administrator account found inside the database"));
        const init = (Username: string, Password: string) =>
          on.send("POST", "/api/users/admin/init", { body: { Username, Password } });
        expect(await init("a b", on.server.password)).toMatchObject({
          status: 400,
          body: words("Invalid request payload", "Invalid username. Must not contain any whitespace"),
        });
        expect(await init("admin", "")).toMatchObject({
          status: 400,
          body: words("Invalid request payload", "Invalid password"),
        });
        expect(await init("admin", "short")).toMatchObject({
          status: 400,
          body: words("Password does not meet the requirements"),
        });
        expect(await init(on.server.user, on.server.password)).toMatchObject({
          status: 200,
          body: { Id: 1, Username: on.server.user, Role: 1, Password: expect.any(String) },
        });
      }
      const login = await on.send("POST", "/api/auth", {
        body: { Username: on.server.user, Password: on.server.password },
      });
      expect(login.status).toBe(200);
      on.jwt = login.body.jwt;
      expect(login.headers["set-cookie"]).toMatch(/^portainer_api_key=.*HttpOnly/);
    }, 60_000);

    loginContract(on);
    environmentContract(on);
    stackContract(on);
    deploymentContract(on);
    containerContract(on);
    requestContract(on);

    test("an environment is removed without touching its engine", async () => {
      expect(await on.call("DELETE", `/endpoints/${on.agentId}`)).toMatchObject({ status: 204, text: "" });
      expect((await on.call("GET", `/endpoints/${on.agentId}`)).status).toBe(404);
    });
  });
}
