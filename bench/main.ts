/**
 * `script/bench`: start-up against bare node, small sites against bare node, and check and plan over sites of growing size.
 * Prints tables and exits with 1 when a limit is exceeded. Times are compared with others of the same minute, so that a busy
 * machine changes the numbers and not the verdict.
 */
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { generateSite } from "./generate.ts";
import { growth, median, type Point, type Run, runNode, startMs, table } from "./measure.ts";
import { judged, program } from "./program.ts";

/** A start may take this many times as long as `node -e 0`. */
const startLimit = 1.15;
/** The check of a site of the usual size, in the same unit. */
const siteLimit = 3;
/** Nothing may grow faster than n log n; 1.2 allows for the logarithm and for noise. */
const growthLimit = 1.2;
/** MiB at ten thousand guests. */
const memoryLimit = { guests: 10_000, peakMiB: 300 } as const;

const startRuns = 15;
const siteRuns = 7;
const runsOf = (guests: number): number => (guests >= 5_000 ? 2 : 3);

const [root = ".", ...sizes] = process.argv.slice(2);
const copy = program();
const { home, main, env, failures } = copy;
judged(copy, root, () => {
  benchStart();
  benchSmallSites();
  benchGrowth(sizes.length > 0 ? sizes.map(Number) : [100, 1_000, 10_000]);
});

/** The two run in turns, so that a busy moment affects both. */
function benchStart(): void {
  const bare: number[] = [];
  const own: number[] = [];
  for (let at = 0; at < startRuns; at++) {
    bare.push(startMs(["-e", "0"]));
    own.push(startMs([main, "--version"]));
  }
  const ratio = median(own) / median(bare);
  console.log(
    table([
      ["start", "median ms", "x node -e 0", "limit"],
      ["node -e 0", median(bare).toFixed(0), "1.00", ""],
      ["phoenix --version", median(own).toFixed(0), ratio.toFixed(2), `${startLimit}`],
    ]),
  );
  if (ratio > startLimit) failures.push(`a start takes ${ratio.toFixed(2)} times node -e 0`);
}

/** Sites of a usual size. */
function benchSmallSites(): void {
  const rows = [["site", "command", "median ms", "x node -e 0", "limit"]];
  for (const { name, site } of smallSites()) {
    const lab = join(home, `${name}-lab`);
    startMs([main, "lab", "init", lab, "--site", site], env);
    for (const command of ["check", "plan"]) {
      const where = command === "check" ? ["--site", site] : ["--lab", lab];
      const bare: number[] = [];
      const own: number[] = [];
      for (let at = 0; at < siteRuns; at++) {
        bare.push(startMs(["-e", "0"]));
        own.push(startMs([main, command, ...where, "--quiet"], env, [0, 2]));
      }
      const ratio = median(own) / median(bare);
      const limit = command === "check" ? siteLimit : undefined;
      rows.push([name, command, median(own).toFixed(0), ratio.toFixed(1), limit?.toFixed(1) ?? ""]);
      if (limit !== undefined && ratio > limit)
        failures.push(`${command} of ${name} takes ${ratio.toFixed(1)} times node -e 0`);
    }
  }
  console.log(table(rows));
}

/** The example, and the corrected real site of the tests, if it is here. */
function smallSites(): readonly { readonly name: string; readonly site: string }[] {
  const found = [{ name: "examples/homelab", site: join(root, "examples/homelab") }];
  const real = join(root, "../shared/sites/thinkheads");
  if (!existsSync(real)) return found;
  const site = join(home, "real");
  cpSync(real, site, { recursive: true });
  cpSync(join(root, "test/sites/thinkheads-overlay"), site, { recursive: true });
  return [...found, { name: "real site", site }];
}

/**
 * What each additional guest costs, from one size to the next: the start takes the same time for every size, and would hide
 * how the rest grows.
 */
function benchGrowth(guests: readonly number[]): void {
  const smallest = Math.min(...guests);
  for (const n of guests) generateSite(join(home, String(n)), n);
  // A plan reads the machines of the smallest site; the other guests do not exist yet.
  const lab = join(home, "lab");
  startMs([main, "lab", "init", lab, "--site", join(home, String(smallest))], env);
  const start = middleOf(3, ["--version"]).cpuMs;
  const rows = [
    ["generated site", "guests", "wall s", "cpu s", "cpu us/further guest", "growth", "peak MiB", "limit"],
  ];
  for (const command of ["check", "plan"]) {
    let last: Point = { n: 0, ms: start };
    let step: Point | undefined;
    for (const n of guests) {
      const site = ["--site", join(home, String(n)), "--quiet"];
      const run = middleOf(runsOf(n), [command, ...site, ...(command === "plan" ? ["--lab", lab] : [])]);
      const further = { n: n - last.n, ms: run.cpuMs - last.ms };
      const k = step === undefined ? undefined : growth(step, further);
      const isLargest = n === memoryLimit.guests;
      rows.push([
        command,
        String(n),
        (run.wallMs / 1000).toFixed(2),
        (run.cpuMs / 1000).toFixed(2),
        ((further.ms / further.n) * 1000).toFixed(0),
        k === undefined ? "" : `n^${k.toFixed(2)}`,
        run.peakMiB.toFixed(0),
        [k === undefined ? [] : `n^${growthLimit}`, isLargest ? `${memoryLimit.peakMiB} MiB` : []]
          .flat()
          .join(", "),
      ]);
      if (k !== undefined && k > growthLimit)
        failures.push(`${command} grows like n^${k.toFixed(2)} up to ${n} guests`);
      if (isLargest && run.peakMiB > memoryLimit.peakMiB)
        failures.push(`${command} of ${n} guests uses ${run.peakMiB.toFixed(0)} MiB`);
      last = { n, ms: run.cpuMs };
      step = further;
    }
  }
  console.log(table(rows));
}

/** The run with the median time, with the highest memory use of all runs. */
function middleOf(count: number, args: readonly string[]): Run {
  const runs = Array.from({ length: count }, () => {
    const run = runNode([main, ...args], env, join(home, "usage"));
    if (run.exitCode !== 0 && run.exitCode !== 2)
      throw new Error(`phoenix ${args.join(" ")} ended with ${run.exitCode}:\n${run.last}`);
    return run;
  }).sort((a, b) => a.cpuMs - b.cpuMs);
  const middle = runs[Math.floor((count - 1) / 2)];
  if (middle === undefined) throw new Error("nothing was measured");
  return { ...middle, peakMiB: Math.max(...runs.map(({ peakMiB }) => peakMiB)) };
}
