/**
 * Shared connections of ssh between nodes (ControlMaster, OpenSSH 10): they live as long as this process at most, carry as many
 * sessions as the server allows, and a firewall that comes later leaves them alone. What runs at once is counted.
 */
import type { HostName } from "../src/resource.ts";
import type { Lab } from "./parts.ts";

/** MaxSessions of Debian's sshd. */
export const sessionLimit = 10;

export interface Shared {
  readonly target: HostName;
  sessions: number;
  /** When it ends without a session, in milliseconds since the epoch by the lab's clock. */
  endsMs: number;
}

/** What ssh did to one host. */
export interface SshCount {
  /** Connections that were opened. */
  connections: number;
  /** Sessions that run now, and the most that ran at once. */
  open: number;
  most: number;
}

interface State {
  readonly shared: Map<string, Shared>;
  readonly counts: Map<HostName, SshCount>;
}

const states = new WeakMap<Lab["facts"], State>();

function stateOf({ facts }: Lab): State {
  const known = states.get(facts) ?? { shared: new Map(), counts: new Map() };
  states.set(facts, known);
  return known;
}

export function countOf(lab: Lab, target: HostName): SshCount {
  const { counts } = stateOf(lab);
  const known = counts.get(target) ?? { connections: 0, open: 0, most: 0 };
  counts.set(target, known);
  return known;
}

/** What ssh did since the lab was opened, by host. */
export function sshCounts(lab: Lab): Readonly<Record<string, SshCount>> {
  return Object.fromEntries(stateOf(lab).counts);
}

/** The open connection behind a socket of `from`, unless nobody has used it for too long. */
export function sharedAt(lab: Lab, from: HostName, socket: string): Shared | undefined {
  const { shared } = stateOf(lab);
  const found = shared.get(`${from} ${socket}`);
  if (found === undefined || found.sessions > 0 || found.endsMs > lab.clock.now()) return found;
  shared.delete(`${from} ${socket}`);
  return undefined;
}

export function share(lab: Lab, from: HostName, socket: string, target: HostName): Shared {
  const added: Shared = { target, sessions: 0, endsMs: Number.POSITIVE_INFINITY };
  stateOf(lab).shared.set(`${from} ${socket}`, added);
  return added;
}

export function unshare(lab: Lab, from: HostName, socket: string): void {
  stateOf(lab).shared.delete(`${from} ${socket}`);
}
