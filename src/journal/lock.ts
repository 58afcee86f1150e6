/**
 * The lock: one run at a time changes things. It is a file on the hypervisor, so that it also works between laptops. Its script
 * runs under flock(1), which makes reading and writing one step and which the kernel releases when a script dies.
 */
import type { Clock } from "../component.ts";
import { defined } from "../defined.ts";
import { LockedError, PhoenixError } from "../errors.ts";
import { commandError } from "../hosts/command-error.ts";
import type { Command, Host } from "../hosts/host.ts";
import { type Script, scriptArgv } from "../hosts/script.ts";
import { giveClusterLock, renewClusterLock, takeClusterLock } from "./cluster-lock.ts";
import { describe, holderOf, type LockHolder, locked, lockText, type OtherHolder } from "./lock-holder.ts";
import { isAlive, newToken, ownIdentity } from "./process-identity.ts";
import { journalDirectory } from "./store.ts";

/**
 * Parameters: `take`, `renew` or `release`; the journal's directory; our token; for `take` the token and the heartbeat of a
 * stale lock that may be replaced ("" for none). Standard input of `take`: the lock's content, one line of JSON with
 * `"token":"…"`.
 *
 * The lock is DIRECTORY/lock, its heartbeat the file's modification time. Exit codes: 0 done; 83 `take`: another holds it,
 * and standard output is a line with its heartbeat and the time now (seconds since the epoch, by the hypervisor's clock),
 * then its content; 84 `renew`: it is not ours any more. `release` removes our own lock and leaves any other.
 */
const lockScript: Script = {
  name: "lock",
  body: `umask 077
mkdir -p "$2" && exec 9<"$2" && flock 9 || exit 81
lock=$2/lock
held_by() {
  [ -n "$1" ] || return 1
  case $(cat "$lock" 2>/dev/null) in *'"token":"'"$1"'"'*) return 0 ;; esac
  return 1
}
case $1 in
take)
  if [ -e "$lock" ]; then
    heartbeat=$(stat -c %Y "$lock")
    held_by "$4" && [ "$heartbeat" = "$5" ] || { echo "$heartbeat $(date +%s)"; cat "$lock"; exit 83; }
  fi
  temporary=$(mktemp -p "$2" .phx.XXXXXX) || exit 82
  cat >"$temporary" && sync "$temporary" && mv -f "$temporary" "$lock" || { rm -f "$temporary"; exit 82; } ;;
renew) held_by "$3" && touch "$lock" || exit 84 ;;
release) ! held_by "$3" || rm -f "$lock" ;;
esac`,
};

/** The age of a stale heartbeat from another machine: three missed renewals. Seconds. */
const staleSeconds = 90;
const renewMs = 30_000;
const pollMs = 1_000;

export interface LockOptions {
  readonly command: string;
  readonly clock: Clock;
  /** How long to wait for another holder, in milliseconds; 0 unless given. */
  readonly waitMs?: number;
  /** Called once for every holder that the run waits for. */
  readonly onWait?: (holder: string) => void;
  /** Called with the previous holder of a stale lock: a run that was killed, or whose machine is gone. */
  readonly onTakeOver?: (holder: string) => void;
  readonly directory?: string;
  /** The hypervisor belongs to a cluster: its lock is taken as well. */
  readonly isOfCluster?: boolean;
}

export interface Lock {
  /** Aborted, with a LockedError as its reason, when another run took the lock: stop changing things. */
  readonly lost: AbortSignal;
  /** Releases the lock, by another connection to the host if given. Never fails: a lock that stays becomes stale. */
  release(by?: Host): Promise<void>;
}

/**
 * Takes the lock. A lock whose process is gone is taken over at once, one from another machine when its heartbeat is too old.
 * @throws LockedError with its holder
 */
export async function acquireLock(host: Host, options: LockOptions): Promise<Lock> {
  const { clock, command, waitMs = 0, directory = journalDirectory } = options;
  const token = newToken();
  const own: LockHolder = { token, ...ownIdentity(), command, startedMs: clock.now() };
  const deadline = clock.now() + waitMs;
  let stale: OtherHolder | undefined;
  let waitsFor = "";
  for (;;) {
    const holder = await take(host, directory, own, stale);
    if (holder === undefined) {
      if (stale !== undefined) options.onTakeOver?.(describe(stale, clock.now()));
      const held = hold(host, directory, token, options);
      if (options.isOfCluster === true)
        await takeClusterLock(host, own, stale, { ...options, deadline }).catch(async (error) => {
          await held.release();
          throw error;
        });
      return held;
    }
    const before = stale;
    stale = isStale(holder) ? holder : undefined;
    if (stale !== undefined && stale.token !== before?.token) continue;
    const who = describe(holder, clock.now());
    const left = deadline - clock.now();
    if (left <= 0) throw locked(holder, who, waitMs);
    if (waitsFor !== holder.token) options.onWait?.(who);
    waitsFor = holder.token;
    await clock.sleep(Math.min(pollMs, left));
  }
}

/** Tries once; returns the holder of the lock, or undefined when it is ours now. */
async function take(
  host: Host,
  directory: string,
  own: LockHolder,
  stale: OtherHolder | undefined,
): Promise<OtherHolder | undefined> {
  const result = await host.run(
    lockCommand(["take", directory, own.token, stale?.token ?? "", stale?.heartbeat ?? ""], lockText(own)),
  );
  if (result.exitCode === 0) return undefined;
  if (result.exitCode !== 83) throw commandError(host.name, "taking the lock", result);
  const [times = "", ...content] = result.stdout.split("\n");
  const [heartbeat = "", now = ""] = times.split(" ");
  const ageSeconds = Number(now) - Number(heartbeat);
  return { ...holderOf(`${directory}/lock`, content.join("\n")), heartbeat, ageSeconds };
}

function lockCommand(parameters: readonly string[], stdin?: string): Command {
  return defined({ argv: scriptArgv(lockScript, ...parameters), effect: "change", stdin });
}

/** A process of this machine can be looked up; one of another machine has only its heartbeat. */
function isStale({ boot = "", pid = 0, start = "", ageSeconds }: OtherHolder): boolean {
  const alive = isAlive({ boot, pid, start });
  return alive === undefined ? ageSeconds > staleSeconds : !alive;
}

function hold(
  host: Host,
  directory: string,
  token: string,
  { clock, isOfCluster = false }: LockOptions,
): Lock {
  const lost = new AbortController();
  let renewed = clock.now();
  const lose = (why: string): void => {
    clearInterval(timer);
    lost.abort(
      new LockedError(`the lock was lost: ${why}`, { hint: "run phoenix again when the other run is done" }),
    );
  };
  const renew = async (): Promise<void> => {
    try {
      const { exitCode } = await host.run(lockCommand(["renew", directory, token]));
      if (exitCode === 84) return lose("another run took it over");
      if (isOfCluster && !(await renewClusterLock(host, token))) return lose("another node took it over");
      if (exitCode === 0) renewed = clock.now();
    } catch (error) {
      if (!(error instanceof PhoenixError)) throw error;
    }
    if (clock.now() - renewed > staleSeconds * 1000) lose("it could not be renewed in time");
  };
  const timer = setInterval(() => void renew(), renewMs);
  timer.unref();
  return {
    lost: lost.signal,
    release: async (by = host) => {
      clearInterval(timer);
      if (isOfCluster) await giveClusterLock(by, token).catch(() => {});
      await by.run(lockCommand(["release", directory, token])).catch(() => {});
    },
  };
}
