/**
 * A real Portainer keeps the contract, when the environment names one with an agent that nobody else is paired with:
 * PHOENIX_PORTAINER_URL, PHOENIX_PORTAINER_USER, PHOENIX_PORTAINER_PASSWORD (the administrator is made when there is none),
 * PHOENIX_PORTAINER_AGENT (tcp://…, as the server reaches it), PHOENIX_PORTAINER_AGENT_URL (https://…, as this machine does),
 * PHOENIX_PORTAINER_IMAGE (one with `sleep`).
 */
import { describe, test } from "vitest";
import { portainerContract } from "./portainer.ts";

const { env } = process;
const url = env.PHOENIX_PORTAINER_URL;
const agent = env.PHOENIX_PORTAINER_AGENT;

if (url === undefined || agent === undefined) {
  describe("portainer contract: real", () => {
    test.skip("PHOENIX_PORTAINER_URL and PHOENIX_PORTAINER_AGENT are not set", () => {});
  });
} else {
  portainerContract("real", async () => ({
    url,
    user: env.PHOENIX_PORTAINER_USER ?? "admin",
    password: env.PHOENIX_PORTAINER_PASSWORD ?? "a long enough password",
    agent,
    agentUrl: env.PHOENIX_PORTAINER_AGENT_URL ?? agent.replace("tcp:", "https:"),
    deadAgent: agent.replace(/:\d+$/, ":1"),
    image: env.PHOENIX_PORTAINER_IMAGE ?? "alpine:3",
  }));
}
