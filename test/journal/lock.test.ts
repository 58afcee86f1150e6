/** The lock, on real files with the real script. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Clock } from "../../src/component.ts";
import { LockedError, SiteError } from "../../src/errors.ts";
import { realClock } from "../../src/hosts/clock.ts";
import type { Host } from "../../src/hosts/host.ts";
import { localExec } from "../../src/hosts/local.ts";
import { createHost } from "../../src/hosts/script-host.ts";
import { acquireLock, type Lock, type LockOptions } from "../../src/journal/lock.ts";
import { ownIdentity } from "../../src/journal/process-identity.ts";

const signal = new AbortController().signal;
const clock: Clock = realClock(signal);
const host: Host = createHost("pve", localExec(signal));
let directory: string;
let held: Lock[];

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), "phoenix-lock-")), "journal");
  held = [];
});
afterEach(async () => {
  for (const lock of held) await lock.release();
  vi.useRealTimers();
  await rm(join(directory, ".."), { recursive: true });
});

async function acquire(more: Partial<LockOptions> = {}): Promise<Lock> {
  const lock = await acquireLock(host, { command: "sync all", clock, directory, ...more });
  held.push(lock);
  return lock;
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Writes a lock as another process would have, with its heartbeat `ageSeconds` ago. */
async function writeLock(content: Record<string, unknown>, ageSeconds = 0): Promise<void> {
  await (await acquire()).release();
  const path = join(directory, "lock");
  const holder = {
    version: 1,
    token: "f".repeat(32),
    who: "root",
    host: "pve2",
    command: "sync dns",
    pid: 4711,
  };
  await writeFile(path, `${JSON.stringify({ ...holder, startedMs: Date.now() - 180_000, ...content })}\n`);
  const heartbeat = Date.now() / 1000 - ageSeconds;
  await utimes(path, heartbeat, heartbeat);
}

describe("taking", () => {
  test("a free lock is taken, held in a private directory, and given back", async () => {
    const lock = await acquire();
    const content: unknown = JSON.parse(await readFile(join(directory, "lock"), "utf8"));
    expect(content).toMatchObject({ version: 1, command: "sync all", ...ownIdentity() });
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    await lock.release();
    await expect(stat(join(directory, "lock"))).rejects.toThrow("ENOENT");
  });

  test("a held lock is refused with its holder, and what to do", async () => {
    await acquire({ command: "sync dns" });
    const error = await failure(acquire());
    expect(error).toBeInstanceOf(LockedError);
    const { who, host: machine, pid } = ownIdentity();
    expect((error as Error).message).toBe(`locked by ${who} on ${machine} since 0 s (sync dns, pid ${pid})`);
    expect((error as LockedError).hint).toContain(`kill ${pid}`);
  });

  test("of eight that try at once exactly one gets it", async () => {
    const results = await Promise.all(Array.from({ length: 8 }, () => failure(acquire())));
    expect(results.filter((error) => error === undefined)).toHaveLength(1);
    expect(results.filter((error) => error instanceof LockedError)).toHaveLength(7);
  });

  test("a lock of a newer phoenix is not touched", async () => {
    await writeLock({ version: 2 }, 1000);
    const error = await failure(acquire());
    expect(error).toBeInstanceOf(SiteError);
    expect((error as Error).message).toContain("newer phoenix");
  });
});

describe("stale locks", () => {
  test("a process of this machine that is gone loses its lock at once", async () => {
    const gone = spawn("true");
    await once(gone, "exit");
    await writeLock({ ...ownIdentity(), pid: gone.pid });
    const told: string[] = [];
    await acquire({ onTakeOver: (holder) => told.push(holder) });
    expect(told).toEqual([expect.stringMatching(`since 3 min .*sync dns, pid ${gone.pid}`)]);
  });

  test("so does one whose number another process has now", async () => {
    await writeLock({ ...ownIdentity(), start: "1" });
    await acquire();
  });

  test("a living process of this machine keeps it, however old its heartbeat", async () => {
    await writeLock(ownIdentity() as unknown as Record<string, unknown>, 1000);
    expect(await failure(acquire())).toBeInstanceOf(LockedError);
  });

  test("another machine keeps it for 90 s after its last heartbeat", async () => {
    await writeLock({ boot: "elsewhere", start: "1" }, 80);
    const error = await failure(acquire());
    expect((error as Error).message).toBe("locked by root on pve2 since 3 min (sync dns, pid 4711)");
    await utimes(join(directory, "lock"), Date.now() / 1000 - 100, Date.now() / 1000 - 100);
    await acquire();
  });

  test("of eight that see the same stale lock exactly one takes it over", async () => {
    await writeLock({ boot: "elsewhere", start: "1" }, 1000);
    const results = await Promise.all(Array.from({ length: 8 }, () => failure(acquire())));
    expect(results.filter((error) => error === undefined)).toHaveLength(1);
  });

  test("a heartbeat between looking and taking saves the lock", async () => {
    await writeLock({ boot: "elsewhere", start: "1" }, 1000);
    let looks = 0;
    const slow: Host = {
      ...host,
      run: async (command) => {
        if (++looks === 2) await utimes(join(directory, "lock"), new Date(), new Date());
        return host.run(command);
      },
    };
    expect(await failure(acquireLock(slow, { command: "sync all", clock, directory }))).toBeInstanceOf(
      LockedError,
    );
    expect(looks).toBe(2);
  });
});

describe("while it is held", () => {
  test("waiting takes it as soon as it is free, and tells once who is waited for", async () => {
    const first = await acquire({ command: "sync dns" });
    const waited: string[] = [];
    let sleeps = 0;
    const impatient: Clock = {
      now: clock.now,
      sleep: async () => {
        if (++sleeps === 3) await first.release();
      },
    };
    await acquire({ clock: impatient, waitMs: 60_000, onWait: (holder) => waited.push(holder) });
    expect(sleeps).toBe(3);
    expect(waited).toHaveLength(1);
    expect(waited[0]).toContain("sync dns");
  });

  test("waiting ends when the time is up", async () => {
    await acquire();
    const error = await failure(acquire({ waitMs: 50 }));
    expect(error).toBeInstanceOf(LockedError);
    expect((error as Error).message).toContain("after waiting 0 s");
  });

  test("the heartbeat is renewed every 30 s", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    await acquire();
    const path = join(directory, "lock");
    await utimes(path, 1, 1);
    vi.advanceTimersByTime(30_000);
    await vi.waitFor(async () => expect((await stat(path)).mtimeMs).toBeGreaterThan(1_000_000), {
      timeout: 5_000,
    });
  });

  test("who lost it is told, and its release leaves the other's lock alone", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const lock = await acquire();
    const path = join(directory, "lock");
    await writeFile(path, `${JSON.stringify({ version: 1, token: "other" })}\n`);
    vi.advanceTimersByTime(30_000);
    await vi.waitFor(() => expect(lock.lost.aborted).toBe(true), { timeout: 5_000 });
    expect(lock.lost.reason).toBeInstanceOf(LockedError);
    await lock.release();
    expect(await readFile(path, "utf8")).toContain("other");
  });

  test("a hypervisor that is out of reach for longer than a heartbeat lasts means that it is lost", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    let now = Date.now();
    let reachable = true;
    const lock = await acquireLock(
      {
        ...host,
        run: (command) => (reachable ? host.run(command) : Promise.reject(new LockedError("away"))),
      },
      { command: "sync all", clock: { now: () => now, sleep: clock.sleep }, directory },
    );
    reachable = false;
    now += 60_000;
    vi.advanceTimersByTime(30_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(lock.lost.aborted).toBe(false);
    now += 60_000;
    vi.advanceTimersByTime(30_000);
    await vi.waitFor(() => expect(lock.lost.aborted).toBe(true), { timeout: 5_000 });
    reachable = true;
    await lock.release();
  });
});
