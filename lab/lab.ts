/** Opening a lab: the same `World` as the real machines make, over a directory and loopback servers. */
import { resolve } from "node:path";
import { defined } from "../src/defined.ts";
import { worldOf } from "../src/hosts/open.ts";
import type { Declared } from "../src/hosts/which-node.ts";
import type { Decorator, World } from "../src/hosts/world.ts";
import { labExec } from "./exec.ts";
import { labNetwork, routeTo } from "./network.ts";
import { openContext } from "./open-context.ts";
import type { Lab } from "./parts.ts";
import { createServers } from "./servers.ts";
import { runDueTimers } from "./timers.ts";
import { readDynamic } from "./traefik/load.ts";
import { isActive } from "./units.ts";

export interface LabOptions {
  /** Aborted: commands and requests under way are ended. */
  readonly signal: AbortSignal;
  /** As the site declares the node that is "pve". */
  readonly declared?: Declared;
  /** Commands at a time on each node; as many as on a real hypervisor unless given. */
  readonly parallel?: number;
  /** The last one is the outermost. */
  readonly decorators?: readonly Decorator[];
}

/** The lab in `directory` as a world. @throws SiteError where there is none */
export async function openLab(directory: string, options: LabOptions): Promise<World> {
  const { decorators, declared, parallel } = options;
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const servers = createServers();
  const lab: Lab = openContext(directory, {
    signal,
    route: (from, to) => routeTo(lab, servers, from, to),
  });
  await runDueTimers(lab);
  const network = labNetwork(lab);
  return worldOf({
    description: `lab ${resolve(directory)}`,
    hypervisorExec: labExec(lab, () => notice(lab)),
    network,
    clock: lab.clock,
    ...defined({ decorators, declared, parallel }),
    close: async () => {
      await network.close();
      closing.abort();
      await servers.close();
    },
  });
}

/** What running services see of a change by themselves: a watched directory. */
async function notice(lab: Lab): Promise<void> {
  for (const { host } of lab.facts.guests)
    if (isActive(lab, host, "traefik")) await readDynamic(lab, host, "changed");
}
