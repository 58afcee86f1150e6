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
import { contractSession, logIn, type PortainerUnderTest } from "./portainer-session.ts";
import { stackContract } from "./portainer-stacks.ts";

export function portainerContract(name: string, make: () => Promise<PortainerUnderTest>): void {
  describe(`portainer contract: ${name}`, { timeout: 120_000 }, () => {
    const on = contractSession();

    beforeAll(async () => {
      on.server = await make();
      await logIn(on);
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
