/** Who holds a lock: as its file says, and as it is told. */
import { defined } from "../defined.ts";
import { LockedError, PhoenixError } from "../errors.ts";
import { option } from "../option-names.ts";
import { isAlive, type ProcessIdentity } from "./process-identity.ts";
import { parseDocument, version } from "./store.ts";

export interface LockHolder extends ProcessIdentity {
  readonly token: string;
  /** "sync all". */
  readonly command: string;
  /** When it took the lock, in milliseconds since the epoch of its own clock. */
  readonly startedMs: number;
}

/** As far as it can be known. */
export interface OtherHolder extends Partial<LockHolder> {
  readonly token: string;
  /** As the script printed it. */
  readonly heartbeat: string;
  readonly ageSeconds: number;
}

/** The content of a lock file: one line of JSON. */
export function lockText(holder: LockHolder): string {
  return `${JSON.stringify({ version, ...holder })}\n`;
}

/** @throws SiteError when it is damaged, or was written by a newer Phoenix */
export function holderOf(path: string, text: string): Partial<LockHolder> & { token: string } {
  const document = parseDocument(path, text);
  const string = (key: string): string | undefined =>
    typeof document[key] === "string" ? document[key] : undefined;
  const number = (key: string): number | undefined =>
    typeof document[key] === "number" ? document[key] : undefined;
  return {
    token: string("token") ?? "",
    ...defined({
      who: string("who"),
      host: string("host"),
      pid: number("pid"),
      boot: string("boot"),
      start: string("start"),
      command: string("command"),
      startedMs: number("startedMs"),
    }),
  };
}

/** The holder that a lock file names; undefined without a file, or when it does not name one properly. */
export function readHolder(path: string, text: string | undefined): LockHolder | undefined {
  if (text === undefined) return undefined;
  try {
    const holder = holderOf(path, text);
    return isHolder(holder) ? holder : undefined;
  } catch (error) {
    if (error instanceof PhoenixError) return undefined;
    throw error;
  }
}

function isHolder(holder: Partial<LockHolder>): holder is LockHolder {
  const { who, host, pid, boot, start, command, startedMs } = holder;
  return [who, host, pid, boot, start, command, startedMs].every((each) => each !== undefined);
}

/** "root on pve since 3 min (sync all, pid 4711)". */
export function describe(
  { who, host, pid, command, startedMs, ageSeconds }: OtherHolder,
  now: number,
): string {
  const since = startedMs === undefined ? ageSeconds * 1000 : Math.max(now - startedMs, 0);
  return `${who ?? "somebody"} on ${host ?? "some machine"} since ${ago(since)} (${command ?? "?"}, pid ${pid ?? "?"})`;
}

function ago(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

export function locked(holder: OtherHolder, who: string, waitMs: number): LockedError {
  const waited = waitMs > 0 ? ` after waiting ${ago(waitMs)}` : "";
  return new LockedError(`locked by ${who}${waited}`, {
    hint:
      isAlive({ boot: "", pid: 0, start: "", ...holder }) === true
        ? `wait for it with ${option.lockWait}; should it hang, end it: kill ${holder.pid}`
        : `wait for it with ${option.lockWait}; a run that ended without a word is forgotten after 90 s`,
  });
}
