/** Opens a world: the real one here, the lab's through `worldOf`. */
import { hostname, networkInterfaces } from "node:os";
import type { Clock } from "../component.ts";
import { defined } from "../defined.ts";
import { type HostName, isGuestName } from "../resource.ts";
import { realClock } from "./clock.ts";
import { decorated } from "./decorators.ts";
import { gatheredReads } from "./gathered.ts";
import { guestExecs } from "./guests.ts";
import type { Exec, Host } from "./host.ts";
import { localExec } from "./local.ts";
import type { Network } from "./network.ts";
import { type Nodes, openNodes } from "./nodes.ts";
import { createNetwork } from "./real-network.ts";
import { createHost } from "./script-host.ts";
import { sharedReads } from "./shared-reads.ts";
import { askedFirst } from "./silent-guests.ts";
import type { Declared } from "./which-node.ts";
import type { Decorator, World } from "./world.ts";

export interface RealWorldOptions {
  /** An ssh target; absent when phoenix runs on the hypervisor itself. */
  readonly hypervisor?: string;
  /** Aborted: commands and requests under way are ended. */
  readonly signal: AbortSignal;
  /** As the site declares the node that is "pve"; absent where there is no site yet: then it is the one that is entered. */
  readonly declared?: Declared;
  /** Commands at a time on each node, 8 unless given. */
  readonly parallel?: number;
  /** The last one is the outermost. */
  readonly decorators?: readonly Decorator[];
}

/** The real machines. Nothing is contacted until something is asked of them. */
export async function openRealWorld(options: RealWorldOptions): Promise<World> {
  const { hypervisor, signal, declared, parallel } = options;
  const decorators = [gatheredReads(), ...(options.decorators ?? []), sharedReads()];
  const clock = realClock(signal);
  const common = { clock, decorators, ...defined({ declared, parallel }) };
  if (hypervisor === undefined) {
    const network = createNetwork({ signal });
    const description = ownName();
    const hypervisorExec = localExec(signal);
    // Connections are closed when all else was ended.
    const lastExec = localExec(new AbortController().signal);
    return worldOf({ ...common, description, hypervisorExec, lastExec, network, close: network.close });
  }
  const { openSsh } = await import("./ssh.ts");
  const ssh = openSsh(hypervisor, signal);
  const network = createNetwork({ signal, route: ssh.forward, connect: ssh.connect });
  const close = async (): Promise<void> => {
    await network.close();
    await ssh.close();
  };
  return worldOf({
    ...common,
    description: hypervisor,
    hypervisorExec: ssh.exec,
    network,
    reconnect: ssh.reconnect,
    close,
  });
}

export interface WorldParts {
  readonly description: string;
  /** Runs commands on the node that is entered; guests and other nodes are reached through it. */
  readonly hypervisorExec: Exec;
  /** The same for the last commands of a world; `hypervisorExec` unless given. */
  readonly lastExec?: Exec;
  readonly declared?: Declared;
  readonly parallel?: number;
  readonly network: Network;
  readonly clock: Clock;
  /** The last one is the outermost. Each sees a guest's command once, as the guest's. */
  readonly decorators?: readonly Decorator[];
  readonly reconnect?: World["reconnect"];
  readonly close: () => Promise<void>;
}

export function worldOf(parts: WorldParts): World {
  const { description, hypervisorExec, lastExec = hypervisorExec, clock, declared, parallel } = parts;
  const { decorators = [], reconnect, close } = parts;
  const hosts = new Map<HostName, Host>();
  const nodes = openNodes({ entry: hypervisorExec, clock, declared, parallel });
  const execOf = execs(nodes, clock);
  return {
    description,
    clock,
    ...defined({ reconnect }),
    close: async () => {
      await nodes.close(lastExec);
      await close();
    },
    cluster: nodes.cluster,
    network: decorators.reduce((inner, decorator) => decorator.network(inner), parts.network),
    host: (name) => {
      const known = hosts.get(name);
      if (known !== undefined) return known;
      const host = createHost(name, decorated(execOf(name), name, decorators));
      hosts.set(name, host);
      return host;
    },
  };
}

function execs(nodes: Nodes, clock: Clock): (name: HostName) => Exec {
  const guestExec = guestExecs(nodes, clock);
  return (name) => {
    if (isGuestName(name)) return askedFirst(name, guestExec(name));
    return name === "pve" ? nodes.pve : nodes.on(name.slice("node/".length));
  };
}

/** "pve.example.net (10.0.0.13)": this machine's name and its first address that is not a loopback one. */
function ownName(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const own = addresses.find(({ family, internal }) => family === "IPv4" && !internal);
  return own === undefined ? hostname() : `${hostname()} (${own.address})`;
}
