/** Real signals: a child that kills itself leaves exactly what the copies of kill.ts hold, and the next sync makes it good. */
import { expect, test } from "vitest";
import { killsOf } from "./kill.ts";
import { discard, freshLab } from "./labs.ts";
import { complaints, syncAll } from "./phoenix.ts";
import { program } from "./program.ts";
import { small } from "./sites.ts";

const scenario = small();
const shares = [0.1, 0.3, 0.5, 0.7, 0.9];

test.each(shares)("SIGKILL after %f of a sync", { timeout: 120_000 }, async (share) => {
  const { effects } = await killsOf(scenario);
  for (const point of ["before", "after"] as const) {
    const lab = await freshLab(scenario);
    const at = Math.ceil(effects * share);
    const { signal } = await program(["sync", "all", "--lab", lab], {
      kill: { point, at },
      env: scenario.env,
    });
    expect(signal).toBe("SIGKILL");
    const { code, document } = await syncAll(lab);
    expect(complaints(document)).toEqual([]);
    expect(code).toBe(0);
    discard(lab);
  }
});
