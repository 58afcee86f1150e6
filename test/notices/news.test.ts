/** What is told of two observations in a row: each change of state once, and no more of what cannot make up its mind. */
import { describe, expect, test } from "vitest";
import type { Observation, ObservedCheck, ObservedComponent } from "../../src/journal/observations.ts";
import type { Site } from "../../src/model.ts";
import type { News, Told } from "../../src/notice.ts";
import { newsOf, type Repair } from "../../src/notices/news.ts";

const hourMs = 3_600_000;
const from = { file: "etc/a.json", line: 3, column: 1 };
const guest = { host: "lxc/101", name: "gateway", from };
const site = { domain: "example.net", guests: [guest], certificates: [] } as unknown as Site;

type Seen = Partial<Pick<ObservedComponent, "state" | "affected">> & {
  readonly guest?: "answers" | "no answer";
  /** When each failing check began to fail, in hours. */
  readonly failing?: readonly number[];
  /** How long the certificate is valid, from hour 0. */
  readonly validHours?: number;
};

function observation(hour: number, seen: Seen = {}): Observation {
  const nowMs = hour * hourMs;
  const { state = "in sync", affected = [], failing = [], validHours } = seen;
  const lasting = { sinceMs: nowMs, seenMs: nowMs };
  const dns = { state, affected, drift: affected.length, reason: "why", from, durationMs: 1, ...lasting };
  const checks = failing.map((since, at): ObservedCheck => {
    const failed = { component: "dns", resource: "dns/records", status: "fail" } as const;
    return { ...failed, claim: `claim ${at}`, sinceMs: since * hourMs, seenMs: nowMs };
  });
  const gateway = { notBeforeMs: 0, notAfterMs: (validHours ?? 0) * hourMs, names: [], issuer: "CA" };
  return {
    run: { command: "unattended verify", startedMs: nowMs, endedMs: nowMs, exitCode: 0, siteDigest: "d" },
    components: { dns },
    checks,
    certificates: validHours === undefined ? {} : { gateway },
    guests: { "lxc/101": { state: seen.guest ?? "answers", ...lasting } },
  };
}

type Step = Seen & {
  readonly hour?: number;
  readonly isWatched?: boolean;
  readonly repairs?: readonly Repair[];
};

/** The news of each step, an hour after the one before unless it says another. */
function tellings(steps: readonly Step[]): readonly (readonly News[])[] {
  let told: Readonly<Record<string, Told>> = {};
  let hour = 0;
  return steps.map(({ isWatched = false, repairs = [], ...seen }) => {
    hour = seen.hour ?? hour + 1;
    const telling = newsOf(told, observation(hour, seen), site, { isWatched, repairs });
    told = telling.told;
    return telling.news;
  });
}

/** As one line for each step. */
const lines = (steps: readonly Step[]): readonly string[] =>
  tellings(steps).map((news) => news.map(({ subject, verb }) => `${subject} ${verb}`).join("; "));

test("a first look tells what is not well, and nothing of what is", () => {
  expect(lines([{}])).toEqual([""]);
  expect(lines([{ state: "drifted", guest: "no answer" }])).toEqual([
    "lxc/101 (gateway) does not answer; dns drifted",
  ]);
});

test("each change of state is told once", () => {
  const drifted = { state: "drifted", affected: ["dns/records"] } as const;
  expect(lines([{}, drifted, drifted, drifted, {}, {}])).toEqual([
    "",
    "dns drifted",
    "",
    "",
    "dns is in sync again",
    "",
  ]);
  expect(lines([drifted, { ...drifted, state: "failed" }, { state: "rolled back" }, {}])).toEqual([
    "dns drifted",
    "dns failed",
    "dns was rolled back",
    "dns is in sync again",
  ]);
});

test("a certificate that can no longer be read is neither well nor gone", () => {
  const declared = { ...site, certificates: [{ commonName: "gateway", from }] } as unknown as Site;
  const of = (before: Readonly<Record<string, Told>>, hour: number, seen: Seen, where = declared) =>
    newsOf(before, observation(hour, seen), where, { isWatched: false, repairs: [] });
  const ending = of({}, 22, { validHours: 24 });
  expect(ending.news).toMatchObject([{ event: "expiring" }]);
  const unread = of(ending.told, 23, {});
  expect(unread).toEqual({ news: [], told: ending.told });
  expect(of(unread.told, 24, { validHours: 48 }).news).toMatchObject([{ verb: "was renewed" }]);
  expect(of(unread.told, 24, {}, site).news).toMatchObject([{ verb: "is no longer declared" }]);
});

test("what is well again says what it was, what declares it, and what to do", () => {
  const [bad, good] = tellings([{ state: "refused" }, {}]);
  expect(bad).toEqual([
    { event: "refused", subject: "dns", verb: "needs your consent", reason: "why", from },
  ]);
  expect(good).toEqual([{ event: "recovered", was: "refused", subject: "dns", verb: "is in sync again" }]);
});

test("another resource or check of a component that is known not to be well is news", () => {
  const one = { state: "drifted", affected: ["stacks/a"] } as const;
  const both = { ...one, affected: ["stacks/a", "stacks/b"] } as const;
  expect(lines([one, both, both, one, both])).toEqual(["dns drifted", "dns drifted", "", "", "dns drifted"]);
  const failing = { state: "unproven" } as const;
  expect(
    lines([
      { ...failing, failing: [1] },
      { ...failing, failing: [1] },
      { ...failing, failing: [1, 3] },
    ]),
  ).toEqual(["dns fails a check", "", "dns fails a check"]);
});

test("a run that a person watches tells what is well again, and leaves the rest to the next timer", () => {
  const drifted = { state: "drifted" } as const;
  const watched = { isWatched: true };
  expect(lines([{ ...drifted, ...watched }, drifted])).toEqual(["", "dns drifted"]);
  expect(lines([drifted, watched, {}])).toEqual(["dns drifted", "dns is in sync again", ""]);
  expect(lines([drifted, { state: "failed", ...watched }, {}])).toEqual([
    "dns drifted",
    "",
    "dns is in sync again",
  ]);
});

test("a repair of what nobody knew is told, and one of what was known is its end", () => {
  const repairs = [{ component: "dns", what: "dns/records was updated" }];
  expect(tellings([{}, { repairs }, {}])).toEqual([
    [],
    [
      {
        event: "repaired",
        was: "drifted",
        subject: "dns",
        verb: "had drifted and was repaired",
        reason: "dns/records was updated",
      },
    ],
    [],
  ]);
  expect(lines([{ state: "drifted" }, { repairs }])).toEqual(["dns drifted", "dns is in sync again"]);
});

test("a certificate is told of when it should have been renewed, when it has expired, and when it was renewed", () => {
  const valid = { validHours: 24 };
  expect(
    lines([
      { hour: 1, ...valid },
      { hour: 17, ...valid },
      { hour: 21, ...valid },
      { hour: 23, ...valid },
      { hour: 24, ...valid },
      { hour: 25, ...valid },
      { hour: 26, validHours: 48 },
    ]),
  ).toEqual([
    "",
    "",
    "certificate gateway expires soon",
    "",
    "certificate gateway has expired",
    "",
    "certificate gateway was renewed",
  ]);
});

describe("what keeps changing", () => {
  const bad = { state: "drifted" } as const;
  const flapping = [bad, {}, bad, {}, bad, {}, bad, {}, bad] as const;

  test("is told of as such once, and then not until it lasts", () => {
    const told = lines([...flapping, ...Array<Step>(8).fill(bad)]);
    expect(told.slice(0, 9)).toEqual([
      "dns drifted",
      "dns is in sync again",
      "dns drifted",
      "dns is in sync again",
      "dns drifted, and keeps changing",
      "",
      "",
      "",
      "",
    ]);
    expect(told.slice(9)).toEqual(["", "", "", "", "", "dns drifted, and has been so for 6 hours", "", ""]);
  });

  test("is told of again afterwards", () => {
    const told = lines([...flapping, ...Array<Step>(7).fill({}), bad]);
    expect(told.at(-3)).toBe("");
    expect(told.slice(9).filter((line) => line !== "")).toEqual([
      "dns is in sync again, and has been so for 6 hours",
      "dns drifted",
    ]);
  });

  test("a fault a day is none of that", () => {
    const days = Array.from({ length: 7 }, (_, day) => [
      { hour: day * 24 + 1, ...bad },
      { hour: day * 24 + 2 },
    ]).flat();
    expect(lines(days).filter((line) => line.includes("keeps"))).toEqual([]);
    expect(lines(days).filter((line) => line !== "")).toHaveLength(14);
  });
});

test("what was told is forgotten once it has been well for a day", () => {
  let told: Readonly<Record<string, Told>> = {};
  for (const [hour, seen] of [
    [1, { state: "drifted" }],
    [2, {}],
    [30, {}],
  ] as const)
    told = newsOf(told, observation(hour, seen), site, { isWatched: false, repairs: [] }).told;
  expect(told).toEqual({});
});
