/** Labs of the scenarios' sites, made once for all test files and copied for each use. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { program } from "./program.ts";
import { shared } from "./shared.ts";
import type { Scenario } from "./sites.ts";

/** How long a worker waits for another one to make what both need, in milliseconds. */
const patienceMs = 90_000;

/** A lab as on its first day. */
export async function freshLab(scenario: Scenario): Promise<string> {
  return copyOf(await master(scenario, "fresh", (directory) => init(scenario, directory)));
}

/** A lab after `sync all` went well. */
export async function syncedLab(scenario: Scenario): Promise<string> {
  const fresh = (): Promise<string> => master(scenario, "fresh", (directory) => init(scenario, directory));
  return copyOf(
    await master(scenario, "synced", async (directory) => {
      copy(await fresh(), directory);
      await expectDone(["sync", "all", "--lab", directory], scenario);
    }),
  );
}

export function copyOf(directory: string): string {
  const target = join(mkdtempSync(join(shared(), "lab-")), "lab");
  copy(directory, target);
  return target;
}

/** Removes a copy before the end of the run: some tests make hundreds. */
export function discard(directory: string): void {
  rmSync(join(directory, ".."), { recursive: true, force: true });
}

function copy(from: string, to: string): void {
  execFileSync("cp", ["-a", "--reflink=auto", from, to]);
}

async function init(scenario: Scenario, directory: string): Promise<void> {
  await expectDone(["lab", "init", directory, "--site", scenario.root], scenario);
}

async function expectDone(argv: readonly string[], { env }: Scenario): Promise<void> {
  const { code, signal, stdout, stderr } = await program(argv, { env });
  if (code !== 0) throw new Error(`phoenix ${argv.join(" ")}: ${code ?? signal}\n${stdout}${stderr}`);
}

/** Makes a master copy unless it is there; of several workers one makes it and the others wait. */
export async function master(
  { name }: Scenario,
  state: string,
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const target = join(shared(), `${name}-${state}`);
  const claim = `${target}.claim`;
  const failure = `${target}.failed`;
  const until = Date.now() + patienceMs;
  while (!existsSync(target)) {
    if (existsSync(failure))
      throw new Error(`the lab ${name}-${state} could not be made: see the first failure`);
    if (claimed(claim)) {
      try {
        await make(`${target}.making`);
        renameSync(`${target}.making`, target);
      } catch (error) {
        writeFileSync(failure, "");
        throw error;
      }
    } else if (Date.now() > until) throw new Error(`nobody finished ${target}`);
    else await delay(50);
  }
  return target;
}

function claimed(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch {
    return false;
  }
}
