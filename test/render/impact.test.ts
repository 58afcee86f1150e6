import { expect, test } from "vitest";
import type { Plan } from "../../src/engine/plan.ts";
import { clientImpact } from "../../src/render/impact.ts";
import type { Change } from "../../src/resource.ts";

function planOf(changes: Readonly<Record<string, Change>>): Plan {
  const components = Object.entries(changes).map(([component, change]) => ({
    component,
    desired: [],
    changes: [change],
    hazards: [],
    orphans: [],
    leftBehind: [],
    pendingActivation: [],
    unreadResources: [],
    notes: [],
  }));
  return { components, digest: "" };
}

const resource = (units: Record<string, string>) =>
  ({ id: "dns/records", host: "pve", text: JSON.stringify(units), units }) as const;
const added: Change = { verb: "create", desired: resource({ "a.example.net": "10.0.0.1" }) };

test("names that are only added affect no client", () => {
  expect(clientImpact(planOf({ dns: added }))).toEqual(["none (new: a.example.net)"]);
});

test("beside changes of other components nothing is claimed", () => {
  expect(clientImpact(planOf({ dns: added, firewall: added }))).toEqual([]);
});

test("clients of names that go or move are named", () => {
  const change: Change = {
    verb: "update",
    live: resource({ "a.example.net": "10.0.0.1", "b.example.net": "10.0.0.1" }),
    desired: resource({ "b.example.net": "10.0.0.2" }),
  };
  expect(clientImpact(planOf({ dns: change, firewall: added }))).toEqual([
    "clients of a.example.net (no longer answered); clients of b.example.net (moves to 10.0.0.2)",
  ]);
});
