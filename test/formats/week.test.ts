import { describe, expect, test } from "vitest";
import {
  isOpen,
  isZone,
  localText,
  nextOpening,
  parseWindow,
  type Window,
} from "../../src/formats/week/index.ts";

const hours = (...written: string[]): readonly Window[] =>
  written.map((text) => {
    const window = parseWindow(text);
    if (window === undefined) throw new Error(text);
    return window;
  });
const at = (iso: string): number => Date.parse(iso);
const berlin = "Europe/Berlin";

describe("windows", () => {
  test.each([
    ["mon-fri 02:00-05:00", [0, 1, 2, 3, 4], 120, 300],
    ["sat,sun 01:00-06:00", [5, 6], 60, 360],
    ["fri-mon 22:00-04:00", [4, 5, 6, 0], 1320, 240],
    ["02:00-05:00", [0, 1, 2, 3, 4, 5, 6], 120, 300],
    ["Sunday 00:00-24:00", [6], 0, 1440],
    ["sat 22:00-00:00", [5], 1320, 1440],
  ])("%s", (text, days, from, to) => {
    expect(parseWindow(text)).toEqual({ days: new Set(days), from, to });
  });

  test.each([
    "",
    "mon",
    "mon 02:00",
    "mon 25:00-26:00",
    "mon 02:60-03:00",
    "funday 02:00-03:00",
    "mon-tue-wed 02:00-03:00",
    "mon, 02:00-03:00",
    "02:00-02:00",
    "mon 02:00-03:00 04:00-05:00",
  ])("%j is none", (text) => {
    expect(parseWindow(text)).toBeUndefined();
  });
});

describe("opening", () => {
  test("a window is open from its first minute to before its last", () => {
    const week = hours("mon-fri 02:00-05:00");
    // A Monday in winter: Berlin is an hour ahead.
    expect(isOpen(week, at("2026-11-30T00:59:59Z"), berlin)).toBe(false);
    expect(isOpen(week, at("2026-11-30T01:00:00Z"), berlin)).toBe(true);
    expect(isOpen(week, at("2026-11-30T03:59:59Z"), berlin)).toBe(true);
    expect(isOpen(week, at("2026-11-30T04:00:00Z"), berlin)).toBe(false);
    // The same hour on a Saturday.
    expect(isOpen(week, at("2026-11-28T02:00:00Z"), berlin)).toBe(false);
  });

  test("a window over midnight belongs to the day on which it begins", () => {
    const late = hours("sat 22:00-04:00");
    expect(isOpen(late, at("2026-11-28T21:00:00Z"), berlin)).toBe(true);
    expect(isOpen(late, at("2026-11-29T02:59:00Z"), berlin)).toBe(true);
    expect(isOpen(late, at("2026-11-29T03:00:00Z"), berlin)).toBe(false);
    expect(isOpen(late, at("2026-11-28T02:00:00Z"), berlin)).toBe(false);
  });

  test("a time zone decides, not the machine that runs phoenix", () => {
    const night = hours("02:00-03:00");
    const moment = at("2026-11-28T17:30:00Z");
    expect(isOpen(night, moment, "Asia/Tokyo")).toBe(true);
    expect(isOpen(night, moment, "UTC")).toBe(false);
  });

  test("when the clock skips an hour, what is left of a window is open", () => {
    // In Berlin 02:00 became 03:00 on 2026-03-29.
    const night = hours("02:30-03:30");
    expect(isOpen(night, at("2026-03-29T00:59:00Z"), berlin)).toBe(false);
    expect(isOpen(night, at("2026-03-29T01:00:00Z"), berlin)).toBe(true);
    expect(isOpen(night, at("2026-03-29T01:30:00Z"), berlin)).toBe(false);
    // A window in the skipped hour opens on the next day.
    expect(nextOpening(hours("02:00-03:00"), at("2026-03-29T00:00:00Z"), berlin)).toBe(
      at("2026-03-30T00:00:00Z"),
    );
  });

  test("when the clock repeats an hour, a window in it is open twice", () => {
    // In Berlin 03:00 became 02:00 on 2026-10-25.
    const night = hours("02:00-03:00");
    expect(isOpen(night, at("2026-10-25T00:30:00Z"), berlin)).toBe(true);
    expect(isOpen(night, at("2026-10-25T01:30:00Z"), berlin)).toBe(true);
    expect(isOpen(night, at("2026-10-25T02:00:00Z"), berlin)).toBe(false);
  });

  test("the next opening is now, later today, or days ahead", () => {
    const week = hours("mon-fri 02:05-05:00", "sun 01:00-06:00");
    expect(nextOpening(week, at("2026-11-30T02:00:30Z"), berlin)).toBe(at("2026-11-30T02:00:30Z"));
    expect(nextOpening(week, at("2026-11-30T00:10:10Z"), berlin)).toBe(at("2026-11-30T01:05:00Z"));
    expect(nextOpening(week, at("2026-11-27T12:00:00Z"), berlin)).toBe(at("2026-11-29T00:00:00Z"));
    expect(nextOpening(week, at("2026-11-29T06:00:00Z"), "Asia/Kathmandu")).toBe(at("2026-11-29T20:20:00Z"));
    expect(localText(at("2026-11-29T00:00:00Z"), berlin)).toBe("sun 01:00");
  });

  test("a zone that nobody knows is told", () => {
    expect([isZone("Europe/Berlin"), isZone("Etc/UTC"), isZone("Mars/Olympus")]).toEqual([true, true, false]);
  });
});
