/** What the scenarios of one run share, so that each worker need not make it again: bundled programs and finished labs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const variable = "PHOENIX_SCENARIOS";

/** The directory, made by `setup` before the first worker starts. */
export function shared(): string {
  const directory = process.env[variable];
  if (directory === undefined)
    throw new Error(`${variable} is not set: run these tests by vitest's project "lab"`);
  return directory;
}

/** Vitest's global setup of the project; what it returns is the end of the run. */
export function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), "phoenix-scenarios-"));
  process.env[variable] = directory;
  return () => rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
}
