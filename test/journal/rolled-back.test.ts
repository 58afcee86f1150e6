/** What an unattended sync leaves alone after a rollback, and what ends that. */
import { expect, test } from "vitest";
import type { ObjectName } from "../../src/journal/objects.ts";
import { rollbackInForce } from "../../src/journal/rolled-back.ts";
import type { RunRecord } from "../../src/journal/run-record.ts";
import type { Change } from "../../src/resource.ts";
import { waitingAfter } from "../../src/unattended/repair.ts";

const older: ObjectName = `${"a".repeat(64)}-1`;
const newer: ObjectName = `${"b".repeat(64)}-1`;
const run = (command: string, site: ObjectName, more: Partial<RunRecord> = {}): RunRecord => ({
  ...{ generation: 7, command, who: "root", host: "pve", siteDigest: "", startedMs: 0, durationMs: 0 },
  ...{ exitCode: 0, components: [], site, ...more },
});
const rollback = run("rollback 3", older);

test.each([
  ["unattended runs and renewals after it", ["unattended sync", "certs renew --due"]],
  ["nothing after it", []],
])("a rollback is in force with %s", (_, commands) => {
  const runs = [...commands.map((command) => run(command, newer)), rollback, run("sync all", newer)];
  expect(rollbackInForce(runs, newer)).toBe(rollback);
});

test("a sync by hand ends it, and so does a site that declares what it has led to", () => {
  expect(rollbackInForce([run("sync all", newer), rollback], newer)).toBeUndefined();
  expect(rollbackInForce([rollback], older)).toBeUndefined();
  expect(rollbackInForce([], newer)).toBeUndefined();
});

test("a sync that was refused does not end it, and a rollback that took everything back does not begin it", () => {
  expect(rollbackInForce([run("sync all", newer, { exitCode: 5 }), rollback], newer)).toBe(rollback);
  expect(rollbackInForce([{ ...rollback, exitCode: 7 }, run("sync all", newer)], newer)).toBeUndefined();
});

test("everything waits but a certificate that is due", () => {
  const hold = waitingAfter(rollback);
  const certificate = (state: string) => ({
    ...{ id: "certificates/x" as const, host: "pve" as const, text: state, units: { state } },
  });
  const renewal: Change = { verb: "update", live: certificate("due"), desired: certificate("valid") };
  expect(hold.isUrgent(renewal)).toBe(true);
  expect(hold.isUrgent({ verb: "create", desired: certificate("valid") })).toBe(false);
  expect(hold.waits([renewal], {} as never)).toBe(true);
  expect(hold.reason).toContain("run 7 was a rollback 3");
});
