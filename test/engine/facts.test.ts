/** What a run says is what the machines show: after failures, after interruptions, and while others are still to come. */
import { describe, expect, test } from "vitest";
import type { Component } from "../../src/component.ts";
import { exitCodeOf } from "../../src/engine/outcome.ts";
import { sync } from "../../src/engine/run.ts";
import { CommandError, InterruptedError, TransportError } from "../../src/errors.ts";
import { closingWords } from "../../src/render/closing.ts";
import { type ResourceId, subjectOf } from "../../src/resource.ts";
import { type Behaviour, Machine, testRun } from "./machine.ts";

const none = { allow: new Set<string>() };
const lost = (): never => {
  throw new CommandError("pve", 1, "the answer was lost");
};

interface Row {
  /** What the change does, and what restoring does. */
  readonly change: (machine: Machine, make: () => void) => void;
  readonly restore: (machine: Machine, make: () => void) => void;
  readonly code: number;
  readonly words: string;
  readonly live: string;
  readonly inPlace?: true;
}

const half = (machine: Machine): void => {
  machine.live.set("stacks/a", "half");
};

const rows: Readonly<Record<string, Row>> = {
  "half made and rolled back": {
    change: (machine) => {
      half(machine);
      lost();
    },
    restore: (_, make) => make(),
    code: 7,
    words: "The previous state of stacks/a is active again. (exit 7)",
    live: "old",
  },
  "half made, and rolling back does nothing": {
    change: (machine) => {
      half(machine);
      lost();
    },
    restore: () => {},
    code: 1,
    words: "stacks/a is neither as before nor as declared. (exit 1)",
    live: "half",
  },
  "half made, and rolling back fails": {
    change: (machine) => {
      half(machine);
      lost();
    },
    restore: lost,
    code: 1,
    words: "stacks/a is neither as before nor as declared. (exit 1)",
    live: "half",
  },
  "made, the answer lost, and rolling back fails": {
    change: (_, make) => {
      make();
      lost();
    },
    restore: lost,
    code: 4,
    words: "Partly applied. Run the same command again to continue. (exit 4)",
    live: "new",
    inPlace: true,
  },
  "not made at all": {
    change: lost,
    restore: (_, make) => make(),
    code: 1,
    words: "Nothing was changed. (exit 1)",
    live: "old",
  },
  "made and restored, and restoring reports a failure": {
    change: (_, make) => {
      make();
      lost();
    },
    restore: (_, make) => {
      make();
      lost();
    },
    code: 1,
    words: "stacks/a is as before, but that may not be active yet. (exit 1)",
    live: "old",
  },
  "made, and then nothing answers": {
    change: (machine, make) => {
      make();
      machine.behaviour.unread = new TransportError("pve", "pve does not answer");
      lost();
    },
    restore: lost,
    code: 1,
    words: "What is in place of stacks/a could not be seen. (exit 1)",
    live: "new",
  },
};

test("what cannot be read, and whose version another way shows, is said by that version", async () => {
  const ids = ["stacks/a", "stacks/b", "stacks/c"] as const;
  const behaviour: Behaviour = { independent: true };
  const machine = new Machine("stacks", Object.fromEntries(ids.map((id) => [id, "new"])), behaviour);
  for (const id of ids) machine.live.set(id, "old");
  behaviour.onApply = () => {
    behaviour.unread = new TransportError("pve", "pve does not answer");
    lost();
  };
  const asked: string[] = [];
  const component: Component = {
    ...machine.component,
    readRunning: async (changes) => {
      asked.push(...changes.map((change) => subjectOf(change).id));
      return new Map([
        ["stacks/a", "previous"],
        ["stacks/b", "new"],
      ]);
    },
  };
  const result = await sync([component], testRun(), none);
  expect(asked).toEqual(ids);
  expect(result.components[0]).toMatchObject({ outcome: "failed", changes: [], restored: [] });
  expect(closingWords(result, exitCodeOf(result), undefined)).toBe(
    "The previous version of stacks/a runs; nothing else of it could be seen. " +
      "The new version of stacks/b runs; nothing else of it could be seen. " +
      "What is in place of stacks/c could not be seen. (exit 1)",
  );
});

describe.each<Behaviour[]>([[{}], [{ independent: true }]])("after a change failed (%j)", (kind) => {
  test.each(Object.entries(rows))("%s", async (_, row) => {
    const behaviour: Behaviour = { ...kind };
    const machine = new Machine("stacks", { "stacks/a": "new" }, behaviour);
    machine.live.set("stacks/a", "old");
    behaviour.onApply = (make, change) =>
      change.verb !== "delete" && change.desired.text === "new"
        ? row.change(machine, make)
        : row.restore(machine, make);
    const result = await sync([machine.component], testRun(), none);
    expect(machine.live.get("stacks/a")).toBe(row.live);
    expect(result.components[0]?.changes).toHaveLength(row.inPlace ? 1 : 0);
    const code = exitCodeOf(result);
    expect(code).toBe(row.code);
    expect(closingWords(result, code, undefined)).toBe(row.words);
  });
});

test("a machine that was off before and after is no rollback", async () => {
  const portainer = new Machine("portainer", { "portainer/agent": "new" }, { independent: true });
  const unknown = { id: "portainer/agent", host: "vm/311", text: "unread", units: {}, unread: true } as const;
  const component = {
    ...portainer.component,
    read: async () => [unknown],
    apply: async () => {
      throw new TransportError("vm/311", "vm/311 is not running");
    },
  };
  const result = await sync([component], testRun(), none);
  expect(result.components[0]).toMatchObject({ outcome: "failed", restored: [] });
  expect(exitCodeOf(result)).toBe(1);
  expect(closingWords(result, 1, undefined)).toBe("Nothing was changed. (exit 1)");
});

describe("an interruption", () => {
  /** Three components, of which the last has two independent resources; the n-th call of any of them is cut off. */
  async function cutAt(n: number) {
    const end = new AbortController();
    let calls = 0;
    const onCall = (): void => {
      calls += 1;
      if (calls < n) return;
      end.abort();
      throw new InterruptedError("interrupted");
    };
    const machines = [
      new Machine("dns", { "dns/a": "x", "dns/b": "x" }, { onCall }),
      new Machine("nginx", { "nginx/a": "x" }, { onCall, after: ["dns"] }),
      new Machine(
        "stacks",
        { "stacks/a": "x", "stacks/b": "x" },
        { onCall, after: ["nginx"], independent: true },
      ),
    ];
    machines[0]?.live.set("dns/a", "old");
    const run = testRun(end.signal, end.signal);
    const result = await sync(
      machines.map(({ component }) => component),
      run,
      none,
    );
    return { machines, result, run, isOver: calls < n };
  }

  test("in any call ends with a result that says what is in place, and leaves the rest to the next run", async () => {
    let n = 1;
    for (; ; n += 1) {
      const { machines, result, run, isOver } = await cutAt(n);
      if (isOver) break;
      const unsettled = new Set(result.components.flatMap((one) => one.unsettled.map(({ id }) => id)));
      const inPlace = new Set(
        result.components.flatMap(({ changes }) =>
          changes.flatMap((c) => ("desired" in c ? c.desired.id : [])),
        ),
      );
      for (const { live, desired, component } of machines)
        for (const [id, text] of Object.entries(desired) as [ResourceId, string][]) {
          const isThere = live.get(id) === text;
          if (inPlace.has(id)) expect(isThere, `call ${n}: ${id} is said to be in place`).toBe(true);
          else if (!unsettled.has(id))
            expect(isThere, `call ${n}: ${id} is said to be untouched`).toBe(false);
          // What was written and not proved is marked, so that the next run activates it.
          const part = result.components.find((one) => one.component === component.name);
          if (isThere && part?.outcome === "interrupted") expect(run.marks.get(component.name)).toContain(id);
        }
      expect(result.components.map(({ outcome }) => outcome)).not.toContain("failed");
      const failed = result.components.flatMap(({ checks }) =>
        checks.filter(({ status }) => status === "fail"),
      );
      expect(failed).toEqual([]);
      const words = closingWords(result, 130, "Interrupted");
      expect(words).toMatch(/^Interrupted\. .*\(exit 130\)$/);
      expect(words.includes("Nothing was changed.")).toBe(inPlace.size + unsettled.size === 0);
    }
    expect(n).toBeGreaterThan(12);
  });

  test("that lets the step end makes no further independent change, and counts those that are left", async () => {
    const stop = new AbortController();
    const stacks = new Machine(
      "stacks",
      { "stacks/a": "x", "stacks/b": "x", "stacks/c": "x" },
      {
        independent: true,
        onApply: (make) => {
          make();
          stop.abort();
        },
      },
    );
    const result = await sync([stacks.component], testRun(stop.signal), none);
    expect(result.components[0]).toMatchObject({
      outcome: "interrupted",
      reason: "interrupted: 1 change made, 2 not made",
    });
    expect([...stacks.live.keys()]).toEqual(["stacks/a"]);
  });
});

describe("a check with an external cause", () => {
  const build = (stop?: AbortController) => {
    const stacks = new Machine("stacks", { "stacks/a": "x" }, { after: ["traefik"] });
    const traefik = new Machine(
      "traefik",
      { "traefik/routes": "a" },
      { external: true, wrongUntil: () => stacks.live.has("stacks/a") && stop === undefined },
    );
    if (stop !== undefined)
      stacks.behaviour.onApply = (make) => {
        make();
        stop.abort();
      };
    return [traefik.component, stacks.component];
  };

  test("waits for the component that has yet to do something, and is repeated then", async () => {
    const run = testRun();
    const result = await sync(build(), run, none);
    const statuses = run.events.flatMap((event) =>
      event.type === "check-finished" && event.component === "traefik"
        ? [[event.check.status, event.waitsFor]]
        : [],
    );
    expect(statuses).toEqual([
      ["waiting", ["stacks"]],
      ["pass", undefined],
    ]);
    expect(exitCodeOf(result)).toBe(0);
  });

  test("still waits when the run is interrupted in the last component: it has not failed", async () => {
    const stop = new AbortController();
    const result = await sync(build(stop), testRun(stop.signal), none);
    expect(result.components.map(({ outcome }) => outcome)).toEqual(["changed", "changed"]);
    expect(result.components[0]?.checks.map(({ status }) => status)).toEqual(["waiting"]);
    expect(closingWords(result, 130, "Interrupted")).toBe(
      "Interrupted. All changes are in place. 1 check waited for a later component. Run the same command again to continue. (exit 130)",
    );
  });
});
