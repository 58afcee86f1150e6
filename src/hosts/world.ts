/** The machines and the network of one run: the real ones, or the embedded lab's. */
import type { Cluster } from "../cluster.ts";
import type { Clock } from "../component.ts";
import type { HostName } from "../resource.ts";
import type { Exec, Host } from "./host.ts";
import type { Network } from "./network.ts";

export interface World {
  /** Its name in output: "pve.example.net (10.0.0.13)" or "lab DIR". */
  readonly description: string;
  host(name: HostName): Host;
  readonly network: Network;
  readonly clock: Clock;
  /**
   * Reaches the hypervisor once more as this run did at first: a new ssh connection from this machine, beside the shared one.
   * Absent on the hypervisor itself. @throws TransportError @throws CommandError when it takes too long
   */
  readonly reconnect?: () => Promise<void>;
  /**
   * The cluster that the hypervisor belongs to, as its machines say now; undefined on a single host.
   * @throws NotReadyError when the node that is "pve" is not there, or /etc/pve is not mounted; TransportError
   */
  cluster(): Promise<Cluster | undefined>;
  /** Ends what the world started: connections, loopback servers, child processes. */
  close(): Promise<void>;
}

/** Wraps every host's `Exec` and the network: read-only access, traces, fault injection. */
export interface Decorator {
  readonly exec: (exec: Exec, name: HostName) => Exec;
  readonly network: (network: Network) => Network;
}
