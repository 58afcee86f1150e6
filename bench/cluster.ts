/**
 * `script/bench --cluster`: a plan, and a sync with nothing to do, of generated sites on ten Proxmox nodes with a Docker Swarm, all in
 * the lab. Prints a table and exits with 1 when something grows faster than its limit, or too much runs on a node at once. The lab's
 * machines are played by the same process, so its processor time is that of both.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { generateSite } from "./generate.ts";
import { growth, type Point, type Run, runNode, startMs, table } from "./measure.ts";
import { judged, program } from "./program.ts";

const nodes = Array.from({ length: 10 }, (_, at) => `node${at + 1}`);
/** Stacks of the Swarm for so many guests. */
const guestsOfStack = 5;
/** As for sites without a cluster: n log n, and noise. */
const growthLimit = 1.2;
/** Of ssh on each node: one shared connection, and fewer sessions than OpenSSH's ten. */
const connectionLimit = 1;
const sessionLimit = 6;
/** A site of this size takes its machines' time from the process that waits for them: a first sync may need another one. */
const attempts = 3;

const [root = ".", ...sizes] = process.argv.slice(2);
const copy = program();
const { home, main, env, failures } = copy;
judged(copy, root, () => bench(sizes.length > 0 ? sizes.map(Number) : [250, 500, 1_000]));

interface Measured {
  readonly guests: number;
  readonly plan: Run;
  readonly sync: Run;
  /** The most of any node. */
  readonly connections: number;
  readonly sessions: number;
}

function bench(guests: readonly number[]): void {
  const measured = guests.map(measure);
  const rows = [
    ["10 nodes", "guests", "stacks", "wall s", "cpu s", "x smallest", "growth", "peak MiB", "limit"],
  ];
  for (const command of ["plan", "sync"] as const) {
    const [smallest] = measured;
    let before: Point | undefined;
    for (const each of measured) {
      const { guests: n, [command]: run } = each;
      const point: Point = { n, ms: run.cpuMs };
      const k = before === undefined ? undefined : growth(before, point);
      rows.push([
        command === "sync" ? "sync, nothing to do" : command,
        String(n),
        String(n / guestsOfStack),
        (run.wallMs / 1000).toFixed(1),
        (run.cpuMs / 1000).toFixed(1),
        (run.cpuMs / (smallest?.[command].cpuMs ?? Number.NaN)).toFixed(2),
        k === undefined ? "" : `n^${k.toFixed(2)}`,
        run.peakMiB.toFixed(0),
        k === undefined ? "" : `n^${growthLimit}`,
      ]);
      if (k !== undefined && k > growthLimit)
        failures.push(`${command} grows like n^${k.toFixed(2)} up to ${n} guests`);
      before = point;
    }
  }
  console.log(table(rows));
  const most = (key: "connections" | "sessions"): number => Math.max(...measured.map((each) => each[key]));
  console.log(
    table([
      ["ssh to each node", "most", "limit"],
      ["connections", String(most("connections")), String(connectionLimit)],
      ["commands at once", String(most("sessions")), String(sessionLimit)],
    ]),
  );
  if (most("connections") > connectionLimit) failures.push("a node got more than one connection of ssh");
  if (most("sessions") > sessionLimit)
    failures.push(`a node ran ${most("sessions")} commands of ssh at once`);
}

function measure(guests: number): Measured {
  const [site, lab] = [join(home, `site-${guests}`), join(home, `lab-${guests}`)];
  generateSite(site, guests, guests / guestsOfStack);
  startMs([main, "lab", "init", lab, "--site", site, "--nodes", nodes.join(",")], env);
  const plan = run(["plan", "--quiet", "--lab", lab], [2]);
  for (let left = attempts; ; left--) {
    const { exitCode, last } = runNode(
      [main, "sync", "all", "--quiet", "--lab", lab],
      env,
      join(home, "usage"),
    );
    if (exitCode === 0) break;
    if (left === 1) throw new Error(`the site of ${guests} guests does not converge:\n${last}`);
  }
  const sync = run(["sync", "all", "--quiet", "--lab", lab], [0]);
  const counts = Object.values(JSON.parse(readFileSync(join(lab, "state/ssh.json"), "utf8"))) as {
    connections: number;
    most: number;
  }[];
  rmSync(lab, { recursive: true, force: true });
  return {
    guests,
    plan,
    sync,
    connections: Math.max(...counts.map(({ connections }) => connections)),
    sessions: Math.max(...counts.map(({ most }) => most)),
  };
}

function run(args: readonly string[], expected: readonly number[]): Run {
  const done = runNode([main, ...args], env, join(home, "usage"));
  if (!expected.includes(done.exitCode))
    throw new Error(`phoenix ${args.join(" ")} ended with ${done.exitCode}:\n${done.last}`);
  return done;
}
