/** The lab's Portainer keeps the contract, in each of its versions' ways. */
import { afterAll } from "vitest";
import { portainerLab } from "../lab/portainer.ts";
import { localImage, swarmPortainer } from "../lab/swarm.ts";
import { portainerContract } from "./portainer.ts";
import { portainerSwarmContract } from "./portainer-swarm.ts";

const labs: { readonly context: { close(): Promise<void> } }[] = [];
afterAll(() => Promise.all(labs.map(({ context }) => context.close())));

for (const [name, version, command] of [
  ["lab, deploying at once", "2.23.0", ""],
  ["lab, deploying behind the answer", "2.44.0", "--no-setup-token"],
] as const) {
  portainerContract(name, async () => {
    const lab = await portainerLab({ version, command });
    labs.push(lab);
    return {
      url: `https://127.0.0.1:${lab.portainer.port}`,
      user: "admin",
      password: "a long enough password",
      agent: "tcp://10.0.0.102:9001",
      agentUrl: `https://127.0.0.1:${lab.agent.port}`,
      deadAgent: "tcp://10.0.0.102:9002",
      image: "alpine:3",
    };
  });
}

// Once: what newer versions do behind the answer is the same command.
portainerSwarmContract("lab", async () => {
  const lab = await swarmPortainer("2.23.0");
  labs.push(lab);
  return {
    url: `https://127.0.0.1:${lab.portainer.port}`,
    user: "admin",
    password: "a long enough password",
    // A worker's, which hands on to the manager what only that one knows.
    agent: "tcp://10.9.0.102:9001",
    agentUrl: `https://127.0.0.1:${lab.agent.port}`,
    deadAgent: "tcp://10.9.0.101:9002",
    image: localImage,
    freePort: 48571,
  };
});
