/**
 * What the dashboard says of a lab: the checks of every component find the hops they are about, and what hands do to a machine
 * is told at the hop it concerns.
 */
import { beforeAll, expect, test } from "vitest";
import type { DashboardDocument } from "../../../src/render/output-dashboard.ts";
import { outputJsonSchema } from "../../../src/render/output-schemas.ts";
import { call } from "../../cli/edge.ts";
import { faultsOf } from "../../json-schema.ts";
import { type Hands, handsIn } from "./hands.ts";
import { syncedLab } from "./labs.ts";
import { homelab } from "./sites.ts";

let lab: string;
let hands: Hands;
beforeAll(async () => {
  lab = await syncedLab(homelab);
  hands = handsIn(lab);
});

async function page(): Promise<DashboardDocument> {
  const { code, stdout, stderr } = await call(["dashboard", "--lab", lab, "--output", "json"]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as DashboardDocument;
}

/** "wiki.oak.home.arpa dns: broken". */
function unwell({ ways }: DashboardDocument): readonly string[] {
  return ways.flatMap(({ name, hops }) =>
    hops.filter(({ state }) => state !== "proved").map(({ kind, state }) => `${name} ${kind}: ${state}`),
  );
}

test("after a sync every hop of every name is proved, each by a check of its own time", async () => {
  const document = await page();
  expect(faultsOf(outputJsonSchema("output-dashboard"), document)).toEqual([]);
  expect(document.ways.length).toBeGreaterThan(20);
  expect(unwell(document)).toEqual([]);
  expect(document.ways.flatMap(({ hops }) => hops).filter(({ proved }) => proved === undefined)).toEqual([]);
  expect(document.failures).toEqual([]);
  expect(document.plan).toMatchObject({ converged: true });
  expect(document.certificates.map(({ state }) => state)).toEqual(["valid", "valid", "valid"]);
  expect(document.runs[0]).toMatchObject({ command: "sync all", exitCode: 0, outcome: "converged" });
});

test("a record that points elsewhere and a stopped container are told where they are", async () => {
  hands.edit("pve", "/etc/phoenix/hosts.d/phoenix.hosts", (text) =>
    text.replace(/^\S+( .*\bmedia\.oak\.home\.arpa\b)/m, "192.0.2.1$1"),
  );
  await hands.run("vm/311", "docker", "stop", "wiki-wiki-1");
  const document = await page();
  expect(unwell(document)).toEqual(
    expect.arrayContaining([
      "media.oak.home.arpa dns: broken",
      "wiki.oak.home.arpa container: broken",
      "wiki.oak.home.arpa backend: broken",
      // The machine that the container is on.
      "docker-one.oak.home.arpa container: broken",
    ]),
  );
  expect(unwell(document).filter((hop) => !/^(?:media|wiki|handbook|docker-one)\./.test(hop))).toEqual([]);
  const dns = document.ways.find(({ name }) => name.startsWith("media."))?.hops[0];
  expect(dns).toMatchObject({
    expected: "192.168.40.10",
    seen: expect.stringContaining("192.0.2.1"),
    at: { file: "etc/phoenix_lxc_configs.json" },
    // The look before this one was nobody's run: the last proof is the sync's.
    proved: expect.stringMatching(/Z$/),
  });
  expect(document.plan?.converged).toBe(false);
});
