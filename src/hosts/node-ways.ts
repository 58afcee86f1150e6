/** The shared connections from the node that Phoenix entered by to the other nodes of its cluster. */
import { randomBytes } from "node:crypto";
import type { Clock } from "../component.ts";
import { commandError } from "./command-error.ts";
import type { Exec } from "./host.ts";
import { NodeSsh } from "./node-ssh.ts";
import { createHost } from "./script-host.ts";

/** Where their sockets lie on the entry node: in memory, in a directory that only root may enter. */
const socketDirectory = "/run/phoenix";

export interface NodeWays {
  /** The way to the node of this name. @param all the names of all nodes */
  to(name: string, address: string, all: readonly string[]): Promise<NodeSsh>;
  /** Ends every connection, by commands of `entry`. */
  close(entry: Exec): Promise<void>;
}

/** @param parallel commands at a time on each node */
export function nodeWays(entry: Exec, clock: Clock, parallel: number): NodeWays {
  // A socket that a killed run left behind is never met.
  const token = randomBytes(4).toString("hex");
  const ways = new Map<string, Promise<NodeSsh>>();
  const hypervisor = createHost("pve", entry);
  let looked: Promise<ReadonlySet<string>> | undefined;

  /** What all connections need: the directory of their sockets, and which nodes have a file of their own keys. */
  const look = async (nodes: readonly string[]): Promise<ReadonlySet<string>> => {
    // All that a run which only looks ever makes; it is gone with the next boot.
    const made = await entry({ argv: ["mkdir", "-p", "-m", "700", socketDirectory], effect: "change" });
    if (made.exitCode !== 0) throw commandError("pve", "mkdir", made);
    return new Set((await hypervisor.readFiles(nodes.map(knownHostsFile))).keys());
  };
  const open = async (name: string, address: string, all: readonly string[]): Promise<NodeSsh> => {
    const socket = `${socketDirectory}/${token}.${ways.size}`;
    looked ??= look(all);
    looked.catch(() => {
      looked = undefined;
    });
    const keys = knownHostsFile(name);
    const knownHosts = (await looked).has(keys) ? keys : undefined;
    return new NodeSsh(entry, { name, address, knownHosts }, { socket, clock, parallel });
  };
  return {
    to: (name, address, all) => {
      const known = ways.get(name);
      if (known !== undefined) return known;
      const opening = open(name, address, all);
      ways.set(name, opening);
      opening.catch(() => ways.delete(name));
      return opening;
    },
    close: async (by) => {
      const open = await Promise.all([...ways.values()].map((way) => way.catch(() => undefined)));
      await Promise.all(open.map((way) => way?.close(by)));
    },
  };
}

function knownHostsFile(node: string): string {
  return `/etc/pve/nodes/${node}/ssh_known_hosts`;
}
