/** `phoenix trace` in the lab: every name of the example is well, and each planted fault is named at its hop, in time. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tracedNames } from "../../src/fabric/hops.ts";
import type { TraceDocument } from "../../src/render/output-schemas.ts";
import type { HostName } from "../../src/resource.ts";
import { call } from "../cli/edge.ts";
import { type Hands, plantedFaults } from "../trace/faults.ts";
import { misdiagnosis, selfSigned } from "../trace/judge.ts";
import { handsIn } from "./scenarios/hands.ts";
import { copyOf, discard, syncedLab } from "./scenarios/labs.ts";
import { homelab, siteOf } from "./scenarios/sites.ts";

let well: string;
beforeAll(async () => {
  well = await syncedLab(homelab);
}, 200_000);
afterAll(() => discard(well));

async function traced(
  lab: string,
  ...args: readonly string[]
): Promise<{ code: number | null; document: TraceDocument }> {
  const { code, stdout, stderr } = await call(["trace", ...args, "--lab", lab, "--output", "json"]);
  if (!stdout.startsWith("{")) throw new Error(stderr);
  return { code, document: JSON.parse(stdout) as TraceDocument };
}

function labHands(directory: string): Hands {
  const { write, edit, run, lab } = handsIn(directory);
  return {
    run: (host: HostName, ...argv) => run(host, ...argv),
    edit: async (host, path, change) => edit(host, path, change),
    write: async (host, path, text) =>
      lab.files.text(host, path) === undefined ? write(host, path, text) : edit(host, path, () => text),
    selfSigned,
  };
}

test("every name of the example is well", async () => {
  const site = await siteOf(homelab);
  const wrong: string[] = [];
  for (const name of [...tracedNames(site), "pve", "vm/311", "lxc/210", "stacks/wiki"]) {
    const { code, document } = await traced(well, name);
    if (code !== 0)
      wrong.push(
        `${name}: ${JSON.stringify(document.ways.flatMap(({ hops }) => hops.filter(({ status }) => status !== "ok")))}`,
      );
  }
  expect(wrong).toEqual([]);
}, 120_000);

test("an unknown name is a usage error, with the nearest one", async () => {
  const { code, stderr } = await call(["trace", "wikki", "--lab", well]);
  expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining("did you mean wiki?") });
});

describe("planted", () => {
  test.each(plantedFaults.filter(({ only }) => only !== "testbed"))("$what", async (fault) => {
    const lab = copyOf(well);
    try {
      await fault.plant(labHands(lab));
      const { document } = await traced(lab, ...fault.trace);
      expect(misdiagnosis(homelab.root, fault, document)).toBe("");
      expect(document.durationMs).toBeLessThan(5_000);
    } finally {
      discard(lab);
    }
  });
});
