/** Changes as plans show them: secrets as keyed fingerprints, in text and in documents, and never a value. */
import { expect, test } from "vitest";
import type { Plan } from "../../src/engine/plan.ts";
import { fingerprintsBy } from "../../src/fingerprint.ts";
import { fingerprintedPlan } from "../../src/render/fingerprinted.ts";
import { planDocument } from "../../src/render/json.ts";
import { planLines } from "../../src/render/text-plan.ts";
import { plainView } from "../../src/render/view.ts";
import type { Change, Resource } from "../../src/resource.ts";
import { Secret } from "../../src/secret.ts";

const fingerprintOf = fingerprintsBy(new Secret("key"));
const [old, now] = [fingerprintOf(new Secret("canary-old-1")), fingerprintOf(new Secret("canary-new-1"))];

const stack = (password: string, image: string): Resource => ({
  id: "stacks/wiki",
  host: "vm/311",
  text: `everything ${password} ${image}`,
  units: {
    "compose file": `text ${image === "a" ? "11111111" : "22222222"}`,
    "variable DB_PASSWORD": `fingerprint of ${password.length}${password.at(-3)}${password.at(-5)}`,
  },
  documents: {
    "compose file": `services:\n  web:\n    image: ${image}\n    environment:\n      DB_PASSWORD: ${password}\n`,
  },
  secrets: { "variable DB_PASSWORD": new Secret(password) },
  sensitive: "text",
});

const whole = (password: string): Resource => ({
  id: "portainer/agent-secret",
  host: "vm/310",
  text: password,
  units: { secret: password },
  sensitive: true,
});

function shown(changes: readonly Change[]): { text: string; json: string } {
  const part = {
    component: "stacks",
    desired: [],
    changes,
    hazards: [],
    orphans: [],
    leftBehind: [],
    pendingActivation: [],
    unreadResources: [],
    notes: [],
  };
  const plan: Plan = fingerprintedPlan({ components: [part], digest: "d" }, fingerprintOf);
  const facts = { site: "/site", world: "pve", durationMs: 1, off: [], apply: "phoenix sync all" };
  return {
    text: planLines(plan, facts, { ...plainView, full: true }).join("\n"),
    json: JSON.stringify(planDocument(plan, facts, 2)),
  };
}

const update: Change = {
  verb: "update",
  live: stack("canary-old-1", "a"),
  desired: stack("canary-new-1", "b"),
};

test("a secret that changes is told by the fingerprints before and after, wherever it stands", () => {
  const { text, json } = shown([update]);
  expect(text).toContain(`variable DB_PASSWORD  (secret, changed) ${old} -> ${now}`);
  expect(text).toContain(`-      DB_PASSWORD: (secret#${old})`);
  expect(text).toContain(`+      DB_PASSWORD: (secret#${now})`);
  expect(text).toContain("+    image: b");
  expect(json).toContain(`"before":"(secret#${old})","after":"(secret#${now})"`);
  expect(json).toContain("+    image: b");
  expect(text + json).not.toMatch(/canary|11111111|22222222/);
});

test("two places with one secret have one fingerprint; nothing of a created one is shown", () => {
  const { text, json } = shown([
    { verb: "create", desired: stack("canary-new-1", "a") },
    { verb: "update", live: whole("canary-old-1"), desired: whole("canary-new-1") },
  ]);
  expect(text).toContain(`variable DB_PASSWORD  (secret) ${now}`);
  expect(text).toContain(`secret  (secret, changed) ${old} -> ${now}`);
  expect(text).toContain("compose file          5 lines");
  expect(text + json).not.toMatch(/canary|11111111/);
});

test("of a secret that was not known before, only the new fingerprint is shown", () => {
  const { secrets: _, ...unknown } = stack("canary-old-1", "a");
  const { text } = shown([{ verb: "update", live: unknown, desired: stack("canary-new-1", "a") }]);
  expect(text).toContain(`(secret, changed) ${now}`);
});

test("a large text that is replaced as a whole is shown in time", () => {
  const long = (word: string): Resource => ({
    ...stack("canary-new-1", word),
    documents: { "compose file": Array.from({ length: 50_000 }, (_, at) => `${word}: ${at * 7}`).join("\n") },
  });
  const started = performance.now();
  const { text } = shown([{ verb: "update", live: long("a"), desired: long("b") }]);
  expect(text).toContain("50000 lines -> 50000 lines");
  expect(performance.now() - started).toBeLessThan(20_000);
});
