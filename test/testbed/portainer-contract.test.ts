/** The testbed's Portainer, over real Docker and real Compose, keeps the contract in each of its versions' ways. */
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { portainerContract } from "../contract/portainer.ts";
import { boot, down, unavailable } from "./machines.ts";
import { startPortainer } from "./portainer-containers.ts";
import { type Relay, relay } from "./relay.ts";

describe.skipIf(unavailable !== undefined)("the testbed's Portainer", () => {
  const relays: Relay[] = [];
  const through = async (port: number): Promise<string> => {
    const made = await relay("vm-1001", port);
    relays.push(made);
    return `https://127.0.0.1:${made.port}`;
  };

  beforeAll(() => boot(join(import.meta.dirname, "docker.json")));
  afterAll(async () => {
    for (const { close } of relays) close();
    await down();
  });

  for (const [name, version, options] of [
    ["testbed, deploying at once", "2.23.0", []],
    ["testbed, deploying behind the answer", "2.44.0", ["--no-setup-token"]],
  ] as const) {
    portainerContract(name, async () => {
      await startPortainer("vm-1001", { version, options });
      return {
        url: await through(9443),
        user: "admin",
        password: "a long enough password",
        agent: "tcp://10.9.0.101:9001",
        agentUrl: await through(9001),
        deadAgent: "tcp://10.9.0.101:9002",
        image: "alpine:3",
      };
    });
  }
});
