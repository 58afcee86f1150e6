/** Opening a lab: the same `World` as the real machines make, over a directory and loopback servers. */
import { resolve } from "node:path";
import { defined } from "../src/defined.ts";
import { UsageError } from "../src/errors.ts";
import { worldOf } from "../src/hosts/open.ts";
import type { Declared } from "../src/hosts/which-node.ts";
import type { Decorator, World } from "../src/hosts/world.ts";
import { nodesOf } from "./cluster.ts";
import { labExec } from "./exec.ts";
import { labNetwork, routeTo } from "./network.ts";
import type { NodeHost } from "./nodes.ts";
import { openContext } from "./open-context.ts";
import type { Lab } from "./parts.ts";
import { createServers } from "./servers.ts";
import { sshCounts } from "./ssh-connections.ts";
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
  /** The name of the node that commands enter by; the one with the site's address unless given. */
  readonly entry?: string;
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
  const entry = entryOf(lab, options.entry);
  const network = labNetwork(lab, entry);
  return worldOf({
    description: `lab ${resolve(directory)}`,
    hypervisorExec: labExec(lab, entry, () => notice(lab)),
    network,
    clock: lab.clock,
    ...defined({ decorators, declared, parallel }),
    close: async () => {
      await network.close();
      if (lab.facts.cluster !== undefined) lab.store.write("ssh", sshCounts(lab));
      closing.abort();
      await servers.close();
    },
  });
}

/** @throws UsageError for a node that the lab does not have */
function entryOf(lab: Lab, name: string | undefined): NodeHost {
  const nodes = nodesOf(lab);
  const found = name === undefined ? nodes[0] : nodes.find((node) => node.name === name);
  if (found !== undefined) return found.host;
  throw new UsageError(`the lab has no node ${JSON.stringify(name)}`, {
    hint: `one of ${nodes.map((node) => node.name).join(", ")}`,
  });
}

/** What running services see of a change by themselves: a watched directory. */
async function notice(lab: Lab): Promise<void> {
  for (const { host } of lab.facts.guests)
    if (isActive(lab, host, "traefik")) await readDynamic(lab, host, "changed");
}
