/** Opens a world: the real one here, the lab's through `worldOf`. */
import { hostname, networkInterfaces } from "node:os";
import type { Clock } from "../component.ts";
import { defined } from "../defined.ts";
import { type HostName, isGuestName } from "../resource.ts";
import { realClock } from "./clock.ts";
import { decorated, limited } from "./decorators.ts";
import { gatheredReads } from "./gathered.ts";
import { guestExecs } from "./guests.ts";
import type { Exec, Host } from "./host.ts";
import { localExec } from "./local.ts";
import type { Network } from "./network.ts";
import { createNetwork } from "./real-network.ts";
import { createHost } from "./script-host.ts";
import { sharedReads } from "./shared-reads.ts";
import { askedFirst } from "./silent-guests.ts";
import type { Decorator, World } from "./world.ts";

export interface RealWorldOptions {
  /** An ssh target; absent when phoenix runs on the hypervisor itself. */
  readonly hypervisor?: string;
  /** Aborted: commands and requests under way are ended. */
  readonly signal: AbortSignal;
  /** Commands at a time; the default of `limited` unless given. */
  readonly parallel?: number;
  /** The last one is the outermost. */
  readonly decorators?: readonly Decorator[];
}

/** The real machines. Nothing is contacted until something is asked of them. */
export async function openRealWorld(options: RealWorldOptions): Promise<World> {
  const { hypervisor, signal, parallel } = options;
  const decorators = [limited(parallel), gatheredReads(), ...(options.decorators ?? []), sharedReads()];
  const clock = realClock(signal);
  if (hypervisor === undefined) {
    const network = createNetwork({ signal });
    const description = ownName();
    const hypervisorExec = localExec(signal);
    return worldOf({ description, hypervisorExec, network, clock, decorators, close: network.close });
  }
  const { openSsh } = await import("./ssh.ts");
  const ssh = openSsh(hypervisor, signal);
  const network = createNetwork({ signal, route: ssh.forward, connect: ssh.connect });
  const close = async (): Promise<void> => {
    await network.close();
    await ssh.close();
  };
  return worldOf({
    description: hypervisor,
    hypervisorExec: ssh.exec,
    network,
    clock,
    decorators,
    reconnect: ssh.reconnect,
    close,
  });
}

export interface WorldParts {
  readonly description: string;
  /** Runs commands on the hypervisor; guests are reached through it. */
  readonly hypervisorExec: Exec;
  readonly network: Network;
  readonly clock: Clock;
  /** The last one is the outermost. Each sees a guest's command once, as the guest's. */
  readonly decorators?: readonly Decorator[];
  readonly reconnect?: World["reconnect"];
  readonly close: () => Promise<void>;
}

export function worldOf(parts: WorldParts): World {
  const { description, hypervisorExec, clock, decorators = [], reconnect, close } = parts;
  const hosts = new Map<HostName, Host>();
  const guestExec = guestExecs(hypervisorExec, clock);
  return {
    description,
    clock,
    ...defined({ reconnect }),
    close,
    network: decorators.reduce((inner, decorator) => decorator.network(inner), parts.network),
    host: (name) => {
      const known = hosts.get(name);
      if (known !== undefined) return known;
      const exec = isGuestName(name) ? askedFirst(name, guestExec(name)) : hypervisorExec;
      const host = createHost(name, decorated(exec, name, decorators));
      hosts.set(name, host);
      return host;
    },
  };
}

/** "pve.example.net (10.0.0.13)": this machine's name and its first address that is not a loopback one. */
function ownName(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const own = addresses.find(({ family, internal }) => family === "IPv4" && !internal);
  return own === undefined ? hostname() : `${hostname()} (${own.address})`;
}
