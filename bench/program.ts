/** What every benchmark of the built program needs: a copy of it, a directory that goes at the end, and a verdict. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Program {
  /** A directory for sites and labs. */
  readonly home: string;
  /** Its main file: a copy, so that a build in the meantime does not change what is measured. */
  readonly main: string;
  readonly env: Record<string, string>;
  /** Which limits were exceeded, in words. */
  readonly failures: string[];
}

export function program(): Program {
  const home = mkdtempSync(join(tmpdir(), "phoenix-bench-"));
  const main = join(home, "dist/main.js");
  const env = {
    BENCH_ADMIN_PASSWORD: "bench-password-1",
    PHOENIX_SITE: "",
    PHOENIX_LAB: "",
    PHOENIX_HOST: "",
  };
  return { home, main, env, failures: [] };
}

/** Runs the measurements and prints the verdict; the exit code is 1 when a limit is exceeded. @param root the project's directory */
export function judged({ home, failures }: Program, root: string, measure: () => void): void {
  try {
    cpSync(join(root, "dist"), join(home, "dist"), { recursive: true });
    writeFileSync(join(home, "package.json"), '{ "type": "module" }\n');
    measure();
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  for (const failure of failures) console.log(`limit exceeded: ${failure}`);
  if (failures.length === 0) console.log("every limit is kept");
  process.exitCode = failures.length > 0 ? 1 : 0;
}
