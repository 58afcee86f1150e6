/** Diffs of texts that hold secrets: of one that is replaced, only the new value is known. */
import { expect, test } from "vitest";
import { redacted, redactor } from "../../src/redaction.ts";
import { changeLines } from "../../src/render/text-changes.ts";
import { plainView } from "../../src/render/view.ts";
import type { Change } from "../../src/resource.ts";
import { Secret } from "../../src/secret.ts";

const redact = redactor([new Secret("new-token-7")]);

function linesOf(before: string, after: string): string {
  const resource = { id: "traefik/routes", host: "lxc/211", units: {} } as const;
  const change: Change = {
    verb: "update",
    live: { ...resource, text: before },
    desired: { ...resource, text: after },
  };
  return changeLines(redacted(change, redact), plainView).join("\n");
}

test("the value that a secret replaces is not shown", () => {
  const shown = linesOf("a: 1\nvalue: old-token-3\nb: 2\n", "a: 1\nvalue: new-token-7\nb: 2\n");
  expect(shown).not.toContain("old-token-3");
  expect(shown).toContain("not shown");
});

test("the hash of a password that goes is not shown", () => {
  const shown = linesOf('users:\n  - "ops:$2y$05$abcdefghijklmnop"\nb: 2\n', "b: 2\n");
  expect(shown).not.toContain("abcdefghijklmnop");
  expect(shown).toContain("users:");
});

test("a secret that changes beside something else is mentioned", () => {
  const shown = linesOf('users: ["a:canary-1"]\nb: 1\n', 'users: ["a:canary-2"]\nb: 2\n');
  expect(shown).not.toContain("canary");
  expect(shown).toContain("+b: 2");
  expect(shown).toContain("(secret, changed)");
});

test("any other change is", () => {
  expect(linesOf("rule: a\n", "rule: b\n")).toContain("-rule: a");
});

test("of a resource whose text alone holds a secret, the units are shown and the text is not", () => {
  const resource = { id: "stacks/grafana", host: "vm/311", sensitive: "text" } as const;
  const change: Change = {
    verb: "update",
    live: { ...resource, text: "password: a", units: { "service grafana": "exited: Exited (137)" } },
    desired: { ...resource, text: "password: b", units: { "service grafana": "running grafana:11" } },
  };
  const shown = changeLines(change, plainView).join("\n");
  expect(shown).toContain("service grafana  exited: Exited (137) -> running grafana:11");
  const unnamed: Change = {
    ...change,
    live: { ...change.live, units: {} },
    desired: { ...change.desired, units: {} },
  };
  expect(changeLines(unnamed, plainView).join("\n")).not.toContain("password");
});

test("a unit that stands for a text is shown as the difference of the texts, not as two fingerprints", () => {
  const stack = (compose: string, fingerprint: string, more = {}) =>
    ({
      id: "stacks/wiki",
      host: "vm/311",
      text: compose,
      units: { "compose file": `text ${fingerprint}` },
      documents: { "compose file": compose },
      ...more,
    }) as const;
  const change: Change = {
    verb: "update",
    live: stack(
      "services:\n  web:\n    image: wiki:1\n    environment:\n      DB_PASSWORD: hunter2\n",
      "810158eb",
    ),
    desired: stack(
      "services:\n  web:\n    image: wiki:2\n    environment:\n      DB_PASSWORD: hunter2\n",
      "c451a814",
    ),
  };
  const shown = changeLines(change, plainView).join("\n");
  expect(shown).toContain("-    image: wiki:1");
  expect(shown).toContain("+    image: wiki:2");
  expect(shown).not.toMatch(/810158eb|c451a814|hunter2/);
});

test("line ends are told in a line, not as a difference of every line", () => {
  expect(linesOf("a: 1\nb: 2\n", "a: 1\r\nb: 2\r\n")).toMatch(
    /^~ routes on lxc\/211\n {4}line ends become CR LF$/,
  );
  const both = linesOf("a: 1\r\nb: 2\r\nc: 3\r\n", "a: 1\nb: 5\nc: 3\n");
  expect(both).toMatch(/-b: 2\n\s*\+b: 5/);
  expect(both).not.toContain("-a: 1");
  expect(both).toContain("line ends become LF");
});
