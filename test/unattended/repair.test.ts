/** What an unattended sync does at once, and what it leaves for the hours that the site declares. */
import { describe, expect, test } from "vitest";
import { noImpact } from "../../src/impact.ts";
import type { Change, Resource, ResourceId } from "../../src/resource.ts";
import { repairHours, waitingFor } from "../../src/unattended/repair.ts";

const resource = (id: ResourceId, state: string): Resource => ({
  id,
  host: "pve",
  text: state,
  units: { state },
});
const update = (id: ResourceId, before: string): Change => ({
  verb: "update",
  live: resource(id, before),
  desired: resource(id, "valid"),
});
const night = ["mon-fri 02:00-05:00"];
const noon = Date.parse("2026-11-30T12:00:00Z");
const closed = repairHours(night, noon, "Europe/Berlin");
const restart = { kind: "restart", unit: "dnsmasq", host: "pve" } as const;

describe("while the hours are closed", () => {
  const waiting = waitingFor(closed);

  test.each([
    ["a reload", { ...noImpact, activations: [{ ...restart, kind: "reload" as const }] }, false],
    ["a name that is new", { ...noImpact, added: ["wiki.example.net"] }, false],
    ["a container that is down and starts", { ...noImpact, starts: ["web of wiki is started"] }, false],
    ["a restart", { ...noImpact, activations: [restart] }, true],
    ["a container that is recreated", { ...noImpact, blinks: ["wiki/web"] }, true],
    ["a name that moves", { ...noImpact, notices: ["wiki moves"] }, true],
    ["what nobody can tell", { ...noImpact, unknown: ["changes of trust"] }, true],
  ])("%s waits: %#", (_, impact, waits) => {
    expect(waiting?.waits([], impact)).toBe(waits);
  });

  test("a certificate that is due does not wait, one with another name does", () => {
    const due = update("certificates/gateway", "renewal is due");
    expect(waiting?.isUrgent(due)).toBe(true);
    expect(waiting?.isUrgent(update("certificates/gateway", "valid"))).toBe(false);
    expect(waiting?.isUrgent({ verb: "create", desired: resource("certificates/gateway", "valid") })).toBe(
      true,
    );
    expect(waiting?.isUrgent(update("dns/records", "renewal is due"))).toBe(false);
  });

  test("it is told until when", () => {
    expect(waiting?.reason).toBe("waits for the repair hours: tue 02:00 Europe/Berlin");
  });
});

test("nothing waits while they are open, nor where none are declared", () => {
  expect(waitingFor(repairHours(night, Date.parse("2026-11-30T01:00:00Z"), "Europe/Berlin"))).toBeUndefined();
  expect(waitingFor(undefined)).toBeUndefined();
});
