/**
 * A real Portainer keeps the contract, when the environment names one with an agent that nobody else is paired with:
 * PHOENIX_PORTAINER_URL, PHOENIX_PORTAINER_USER, PHOENIX_PORTAINER_PASSWORD (the administrator is made when there is none),
 * PHOENIX_PORTAINER_AGENT (tcp://…, as the server reaches it), PHOENIX_PORTAINER_AGENT_URL (https://…, as this machine does),
 * PHOENIX_PORTAINER_IMAGE (one with `sleep`). PHOENIX_PORTAINER_SWARM_AGENT is an agent of a Swarm, for the calls that need one;
 * PHOENIX_PORTAINER_FREE_PORT is free on all of its nodes.
 */
import { describe, test } from "vitest";
import { portainerContract } from "./portainer.ts";
import { portainerSwarmContract } from "./portainer-swarm.ts";

const { env } = process;
const url = env.PHOENIX_PORTAINER_URL;
const agent = env.PHOENIX_PORTAINER_AGENT;
const swarmAgent = env.PHOENIX_PORTAINER_SWARM_AGENT;

const server = (url: string, agent: string) => ({
  url,
  user: env.PHOENIX_PORTAINER_USER ?? "admin",
  password: env.PHOENIX_PORTAINER_PASSWORD ?? "a long enough password",
  agent,
  agentUrl: env.PHOENIX_PORTAINER_AGENT_URL ?? agent.replace("tcp:", "https:"),
  deadAgent: agent.replace(/:\d+$/, ":1"),
  image: env.PHOENIX_PORTAINER_IMAGE ?? "alpine:3",
});

if (url === undefined || agent === undefined) {
  describe("portainer contract: real", () => {
    test.skip("PHOENIX_PORTAINER_URL and PHOENIX_PORTAINER_AGENT are not set", () => {});
  });
} else portainerContract("real", async () => server(url, agent));

if (url === undefined || swarmAgent === undefined) {
  describe("portainer's Swarm contract: real", () => {
    test.skip("PHOENIX_PORTAINER_URL and PHOENIX_PORTAINER_SWARM_AGENT are not set", () => {});
  });
} else {
  const freePort = Number(env.PHOENIX_PORTAINER_FREE_PORT ?? 48571);
  portainerSwarmContract("real", async () => ({ ...server(url, swarmAgent), freePort }));
}
