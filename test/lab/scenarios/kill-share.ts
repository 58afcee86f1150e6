/** One share of all kills of a full sync, so that the shares run in workers of their own. */
import pLimit from "p-limit";
import { expect, test } from "vitest";
import { endsOf, goOn, killsOf } from "./kill.ts";
import { homelab, small } from "./sites.ts";

/** Beside each other: while one waits for a server, another one computes. */
const besides = 2;

/** The small site unless the long way is asked for: PHOENIX_KILL=homelab takes about ten minutes on two cores. */
const scenario = process.env.PHOENIX_KILL === "homelab" ? homelab : small();

export function killShare(share: number, of: number): void {
  test(`share ${share} of ${of}: whenever a sync is killed, the next one converges`, {
    timeout: 900_000,
  }, async () => {
    const [{ effects, left }, ends] = [await killsOf(scenario), await endsOf(scenario)];
    expect(effects).toBeGreaterThan(20);
    const mine = left.filter((_, at) => at % of === share - 1);
    const limit = pLimit(besides);
    const found = await Promise.all(mine.map((one) => limit(() => goOn(one, ends))));
    const moments = mine.reduce((sum, one) => sum + one.moments.length, 0);
    const fine = found.filter((complaints) => complaints.length === 0).length;
    process.stdout.write(
      `${scenario.name}: kill -9 of a sync with ${effects} effects, share ${share} of ${of}: ${moments} moments, ${mine.length} different disks, ${fine} converged\n`,
    );
    expect(found.flat()).toEqual([]);
  });
}
