/** The last lines of a sync: which of the names that it changed answer now. Only what its own checks have seen. */
import { expect, test } from "vitest";
import type { Check } from "../../src/component.ts";
import type { ComponentResult, RunResult } from "../../src/engine/plan.ts";
import { answerLines } from "../../src/render/answers.ts";
import { plainView } from "../../src/render/view.ts";
import type { Change } from "../../src/resource.ts";

const names = ["a", "b", "c", "d", "e", "f", "g", "h"].map((name) => `${name}.example.net`);
const services = names.map((name) => ({
  id: name.slice(0, 1),
  names: [name],
  stack: `stack-${name.slice(0, 1)}`,
}));

const secured = (name: string): Check => ({
  resource: "nginx/gateway",
  claim: "",
  status: "pass",
  reached: { name },
});
const answered = (name: string, status: Check["status"] = "pass"): Check => ({
  resource: "traefik/routes",
  claim: "",
  status,
  reached: { name, answer: { status: 200, ms: 14 } },
});

function result(changes: readonly Change[], checks: readonly Check[]): RunResult {
  const component = { component: "nginx", changes, checks } as unknown as ComponentResult;
  return { command: "sync", components: [component], durationMs: 1 };
}

const records = (...changed: readonly string[]): Change => ({
  verb: "create",
  desired: {
    id: "dns/records",
    host: "pve",
    text: "",
    units: Object.fromEntries(changed.map((name) => [name, "10.0.0.1"])),
  },
});
const stack = (id: `stacks/${string}`): Change => ({
  verb: "create",
  desired: { id, host: "vm/311", text: "", units: {} },
});
const all = names.flatMap((name) => [secured(name), answered(name)]);

test.each<[string, RunResult, readonly string[]]>([
  [
    "a name that is new",
    result([records("a.example.net")], all),
    ["https://a.example.net answers (200, 14 ms)"],
  ],
  [
    "the names of a stack that changed",
    result([stack("stacks/stack-b@docker-two")], all),
    ["https://b.example.net answers (200, 14 ms)"],
  ],
  ["nothing changed", result([], all), []],
  ["its certificate was not proved", result([records("a.example.net")], [answered("a.example.net")]), []],
  [
    "its route failed",
    result([records("a.example.net")], [secured("a.example.net"), answered("a.example.net", "fail")]),
    [],
  ],
])("%s", (_, run, lines) => {
  expect(answerLines(run, services, plainView)).toEqual(lines);
});

test("of many names only a few have a line", () => {
  const lines = answerLines(result([records(...names)], all), services, plainView);
  expect(lines).toHaveLength(6);
  expect(lines.at(-1)).toBe("3 more names answer");
});
