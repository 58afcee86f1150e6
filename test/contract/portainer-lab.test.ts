/** The lab's Portainer keeps the contract, in each of its versions' ways. */
import { afterAll } from "vitest";
import { type PortainerLab, portainerLab } from "../lab/portainer.ts";
import { portainerContract } from "./portainer.ts";

const labs: PortainerLab[] = [];
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
