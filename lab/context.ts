/** What the parts of the embedded lab share: where things are, what is broken, and how one lab machine reaches another. */
import type { Clock } from "../src/component.ts";
import type { CommandResult } from "../src/hosts/host.ts";
import type { Endpoint } from "../src/hosts/network.ts";
import type { HostName } from "../src/resource.ts";

/** JSON documents under DIR/state, one file each, replaced atomically: what a machine would hold in memory or on its own disk. */
export interface LabStore {
  read<T>(name: string): T | undefined;
  write(name: string, value: unknown): void;
  /**
   * Keeps what time alone has made of a document, which is no command's change: also for a command that only reads.
   * Nothing happens when somebody has changed the document meanwhile.
   */
  settle(name: string, before: unknown, after: unknown): void;
}

export interface LabContext {
  /** The lab's directory, absolute. */
  readonly directory: string;
  readonly store: LabStore;
  readonly clock: Clock;
  /** The directory that holds a lab host's file tree: DIR/hosts/lxc-101. A person may open and edit it. */
  root(host: HostName): string;
  /** The real path of an absolute path on a lab host, mounts and shares followed; never outside the lab. */
  path(host: HostName, absolute: string): string;
  /** Whether a fault is set, on `target` or everywhere; the value is what `lab break` was given. */
  fault(name: FaultName, target: string): string | undefined;
  /** Where a lab machine must connect to reach an address of the site; applies the lab's firewall. @throws TransportError */
  route(from: HostName, to: Endpoint): Promise<Endpoint>;
}

/** See `phoenix lab break --help` for what each one does. */
export type FaultName =
  | "guest-down"
  | "node-down"
  | "ssh-hang"
  | "no-quorum"
  | "partitioned"
  | "hang"
  | "exit-1"
  | "disk-full"
  | "refused"
  | "error-500"
  | "slow"
  | "wrong-certificate"
  | "expired-token"
  | "killed-before-activation"
  | "image-missing"
  | "task-crash"
  | "port-taken"
  | "overlay-closed";

/** A program of a lab host: `systemctl`, `docker`. It changes the host's tree and the store, and says what a real one would say. */
export type LabProgram = (call: LabCall) => Promise<CommandResult>;

export interface LabCall {
  readonly context: LabContext;
  readonly host: HostName;
  /** Without the program's name. */
  readonly args: readonly string[];
  readonly stdin: string;
}

/** A loopback server that plays one service of the fabric. */
export interface LabServer {
  /** The loopback port that it listens on. */
  readonly port: number;
  close(): Promise<void>;
}
