/** What tests of a site's Swarm do by hand: change the declared files of a stack, and look at what its managers and Portainer say. */
import type { Swarm } from "../../src/model.ts";
import type { WholeSite } from "../whole-site.ts";
import { portainerApi } from "./client.ts";
import { eventually, expectRun, type Machine, write } from "./machines.ts";
import { docker } from "./portainer-containers.ts";
import { machineOf } from "./reality.ts";

export interface SwarmHands {
  readonly swarm: Swarm;
  readonly manager: Machine;
  readonly members: readonly Machine[];
  /** `docker …` on the first manager. */
  manage(...args: readonly string[]): Promise<string>;
  /** Changes a file of the site; `restore` puts all of them back. */
  edit(path: string, change: (text: string) => string): Promise<void>;
  restore(): Promise<void>;
  /** "running traefik/whoami:v1.11.0", for each task that a service is meant to have. */
  tasks(service: string): Promise<readonly string[]>;
  /** The file of a stack as Portainer keeps it. */
  storedFile(stack: string): Promise<string>;
}

const siteDirectory = "/usr/local/phoenix_hypervisor";

export function swarmHands(site: WholeSite): SwarmHands {
  const [swarm] = site.swarms;
  if (swarm === undefined) throw new Error("the site has no Swarm");
  const members = swarm.members.map(({ guest }) => machineOf(guest.host));
  const [manager = "vm-1001"] = members;
  const manage = (...args: readonly string[]) => docker(manager, ...args);
  const before = new Map<string, string>();
  return {
    swarm,
    manager,
    members,
    manage,
    edit: async (path, change) => {
      const full = `${siteDirectory}/${path}`;
      const text = await expectRun("pve", ["cat", full]);
      const after = change(text);
      if (after === text) throw new Error(`${path} was not changed by the edit:\n${text}`);
      if (!before.has(full)) before.set(full, text);
      await write("pve", full, after);
    },
    restore: async () => {
      for (const [path, text] of before) await write("pve", path, text);
      before.clear();
    },
    tasks: async (service) => {
      const format = "{{.CurrentState}} {{.Image}}";
      const all = await manage(
        "service",
        "ps",
        "--filter=desired-state=running",
        `--format=${format}`,
        service,
      );
      const lines = all.split("\n").filter((line) => line !== "");
      return lines
        .map((line) =>
          line.replace(/^(\w+) .* (\S+)$/, (_, state, image) => `${state.toLowerCase()} ${image}`),
        )
        .sort();
    },
    storedFile: async (stack) => {
      const { portainer } = site;
      if (portainer === undefined) throw new Error("the site has no Portainer");
      const ask = await portainerApi(
        portainer.hostname,
        portainer.adminUser,
        portainer.adminPassword?.reveal() ?? "",
      );
      const stacks = (await ask("GET", "/stacks")) as readonly {
        readonly Id: number;
        readonly Name: string;
      }[];
      const found = stacks.find(({ Name }) => Name === stack);
      const { StackFileContent } = (await ask("GET", `/stacks/${found?.Id}/file`)) as {
        StackFileContent: string;
      };
      return StackFileContent;
    },
  };
}

/** The tasks of a service, once they are the wanted ones. */
export function settledTasks(
  hands: SwarmHands,
  service: string,
  wanted: readonly string[],
): Promise<readonly string[]> {
  return eventually(
    () => hands.tasks(service),
    (found) => found.join() === wanted.join(),
    60_000,
  );
}
