/** Which version of a stack runs, from the definitions that Compose made its containers from. */
import { expect, test } from "vitest";
import { stackResource } from "../../src/components/stacks/facts.ts";
import type { MadeContainer } from "../../src/components/stacks/made.ts";
import { runningVersion } from "../../src/components/stacks/running.ts";
import type { Change } from "../../src/resource.ts";

const version = (compose: string, variables: Record<string, string> = {}) =>
  stackResource({
    ...{ id: "stacks/wiki", host: "vm/311", project: "wiki", environment: "apps", compose, variables },
    ...{ files: {}, containers: {}, volumes: {}, networks: {}, sensitive: false },
  });
const file = (web: string) => `services:\n  web: { image: "${web}" }\n  db: { image: postgres }\n`;
const [live, desired] = [version(file("nginx:1")), version(file("nginx:2"))];
const update: Change = { verb: "update", live, desired };
const services = ["web", "db"];
const made = (...all: readonly string[]): readonly MadeContainer[] =>
  all.map((one) => {
    const [service = "", definition = "", state = "running"] = one.split(" ");
    return { service, definition, state };
  });
const before = made("web a", "db b");

test.each([
  ["nothing was touched", before, "previous"],
  ["the order is another", made("db b", "web a"), "previous"],
  ["what changed was made anew", made("web c", "db b"), "new"],
  ["more than what changed was made anew", made("web c", "db d"), "new"],
  ["something else was made anew", made("web a", "db d"), undefined],
  ["the new one has not started", made("web c created", "db b"), undefined],
  ["the old one was stopped", made("web a exited", "db b"), undefined],
  ["the old one is gone", made("db b"), undefined],
  ["both are there", made("web a", "web c", "db b"), undefined],
  ["a service that is not declared is there", made("web c", "db b", "old o"), undefined],
  ["nothing is left", [], undefined],
])("of an update, when %s", (_, now, expected) => {
  expect(runningVersion(update, services, before, now)).toBe(expected);
});

test("a variable may concern every service: only what is all anew is surely new", () => {
  const change: Change = { verb: "update", live, desired: version(file("nginx:1"), { TAG: "2" }) };
  expect(runningVersion(change, services, before, made("web c", "db b"))).toBeUndefined();
  expect(runningVersion(change, services, before, made("web c", "db d"))).toBe("new");
});

test("of a creation and of a removal", () => {
  const create: Change = { verb: "create", desired };
  expect(runningVersion(create, services, [], [])).toBe("previous");
  expect(runningVersion(create, services, [], made("web a"))).toBeUndefined();
  expect(runningVersion(create, services, [], before)).toBe("new");
  const remove: Change = { verb: "delete", live };
  expect(runningVersion(remove, [], before, before)).toBe("previous");
  expect(runningVersion(remove, [], before, made("db b"))).toBeUndefined();
  expect(runningVersion(remove, [], before, [])).toBe("new");
});
