/** The lock of a cluster, as its nodes take it from each other: at once, after a kill, and when its time is up. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { initLab } from "../../lab/init.ts";
import { openLab } from "../../lab/lab.ts";
import { setClockOffset } from "../../lab/lab-file.ts";
import type { Host } from "../../src/hosts/host.ts";
import { acquireLock, type Lock } from "../../src/journal/lock.ts";
import { change, newDirectory, prepared } from "./open.ts";
import { labSite } from "./site.ts";

const two = prepared(async () => {
  const directory = await newDirectory();
  await initLab(directory, labSite, { nodes: ["oak1", "oak2"] });
  return directory;
});

const directory = "/etc/pve/priv/lock/phoenix";
const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

/** A run whose journal is on this node: two nodes that both take themselves for "pve". */
async function runOn(lab: string, node: string) {
  const world = await openLab(lab, { signal: new AbortController().signal, entry: node });
  const host: Host = world.host("pve");
  const take = async (
    more: { waitMs?: number; onTakeOver?: (holder: string) => void } = {},
  ): Promise<Lock> => {
    const lock = await acquireLock(host, {
      command: `sync on ${node}`,
      clock: world.clock,
      isOfCluster: true,
      ...more,
    });
    opened.unshift(() => lock.release());
    return lock;
  };
  opened.push(() => world.close());
  return { host, take };
}

async function isHeld({ host }: { readonly host: Host }): Promise<boolean> {
  return (await host.run(change("test", "-d", directory))).exitCode === 0;
}

test("of two nodes that ask at once exactly one gets it, and the other is told whose it is", async () => {
  const lab = await two();
  const runs = await Promise.all([runOn(lab, "oak1"), runOn(lab, "oak2")]);
  const taken = await Promise.allSettled(runs.map(({ take }) => take()));
  const lost = taken.flatMap((each) => (each.status === "rejected" ? [String(each.reason)] : []));
  expect(lost).toHaveLength(1);
  const winner = taken[0]?.status === "fulfilled" ? "oak1" : "oak2";
  expect(lost[0]).toMatch(new RegExp(`locked by .*(sync on ${winner}|\\?)`));
});

test("who waits gets it when the other node is done", async () => {
  const lab = await two();
  const [first, second] = await Promise.all([runOn(lab, "oak1"), runOn(lab, "oak2")]);
  const held = await first.take();
  const waiting = second.take({ waitMs: 20_000 });
  await held.release();
  const next = await waiting;
  expect(await isHeld(first)).toBe(true);
  await next.release();
  expect(await isHeld(first)).toBe(false);
});

test("a node that fell silent keeps it for 120 s, and no longer", async () => {
  const lab = await two();
  const second = await runOn(lab, "oak2");
  await second.host.run(change("mkdir", "-p", "/etc/pve/priv/lock"));
  await second.host.run(change("mkdir", directory));
  const holder = { version: 1, token: "t", who: "alice", host: "oak2", pid: 7, boot: "b", start: "1" };
  const text = JSON.stringify({ ...holder, command: "sync all", startedMs: Date.now() });
  await second.host.writeFiles([{ path: "/etc/pve/priv/phoenix-lock", text }]);
  setClockOffset(lab, 100_000);
  await expect((await runOn(lab, "oak1")).take()).rejects.toThrow("locked by alice on oak2");
  setClockOffset(lab, 130_000);
  await (await runOn(lab, "oak1")).take();
  expect(await isHeld(second)).toBe(true);
});

let programs: string;
beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), "phoenix-lock-"));
  const root = join(import.meta.dirname, "../..");
  const contents = `
    import { openLab } from ${JSON.stringify(join(root, "lab/lab.ts"))};
    import { acquireLock } from ${JSON.stringify(join(root, "src/journal/lock.ts"))};
    const world = await openLab(process.argv[2], { signal: new AbortController().signal, entry: "oak1" });
    await acquireLock(world.host("pve"), { command: "sync all", clock: world.clock, isOfCluster: true });
    process.stdout.write("taken\\n");
    setInterval(() => undefined, 1000);
  `;
  await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    ...{ bundle: true, platform: "node", format: "esm", logLevel: "error" },
    outfile: join(programs, "hold.mjs"),
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
});
afterAll(() => rm(programs, { recursive: true }));

test("a run that was killed loses it at once to the next one on its machine", async () => {
  const lab = await two();
  const child = spawn(process.execPath, [join(programs, "hold.mjs"), lab], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const other = await runOn(lab, "oak1");
  await expect(other.take()).rejects.toThrow(`pid ${child.pid}`);
  child.kill("SIGKILL");
  await once(child, "exit");
  const told: string[] = [];
  const lock = await other.take({ onTakeOver: (holder) => told.push(holder) });
  expect(told).toEqual([expect.stringContaining(`pid ${child.pid}`)]);
  await lock.release();
  expect(await isHeld(other)).toBe(false);
});
