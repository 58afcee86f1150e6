/** Somebody changed something by hand: a plan names exactly that, a sync puts exactly that back. */
import { expect, test } from "vitest";
import { type Drift, drifts } from "./drifts.ts";
import { handsIn } from "./hands.ts";
import { discard, syncedLab } from "./labs.ts";
import { changedIds, complaints, planOf, syncAll } from "./phoenix.ts";
import { homelab, siteOf } from "./sites.ts";
import { differences, journal, treeOf } from "./tree.ts";

const site = await siteOf(homelab);

/**
 * What is different after every repair: certificates issued anew, Portainer's own data, definitions that are kept for the
 * way back, logs and process files.
 */
const renewed = /\.(crt|key|pem|previous)$|\/portainer\/data(\/|$)|\/var\/log\/|\/run\//;

/** Drifts of different components at once: a round takes the next one of each. Some are tried alone. */
function rounds(): readonly (readonly Drift[])[] {
  const alone = drifts.filter((drift) => drift.alone === true).map((drift) => [drift]);
  const together = drifts.filter((drift) => drift.alone !== true);
  const queues = new Map<string, Drift[]>();
  for (const drift of together) queues.set(drift.component, [...(queues.get(drift.component) ?? []), drift]);
  const longest = Math.max(...[...queues.values()].map((queue) => queue.length));
  const mixed = Array.from({ length: longest }, (_, n) =>
    [...queues.values()].flatMap((queue) => queue[n] ?? []),
  );
  return [...mixed, ...alone];
}

test.each(rounds().map((round) => ({ what: round.map(({ what }) => what).join("; "), round })))(
  "$what: planned, repaired, and nothing else is touched",
  { timeout: 180_000 },
  async ({ round }) => {
    const lab = await syncedLab(homelab);
    const before = treeOf(lab);
    for (const { make } of round) await make(handsIn(lab), site);
    const wanted = round.flatMap(({ ids }) => ids(site)).sort();

    const planned = await planOf(lab);
    expect(changedIds(planned.document)).toEqual(wanted);
    expect(planned.code, planned.stderr).toBe(2);

    const { code, document, stderr } = await syncAll(lab);
    expect(complaints(document), stderr).toEqual([]);
    expect(code).toBe(0);
    expect(wanted).toEqual(expect.arrayContaining([...changedIds(document)]));

    expect(contents(differences(before, treeOf(lab), [journal, /^state(\/|$)/, renewed]))).toEqual([]);
    expect((await planOf(lab)).code).toBe(0);
    discard(lab);
  },
);

/** Differences apart from times: what was put back is as old as its repair. */
function contents(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !line.endsWith(": modified"));
}
