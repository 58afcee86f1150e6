/**
 * Directories below /etc/pve/priv/lock (pve-cluster 9.1, measured): making one takes a lock in the whole cluster. It lasts 120 s from
 * its making or its last renewal; after that whoever asks for it makes it go.
 */
import type { HostName } from "../src/resource.ts";
import { isNode } from "./nodes.ts";
import type { Lab } from "./parts.ts";

const lifetimeMs = 120_000;

/** The nodes that made them, by path. */
const document = "lock-directories";

type Makers = Readonly<Record<string, HostName>>;

export function isLockDirectory({ facts }: Lab, host: HostName, path: string): boolean {
  return facts.cluster !== undefined && isNode(host) && /^\/etc\/pve\/priv\/lock\/[^/]+$/.test(path);
}

/** Keeps who made the directory, and when. */
export function lockMade(lab: Lab, host: HostName, path: string): void {
  lab.files.touch(host, path);
  lab.store.write(document, { ...lab.store.read<Makers>(document), [path]: host });
}

/** `utimes(now)`: the maker renews its lock. @throws EACCES for anybody else, and for a time that does not grow */
export function renewLock(lab: Lab, host: HostName, path: string): void {
  const before = lab.files.status(host, path)?.modifiedMs ?? 0;
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const isOurs = lab.store.read<Makers>(document)?.[path] === host;
  if (!isOurs || seconds(lab.clock.now()) <= seconds(before)) throw denied(path);
  lab.files.touch(host, path);
}

/** `utimes(0)`: asks for a lock whose holder may be gone. @throws EACCES while it lasts */
export function askForLock(lab: Lab, host: HostName, path: string): void {
  const { modifiedMs = 0 } = lab.files.status(host, path) ?? {};
  if (lab.clock.now() - modifiedMs <= lifetimeMs) throw denied(path);
  lab.files.remove(host, path);
}

function denied(path: string): Error {
  return Object.assign(new Error(`EACCES: ${path}`), { code: "EACCES" });
}
