/** Commands on another node of the cluster: over one shared ssh connection from the node that Phoenix entered by. */
import pLimit from "p-limit";
import type { Clock } from "../component.ts";
import { TransportError } from "../errors.ts";
import { seconds } from "./clock.ts";
import { TimedOutError } from "./command-limits.ts";
import type { Exec } from "./host.ts";
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

export interface NodeSsh {
  /** @throws TransportError when the node cannot be reached, or hangs */
  readonly exec: Exec;
  /** Ends the shared connection, by `entry` again. Never fails: what stays ends by itself. */
  close(entry: Exec): Promise<void>;
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
export function openNodeSsh(entry: Exec, peer: Peer, { socket, clock, parallel }: NodeSshOptions): NodeSsh {
  const target = `node ${peer.name}`;
  const limit = pLimit(Math.min(parallel, nodeSessions));
  const argv = sshArgv(peer, socket);
  let opening: Promise<void> | undefined;
  let isOpen = false;
  let unreachable: { readonly error: TransportError; readonly untilMs: number } | undefined;
  /** A command did not end: is it the node? */
  let isSilent = false;

  const run: Exec = async (command) => {
    const result = await entry({ ...command, argv: [...argv, remoteLine(command)] });
    return sshResult(target, `root@${peer.address}`, result, nodeError);
  };
  const ask = async (timeoutMs: number, silence: string): Promise<void> => {
    try {
      const command = { argv: ["true"], effect: "read", timeoutMs } as const;
      await run(command);
      isOpen = true;
      isSilent = false;
    } catch (thrown) {
      const error = thrown instanceof TimedOutError ? new TransportError(target, silence) : thrown;
      if (error instanceof TransportError) unreachable = { error, untilMs: clock.now() + unreachableMs };
      throw error;
    } finally {
      opening = undefined;
    }
  };
  /** The first command opens the connection; the others wait for it, and share its failure. */
  const ready = async (): Promise<void> => {
    if (unreachable !== undefined && clock.now() < unreachable.untilMs) throw unreachable.error;
    unreachable = undefined;
    if (isOpen && !isSilent) return;
    opening ??= isOpen
      ? ask(
          answerMs,
          `node ${peer.name} does not answer: an earlier command did not end, and neither does \`true\``,
        )
      : ask(
          connectMs,
          `node ${peer.name} (${peer.address}) does not let ssh in within ${seconds(connectMs)}`,
        );
    await opening;
  };

  const exec: Exec = (command) =>
    limit(async () => {
      await ready();
      try {
        return await run(command);
      } catch (error) {
        if (error instanceof TimedOutError) isSilent = true;
        else if (error instanceof TransportError) isOpen = false;
        throw error;
      }
    });
  return {
    exec,
    close: async (by) => {
      if (!isOpen) return;
      isOpen = false;
      const end = [...argv.slice(0, -2), "-O", "exit", `root@${peer.address}`];
      await by({ argv: end, effect: "read", timeoutMs: answerMs }).catch(() => {});
    },
  };
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
