/** Looking again and trying again, on a clock that only moves when somebody sleeps. */
import { describe, expect, test } from "vitest";
import { poll, retry } from "../src/poll.ts";

function sleeper() {
  const pauses: number[] = [];
  let now = 1_000;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      pauses.push(ms);
      now += ms;
    },
  };
  return { clock, pauses };
}

describe("poll", () => {
  test("ends with the first thing that there is to see", async () => {
    const { clock, pauses } = sleeper();
    const seen = [undefined, undefined, "here"];
    expect(await poll({ clock, forMs: 1_000, pauseMs: 100 }, async () => seen.shift())).toBe("here");
    expect(pauses).toEqual([100, 100]);
  });

  test("looks a last time when the time is up, after pauses that grow to their limit", async () => {
    const { clock, pauses } = sleeper();
    let looks = 0;
    const patience = { clock, forMs: 1_000, pauseMs: 100, longestPauseMs: 300 };
    const last = await poll(
      patience,
      async () => ++looks,
      () => false,
    );
    expect(pauses).toEqual([100, 200, 300, 300, 100]);
    expect(last).toBe(pauses.length + 1);
  });

  test("looks once when there is no time at all", async () => {
    const { clock, pauses } = sleeper();
    expect(await poll({ clock, forMs: -5, pauseMs: 100 }, async () => undefined)).toBeUndefined();
    expect(pauses).toEqual([]);
  });
});

describe("retry", () => {
  const failing = (messages: string[]) => async () => {
    const message = messages.shift();
    if (message !== undefined) throw new Error(message);
    return "done";
  };
  const mayPass = (error: unknown): boolean => (error as Error).message === "busy";

  test("tries again after each pause", async () => {
    const { clock, pauses } = sleeper();
    expect(await retry(clock, [1, 2, 3], failing(["busy", "busy"]), mayPass)).toBe("done");
    expect(pauses).toEqual([1, 2]);
  });

  test("gives up on an error that will not pass, and after the last pause", async () => {
    const { clock, pauses } = sleeper();
    await expect(retry(clock, [1, 2], failing(["busy", "broken"]), mayPass)).rejects.toThrow("broken");
    await expect(retry(clock, [1], failing(["busy", "busy"]), mayPass)).rejects.toThrow("busy");
    expect(pauses).toEqual([1, 1]);
  });
});
