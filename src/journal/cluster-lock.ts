/**
 * The lock of a Proxmox cluster, beside the file on "pve": pmxcfs (pve-cluster 9.1) lets one node at a time make a directory below
 * priv/lock, and takes it away 120 s after it was last renewed. It holds even when two nodes take themselves for "pve".
 */
import type { Clock } from "../component.ts";
import { commandError } from "../hosts/command-error.ts";
import type { Host } from "../hosts/host.ts";
import { describe, type LockHolder, locked, lockText, type OtherHolder, readHolder } from "./lock-holder.ts";
import { isAlive } from "./process-identity.ts";

const locks = "/etc/pve/priv/lock";
const directory = `${locks}/phoenix`;

/** Who holds it: nothing can lie in the directory itself. Every node has the file, and only root may read it. */
export const clusterHolderFile = "/etc/pve/priv/phoenix-lock";

const pollMs = 1_000;

export interface Waiting {
  readonly clock: Clock;
  /** Until when to wait for another holder, in milliseconds since the epoch. */
  readonly deadline: number;
  /** How long that is, in milliseconds; 0 unless given. */
  readonly waitMs?: number;
  readonly onWait?: (holder: string) => void;
}

/**
 * Takes it, from a run that has ended as well.
 * @param dead the run that the hypervisor's own lock was taken over from
 * @throws LockedError with its holder; CommandError without quorum; TransportError
 */
export async function takeClusterLock(
  host: Host,
  own: LockHolder,
  dead: OtherHolder | undefined,
  { clock, waitMs = 0, onWait, deadline }: Waiting,
): Promise<void> {
  let waitsFor: string | undefined;
  for (;;) {
    if (await make(host, own)) return;
    const holder = await clusterHolder(host);
    const hasEnded = (holder.token !== "" && holder.token === dead?.token) || isGone(holder);
    await (hasEnded ? remove(host) : askFor(host));
    if (await make(host, own)) return;
    const left = deadline - clock.now();
    const who = describe(holder, clock.now());
    if (left <= 0) throw locked(holder, who, waitMs);
    if (waitsFor !== holder.token) onWait?.(who);
    waitsFor = holder.token;
    await clock.sleep(Math.min(pollMs, left));
  }
}

/** @returns false when it is not ours any more @throws CommandError without quorum; TransportError */
export async function renewClusterLock(host: Host, token: string): Promise<boolean> {
  if ((await clusterHolder(host)).token !== token) return false;
  await host.expect({ argv: ["touch", directory], effect: "change" });
  return true;
}

/** Gives it back where it is ours. */
export async function giveClusterLock(host: Host, token: string): Promise<void> {
  if ((await clusterHolder(host)).token === token) await remove(host);
}

/** Who holds it now; undefined when nobody does, or nobody can tell. */
export async function readClusterHolder(host: Host): Promise<LockHolder | undefined> {
  if (!(await host.list(locks)).includes("phoenix")) return undefined;
  const text = (await host.readFiles([clusterHolderFile])).get(clusterHolderFile)?.text;
  return readHolder(clusterHolderFile, text);
}

async function make(host: Host, own: LockHolder): Promise<boolean> {
  await host.expect({ argv: ["mkdir", "-p", locks], effect: "change" });
  const made = await host.run({ argv: ["mkdir", directory], effect: "change" });
  if (made.exitCode !== 0 && /File exists/.test(made.stderr)) return false;
  if (made.exitCode !== 0) throw commandError(host.name, "taking the cluster's lock", made);
  await host.writeFiles([{ path: clusterHolderFile, text: lockText(own) }]);
  return true;
}

async function remove(host: Host): Promise<void> {
  await host.remove([clusterHolderFile]);
  await host.run({ argv: ["rmdir", directory], effect: "change" });
}

/** Has pmxcfs take the directory away if its time is up: the time 0 is a request, which is refused before. */
async function askFor(host: Host): Promise<void> {
  await host.run({ argv: ["touch", "--no-create", "--date=@0", directory], effect: "change" });
}

async function clusterHolder(host: Host): Promise<OtherHolder> {
  const text = (await host.readFiles([clusterHolderFile])).get(clusterHolderFile)?.text;
  return { token: "", heartbeat: "", ageSeconds: 0, ...readHolder(clusterHolderFile, text) };
}

/** Its process ran on this machine, and does not any more. */
function isGone({ boot = "", pid = 0, start = "" }: OtherHolder): boolean {
  return isAlive({ boot, pid, start }) === false;
}
