/** What is remembered of a run: states, since when, and when each check last passed. */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Check } from "../../src/component.ts";
import type { ComponentPlan, ComponentResult, RunResult } from "../../src/engine/plan.ts";
import { localExec } from "../../src/hosts/local.ts";
import { createHost } from "../../src/hosts/script-host.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { Observation } from "../../src/journal/observations.ts";
import { type Look, observe, provedMs } from "../../src/journal/observe.ts";
import type { Change, Resource } from "../../src/resource.ts";

const from = { file: "etc/a.json", line: 12, column: 3 };
const records = (value: string): Resource => ({
  id: "dns/records",
  host: "pve",
  text: value,
  units: { "chat.example.net": value },
  from: { "chat.example.net": from },
});
const drift: Change = { verb: "update", desired: records("10.0.0.2"), live: records("10.0.0.1") };

function part(component: string, more: Partial<ComponentPlan> = {}): ComponentPlan {
  const nothing = { desired: [], changes: [], hazards: [], orphans: [], leftBehind: [], notes: [] };
  return { component, ...nothing, pendingActivation: [], unreadResources: [], ...more };
}

function ended(component: string, more: Partial<ComponentResult> = {}): ComponentResult {
  const nothing = { changes: [], restored: [], unsettled: [], orphans: [], activations: [], notes: [] };
  return { component, outcome: "unchanged", ...nothing, resources: 1, checks: [], durationMs: 7, ...more };
}

/** A look at `hour`, in hours. */
function look(
  hour: number,
  parts: readonly ComponentPlan[],
  results: readonly ComponentResult[] = [],
  more: Partial<Look> = {},
): Look {
  const endedMs = hour * 3_600_000;
  const command: RunResult["command"] = "verify";
  return {
    run: { command: "unattended verify", startedMs: endedMs - 1_000, endedMs, exitCode: 0, siteDigest: "d" },
    plan: { components: parts, digest: "p" },
    result: { command, components: results, durationMs: 1 },
    off: [],
    certificates: {},
    guests: {},
    redact: (text) => text.replaceAll("hunter2", "(secret)"),
    ...more,
  };
}

const sync = (results: readonly ComponentResult[]): Pick<Look, "result"> => ({
  result: { command: "sync", components: results, durationMs: 1 },
});
const check = (status: Check["status"], claim = '"chat.example.net" resolves to 10.0.0.2'): Check => ({
  resource: "dns/records",
  claim,
  status,
  ...(status === "pass" ? {} : { observed: "NXDOMAIN for hunter2" }),
});

test("a state lasts until it is another one", () => {
  const first = observe(undefined, look(1, [part("dns")]));
  const second = observe(first, look(2, [part("dns")]));
  const third = observe(second, look(3, [part("dns", { changes: [drift] })]));
  expect(second.components.dns).toMatchObject({ state: "in sync", sinceMs: 3_600_000, seenMs: 7_200_000 });
  expect(third.components.dns).toMatchObject({
    state: "drifted",
    drift: 1,
    reason: "dns/records to update (chat.example.net)",
    from,
    sinceMs: 3 * 3_600_000,
  });
});

test.each<[string, Partial<ComponentPlan>, Partial<ComponentResult>]>([
  ["unread", { unread: { kind: "error", reason: "lxc/101 does not answer" } }, {}],
  ["not ready", { unread: { kind: "not-ready", reason: "no CA yet" } }, {}],
  ["not ready", { waitsFor: "dns" }, {}],
  ["unread", { unreadResources: [{ kind: "error", reason: "down", ids: ["dns/records"] }] }, {}],
  ["drifted", { pendingActivation: ["dns/records"] }, {}],
  ["refused", { changes: [drift], hazards: [{ consent: "lockout", message: "would cut you off" }] }, {}],
  ["unproven", {}, { checks: [check("pass"), check("fail")] }],
  ["drifted", { changes: [drift] }, { checks: [check("fail")] }],
  ["unread", {}, { outcome: "failed", reason: "dnsmasq does not answer" }],
])("a verification finds it %s", (state, planned, result) => {
  const seen = observe(undefined, look(1, [part("dns", planned)], [ended("dns", result)]));
  expect(seen.components.dns?.state).toBe(state);
  expect(seen.components.dns?.reason).toBeTruthy();
});

test.each<[string, Partial<ComponentResult>]>([
  ["in sync", { outcome: "changed", changes: [drift] }],
  ["rolled back", { outcome: "rolled-back", reason: "nginx -t: failed" }],
  ["failed", { outcome: "failed", reason: "disk full" }],
  ["drifted", { outcome: "deferred", reason: "waits for the repair hours" }],
  ["drifted", { outcome: "skipped", reason: "dns failed" }],
  ["unproven", { outcome: "changed", changes: [drift], checks: [check("fail")] }],
])("a sync leaves it %s", (state, result) => {
  const plan = [part("dns", { changes: [drift] })];
  const seen = observe(undefined, look(1, plan, [], sync([ended("dns", result)])));
  expect(seen.components.dns?.state).toBe(state);
});

test("a sync that could not begin with it leaves it not ready", () => {
  const plan = [part("dns", { unread: { kind: "not-ready", reason: "no CA yet" } })];
  const deferred = ended("dns", { outcome: "deferred", reason: "no CA yet" });
  expect(observe(undefined, look(1, plan, [], sync([deferred]))).components.dns?.state).toBe("not ready");
});

test("what is only time passing is no drift, and consent makes it none to refuse", () => {
  const routine = { isRoutine: () => true };
  const hazards = [{ consent: "adopt", message: "foreign" }];
  expect(
    observe(undefined, look(1, [part("dns", { changes: [drift] })], [], routine)).components.dns?.state,
  ).toBe("in sync");
  const allowed = { allowed: new Set(["adopt"]) };
  expect(
    observe(undefined, look(1, [part("dns", { changes: [drift], hazards })], [], allowed)).components.dns
      ?.state,
  ).toBe("drifted");
});

test("what a run did not look at keeps its state and its checks", () => {
  const before = observe(
    undefined,
    look(1, [part("dns"), part("nginx")], [ended("dns", { checks: [check("pass")] })]),
  );
  const after = observe(before, look(2, [part("nginx", { changes: [drift] })], [ended("nginx")]));
  expect(after.components.dns).toEqual(before.components.dns);
  expect(after.checks).toEqual(before.checks);
  const alone = part("dns", { partial: true });
  const drifted = observe(before, look(2, [part("dns", { changes: [drift] })]));
  expect(observe(drifted, look(3, [alone])).components.dns?.state).toBe("drifted");
});

test("a check that fails remembers when it passed, and a name when it was proved", () => {
  const other = check("pass", "http://chat.example.net/ redirects to https");
  const good = observe(undefined, look(1, [part("dns")], [ended("dns", { checks: [check("pass"), other] })]));
  const bad = observe(good, look(2, [part("dns")], [ended("dns", { checks: [check("fail"), other] })]));
  expect(bad.checks[0]).toMatchObject({
    status: "fail",
    sinceMs: 7_200_000,
    passedMs: 3_600_000,
    observed: "NXDOMAIN for (secret)",
  });
  expect(provedMs(good.checks).get("chat.example.net")).toBe(3_600_000);
  expect(provedMs(bad.checks).get("chat.example.net")).toBe(3_600_000);
  const never = observe(undefined, look(1, [], [ended("dns", { checks: [check("fail"), other] })]));
  expect([...provedMs(never.checks).keys()]).toEqual([]);
});

test("the last converged run is remembered through those that were not", () => {
  const good = observe(undefined, look(1, []));
  const run = { ...look(2, []).run, exitCode: 2 as const };
  expect(observe(good, look(2, [], [], { run })).run).toMatchObject({ exitCode: 2, convergedMs: 3_600_000 });
  const drifted = observe(good, look(3, [part("nginx", { changes: [drift] })]));
  expect(observe(drifted, look(4, [part("dns")])).run.convergedMs).toBe(3_600_000);
});

test("it is one private file on the hypervisor, and a damaged one says so", async () => {
  const parent = await mkdtemp(join(tmpdir(), "phoenix-observation-"));
  try {
    const host = createHost("pve", localExec(new AbortController().signal));
    const { observations } = openJournal(host, { directory: join(parent, "phoenix") });
    expect(await observations.read()).toBeUndefined();
    const seen: Observation = observe(undefined, look(1, [part("dns")]));
    await observations.write(seen);
    expect(await observations.read()).toEqual(seen);
    const path = join(parent, "phoenix/observation.json");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await writeFile(path, '{ "version": 1, "run": 3 }');
    await expect(observations.read()).rejects.toThrow("observation.json is damaged");
  } finally {
    await rm(parent, { recursive: true });
  }
});
