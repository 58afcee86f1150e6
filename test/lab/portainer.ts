/** A Portainer server and an agent in a lab of their own, for tests. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { startAgent } from "../../lab/agent.ts";
import type { LabServer } from "../../lab/context.ts";
import { startPortainer } from "../../lab/portainer/start.ts";
import { docker } from "../../lab/programs/docker.ts";
import type { HostName } from "../../src/resource.ts";
import { type TestContext, testContext } from "./context.ts";

export interface PortainerLab {
  readonly context: TestContext;
  readonly portainer: LabServer;
  readonly agent: LabServer;
  /** Runs `docker …` on a machine; the arguments are separated by single blanks. */
  run(host: HostName, line: string): Promise<string>;
  /** Writes a file on a machine. */
  write(host: HostName, path: string, text: string): void;
}

export interface PortainerLabOptions {
  /** The tag of both images. */
  readonly version?: string;
  /** AGENT_SECRET of the server and of the agent. */
  readonly serverSecret?: string;
  readonly agentSecret?: string;
  /** Options of the server's own program. */
  readonly command?: string;
}

/** The server is on vm/1001 (10.0.0.111:9443), the agent on vm/1002 (10.0.0.102:9001). */
export async function portainerLab(options: PortainerLabOptions = {}): Promise<PortainerLab> {
  const { version = "2.23.0", serverSecret, agentSecret, command = "" } = options;
  const context = testContext();
  const lab: Omit<PortainerLab, "portainer" | "agent"> = {
    context,
    run: async (host, line) => {
      const { exitCode, stdout, stderr } = await docker({ context, host, args: line.split(" "), stdin: "" });
      if (exitCode !== 0) throw new Error(stderr);
      return stdout;
    },
    write: (host, path, text) => {
      const real = context.path(host, path);
      mkdirSync(dirname(real), { recursive: true });
      writeFileSync(real, text);
    },
  };
  const env = (secret: string | undefined) => (secret === undefined ? "" : `-e AGENT_SECRET=${secret} `);
  const socket = "-v /var/run/docker.sock:/var/run/docker.sock";
  await lab.run(
    "vm/1002",
    `run -d --name portainer_agent -p 9001:9001 --restart always ${env(agentSecret)}${socket} portainer/agent:${version}`,
  );
  lab.write("vm/1001", "/persistent-storage/keep", "");
  const server = `run -d --name portainer_server -p 9443:9443 -p 9000:9000 ${env(serverSecret)}${socket} -v /persistent-storage/portainer:/data -v /etc/portainer:/etc/portainer portainer/portainer-ce:${version}`;
  lab.write("vm/1001", "/etc/portainer/password", "the admin's own password\n");
  await lab.run("vm/1001", command === "" ? server : `${server} ${command}`);
  const agent = await startAgent(context, "vm/1002", { name: "portainer_agent" });
  const portainer = await startPortainer(context, "vm/1001", { name: "portainer_server" });
  context.serve("10.0.0.102", 9001, agent);
  context.serve("10.0.0.111", 9443, portainer);
  return { ...lab, agent, portainer };
}
