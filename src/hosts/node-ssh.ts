/** Commands on another node of the cluster: over one shared ssh connection from the node that Phoenix entered by. */
import pLimit from "p-limit";
import type { Clock } from "../component.ts";
import { TransportError } from "../errors.ts";
import { seconds } from "./clock.ts";
import { TimedOutError } from "./command-limits.ts";
import type { Command, CommandResult, Exec } from "./host.ts";
import { remoteLine, sshError, sshPatience, sshResult } from "./ssh-command.ts";

/** Sessions on one connection: OpenSSH's server allows ten (MaxSessions), and a person may want some. */
export const nodeSessions = 6;

/** How long the shared connection outlives its last session if Phoenix cannot close it, in seconds. */
const persistSeconds = 60;

/** How long a node may take to let us in, in milliseconds: ssh itself waits 10 s for its address. */
const connectMs = 15_000;

/** How long a node that could not be reached is not tried again, in milliseconds: each guest on it would wait as long as the first. */
const unreachableMs = 30_000;

/** How long a node has to run `true` once a command there did not end, in milliseconds. */
const answerMs = 5_000;

export interface Peer {
  readonly name: string;
  readonly address: string;
  /** The cluster's file of this node's own keys, where it has one. */
  readonly knownHosts: string | undefined;
}

export interface NodeSshOptions {
  /** A path for the connection's socket, in a directory that only root may enter. */
  readonly socket: string;
  readonly clock: Clock;
  /** Commands at a time, `nodeSessions` at most. */
  readonly parallel: number;
}

/**
 * The way to a node, as Proxmox itself goes (`ssh_info_to_command`, pve-cluster 9.1), with the connection shared. Nothing happens before
 * the first command.
 */
export class NodeSsh {
  readonly #entry: Exec;
  readonly #peer: Peer;
  readonly #clock: Clock;
  readonly #limit: ReturnType<typeof pLimit>;
  /** All but the command. */
  readonly #argv: readonly string[];
  #asking: Promise<void> | undefined;
  #isOpen = false;
  /** A command did not end: is it the node? */
  #isSilent = false;
  #unreachable: { readonly error: TransportError; readonly untilMs: number } | undefined;

  constructor(entry: Exec, peer: Peer, { socket, clock, parallel }: NodeSshOptions) {
    this.#entry = entry;
    this.#peer = peer;
    this.#clock = clock;
    this.#limit = pLimit(Math.min(parallel, nodeSessions));
    this.#argv = sshArgv(peer, socket);
  }

  /** Runs a command on the node. @throws TransportError when it cannot be reached, or hangs */
  readonly exec: Exec = (command) =>
    this.#limit(async () => {
      await this.#ready();
      try {
        return await this.#run(command);
      } catch (error) {
        if (error instanceof TimedOutError) this.#isSilent = true;
        else if (error instanceof TransportError) this.#isOpen = false;
        throw error;
      }
    });

  /** Ends the shared connection, by `entry` again. Never fails: what stays ends by itself. */
  async close(entry: Exec): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const argv = [...this.#argv.slice(0, -2), "-O", "exit", `root@${this.#peer.address}`];
    await entry({ argv, effect: "read", timeoutMs: answerMs }).catch(() => {});
  }

  async #run(command: Command): Promise<CommandResult> {
    const { name, address } = this.#peer;
    const result = await this.#entry({ ...command, argv: [...this.#argv, remoteLine(command)] });
    return sshResult(`node ${name}`, `root@${address}`, result, nodeError);
  }

  /** The first command opens the connection; the others wait for it, and share its failure. */
  async #ready(): Promise<void> {
    if (this.#unreachable !== undefined && this.#clock.now() < this.#unreachable.untilMs)
      throw this.#unreachable.error;
    this.#unreachable = undefined;
    if (this.#isOpen && !this.#isSilent) return;
    this.#asking ??= this.#ask(this.#isOpen);
    await this.#asking;
  }

  async #ask(isOpen: boolean): Promise<void> {
    try {
      await this.#run({ argv: ["true"], effect: "read", timeoutMs: isOpen ? answerMs : connectMs });
      this.#isOpen = true;
      this.#isSilent = false;
    } catch (thrown) {
      const error = thrown instanceof TimedOutError ? silence(this.#peer, isOpen) : thrown;
      if (error instanceof TransportError)
        this.#unreachable = { error, untilMs: this.#clock.now() + unreachableMs };
      throw error;
    } finally {
      this.#asking = undefined;
    }
  }
}

function silence({ name, address }: Peer, wasOpen: boolean): TransportError {
  const what = wasOpen
    ? `node ${name} does not answer: an earlier command did not end, and neither does \`true\``
    : `node ${name} (${address}) does not let ssh in within ${seconds(connectMs)}`;
  return new TransportError(`node ${name}`, what);
}

/** All but the command. Proxmox's own options come first, then those that share the connection and bound the wait. */
function sshArgv({ name, address, knownHosts }: Peer, socket: string): readonly string[] {
  // Older clusters have one list for all nodes, which the system's configuration of ssh names.
  const keys =
    knownHosts === undefined ? [] : [`UserKnownHostsFile=${knownHosts}`, "GlobalKnownHostsFile=none"];
  const shared = ["ControlMaster=auto", `ControlPath=${socket}`, `ControlPersist=${persistSeconds}`];
  const options = ["BatchMode=yes", `HostKeyAlias=${name}`, ...keys, ...shared, ...sshPatience];
  return [
    ...["/usr/bin/ssh", "-e", "none"],
    ...options.flatMap((option) => ["-o", option]),
    ...["-T", `root@${address}`, "--"],
  ];
}

/** The cluster's keys are its own business: a person need not accept or install any. */
function nodeError(target: string, peer: string, stderr: string): TransportError {
  return sshError(target, peer, stderr, (message) =>
    /Permission denied|Host key verification failed|HOST IDENTIFICATION HAS CHANGED/.test(message)
      ? "`pvecm updatecerts` on both nodes puts the cluster's own ssh keys right"
      : undefined,
  );
}
