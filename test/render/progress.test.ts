import { describe, expect, test } from "vitest";
import type { Event } from "../../src/event.ts";
import { liveLines } from "../../src/render/live.ts";
import { heartbeatLines, plainLine } from "../../src/render/plain.ts";
import { advance, noProgress, type Progress } from "../../src/render/progress.ts";
import { plainView } from "../../src/render/view.ts";

const start = 1_000_000;

/** Each event one second after the one before. */
function progressAfter(...events: readonly Event[]): Progress {
  return events.reduce((progress, event, at) => advance(progress, event, start + at * 1000), noProgress);
}

const started: Event = { type: "run-started", command: "sync", components: ["dns", "portainer", "stacks"] };
const applying: Event = { type: "component-started", component: "dns", phase: "apply" };
const applied: Event = { type: "change-applied", component: "dns", verb: "update", id: "dns/records" };
const finished: Event = { type: "component-finished", component: "dns", outcome: "changed", durationMs: 210 };
const passed: Event = {
  type: "check-finished",
  component: "dns",
  check: { resource: "dns/records", claim: "it answers", status: "pass" },
};
const waiting: Event = {
  type: "waiting",
  component: "portainer",
  for: "portainer at https://10.0.0.111:9443 (502)",
  untilMs: start + 125_000,
};

describe("the live tree", () => {
  const view = { ...plainView, width: 80 };

  test("has a line for each component, in order, none wider than the terminal", () => {
    const lines = liveLines(
      progressAfter(started, applying, applied, passed, finished, waiting),
      start + 19_000,
      view,
    );
    expect(lines).toEqual(
      [
        "~ dns        changed, 1 change, 1 check passed                            0.2 s",
        "  portainer  waiting for portainer at https://10.0.0.1… · 14 s of 120 s",
        "  stacks     waiting for its turn",
      ].map((line) => line.padEnd(79)),
    );
  });

  test("says how many changes are made, and which components the others wait for", () => {
    const run: Event = {
      type: "run-started",
      command: "sync",
      components: ["dns", "portainer", "stacks"],
      after: [
        { component: "dns", waitsFor: [] },
        { component: "portainer", waitsFor: ["dns"] },
        { component: "stacks", waitsFor: ["dns", "portainer"] },
      ],
    };
    const lines = (...events: readonly Event[]): readonly string[] =>
      liveLines(progressAfter(run, ...events), start + 2_000, view).map((line) => line.trim());
    expect(lines({ ...applying, changes: 3 } as Event, applied)).toEqual([
      expect.stringMatching(/^~ dns +applying, 1 of 3 changes made/),
      "portainer  waits for dns",
      "stacks     waits for dns and portainer",
    ]);
    expect(lines({ ...applying, changes: 3 } as Event, applied, finished)[2]).toBe(
      "stacks     waits for portainer",
    );
    const stacks = { component: "stacks" } as const;
    const image: Event = { type: "waiting", ...stacks, for: "image wiki:2", untilMs: start + 60_000 };
    expect(lines({ type: "component-started", ...stacks, phase: "apply", changes: 8 }, image)[2]).toMatch(
      /^stacks +0 of 8 made, waiting for image wiki:2 · /,
    );
  });

  test("says what is waited for, and until when", () => {
    const [, line] = liveLines(progressAfter(started, waiting), start + 15_000, { ...view, width: 120 });
    expect(line).toContain("waiting for portainer at https://10.0.0.111:9443 (502) · 14 s of 124 s");
  });

  test("a wait that is repeated goes on, another one starts anew", () => {
    const again = advance(progressAfter(started, waiting), { ...waiting }, start + 9_000);
    expect(again.components[1]?.sinceMs).toBe(start + 1000);
    const other = advance(again, { ...waiting, for: "the admin check" } as Event, start + 10_000);
    expect(other.components[1]?.sinceMs).toBe(start + 10_000);
  });

  test("when the first change begins, who was read for the plan waits for its turn; who is read again does not", () => {
    const read = (component: "dns" | "stacks"): Event => ({
      type: "component-started",
      component,
      phase: "read",
    });
    const phases = (progress: Progress) => progress.components.map(({ phase }) => phase);
    expect(phases(progressAfter(started, read("dns"), read("stacks")))).toEqual(["read", "queued", "read"]);
    expect(phases(progressAfter(started, read("dns"), read("stacks"), applying))).toEqual([
      "apply",
      "queued",
      "queued",
    ]);
    expect(phases(progressAfter(started, applying, read("stacks"), applying))).toEqual([
      "apply",
      "queued",
      "read",
    ]);
  });

  test("checks that run again after changes were taken back count once", () => {
    const verifying: Event = { type: "component-started", component: "dns", phase: "verify" };
    const progress = progressAfter(started, verifying, passed, verifying, passed);
    expect(progress.components[0]).toMatchObject({ phase: "verify", checksPassed: 1 });
  });

  test("a prerequisite that was not selected joins at the top", () => {
    const trust: Event = { type: "component-started", component: "trust", phase: "verify" };
    expect(progressAfter(started, trust).components.map(({ component }) => component)).toEqual([
      "trust",
      "dns",
      "portainer",
      "stacks",
    ]);
  });
});

describe("plain lines", () => {
  test("a line for each thing that happened, none for reading and passing", () => {
    const activated: Event = {
      type: "activated",
      component: "dns",
      activation: { kind: "reload", unit: "dnsmasq", host: "pve" },
    };
    const lines = [started, applying, applied, activated, passed, waiting, finished].map((event) =>
      plainLine(event, progressAfter(started, event), plainView),
    );
    expect(lines).toEqual([
      undefined,
      undefined,
      "dns: update dns/records",
      "dns: reload dnsmasq on pve",
      undefined,
      "portainer: waiting for portainer at https://10.0.0.111:9443 (502)",
      "dns: changed (0.2 s)",
    ]);
  });

  test("a heartbeat for who is at work and silent, and for nobody else", () => {
    const progress = progressAfter(started, applying, finished, waiting);
    expect(heartbeatLines(progress, start + 5_000)).toEqual([]);
    expect(heartbeatLines(progress, start + 17_000)).toEqual([
      "portainer: still waiting for portainer at https://10.0.0.111:9443 (502) · 14 s of 122 s",
    ]);
    const verifying: Event = { type: "component-started", component: "stacks", phase: "verify" };
    expect(heartbeatLines(progressAfter(started, verifying), start + 21_000)).toEqual([
      "stacks: still verifying · 20 s",
    ]);
  });
});
