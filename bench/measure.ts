/** Measuring programs from outside: wall time, processor time, and peak memory. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Run {
  readonly exitCode: number;
  readonly wallMs: number;
  /** User and system time: how long the run would take on an idle machine, apart from waiting. */
  readonly cpuMs: number;
  /** MiB. */
  readonly peakMiB: number;
  /** The end of what it printed. */
  readonly last: string;
}

/** Reported by the program itself at its end: times are in microseconds, maxRSS is in KiB on Linux. */
const tellUsage =
  "data:text/javascript,import{writeFileSync}from'node:fs';process.on('exit',()=>writeFileSync(process.env.BENCH_USAGE,JSON.stringify(process.resourceUsage())))";

/** Runs node with these arguments, in the given environment and the usual variables. */
export function runNode(args: readonly string[], env: Record<string, string>, usageFile: string): Run {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [`--import=${tellUsage}`, ...args], {
    env: { ...process.env, ...env, BENCH_USAGE: usageFile },
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const wallMs = performance.now() - started;
  const usage = JSON.parse(readFileSync(usageFile, "utf8")) as NodeJS.ResourceUsage;
  const cpuMs = (usage.userCPUTime + usage.systemCPUTime) / 1000;
  const last = `${stdout}${stderr}`.slice(-2_000);
  return { exitCode: status ?? -1, wallMs, cpuMs, peakMiB: usage.maxRSS / 1024, last };
}

/** Wall time of a start, with nothing else in the process. @param expected the valid exit codes */
export function startMs(
  args: readonly string[],
  env: Record<string, string> = {},
  expected: readonly number[] = [0],
): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, {
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  const ms = performance.now() - started;
  if (!expected.includes(status ?? -1))
    throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}`);
  return ms;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** A number of guests, and a time. */
export interface Point {
  readonly n: number;
  readonly ms: number;
}

/** The k in "time grows like n to the k", from two points. */
export function growth(from: Point, to: Point): number {
  return Math.log(to.ms / from.ms) / Math.log(to.n / from.n);
}

/** Columns of text: the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))),
  );
  return `${lines.map((cells) => cells.join("  ").trimEnd()).join("\n")}\n`;
}
