/** Metrics are what Prometheus reads, and what the rules and the dashboard of docs/ ask for. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { Observation } from "../../src/journal/observations.ts";
import type { Site } from "../../src/model.ts";
import { metricsText } from "../../src/notices/metrics.ts";
import { readExposition } from "./exposition.ts";

const hostile = 'a"b\\c\nd';
const lasting = { sinceMs: 1_000, seenMs: 3_500 };
const seen: Observation = {
  run: {
    command: "unattended verify",
    startedMs: 1_000,
    endedMs: 3_500,
    exitCode: 2,
    siteDigest: "d",
    convergedMs: 500,
  },
  components: {
    dns: { state: "drifted", drift: 2, affected: [], reason: "s3cret", durationMs: 250, ...lasting },
    nginx: { state: "in sync", drift: 0, affected: [], durationMs: 0, ...lasting },
  },
  checks: [
    {
      component: "dns",
      resource: "dns/a",
      claim: '"wiki.example.net" resolves to 10.0.0.2',
      status: "pass",
      passedMs: 3_500,
      ...lasting,
    },
    {
      component: "nginx",
      resource: "nginx/a",
      claim: "http://wiki.example.net/ redirects",
      status: "fail",
      passedMs: 2_000,
      ...lasting,
    },
  ],
  certificates: { [hostile]: { notBeforeMs: 0, notAfterMs: 86_400_000, names: [], issuer: "CA" } },
  guests: { "lxc/101": { state: "no answer", reason: "s3cret", ...lasting } },
};
const services = [
  { names: ["wiki.example.net"], path: "routed" },
  { names: ["new.example.net"], path: "routed" },
  { names: ["elsewhere.example.net"], path: "external" },
];
const site = { services, guests: [{ host: "lxc/101", name: hostile }] } as unknown as Site;
const text = metricsText(seen, site, "1.2.3");
const families = readExposition(text);

const sampleOf = (name: string, labels: Readonly<Record<string, string>> = {}): number | undefined =>
  families
    .get(name)
    ?.samples.find((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    ?.value;

test("they say what was found, in seconds, with every label as it is", () => {
  expect(sampleOf("phoenix_last_run_timestamp_seconds")).toBe(3.5);
  expect(sampleOf("phoenix_last_run_duration_seconds")).toBe(2.5);
  expect(sampleOf("phoenix_last_run_exit_code")).toBe(2);
  expect(sampleOf("phoenix_last_run_success")).toBe(0);
  expect(sampleOf("phoenix_last_converged_timestamp_seconds")).toBe(0.5);
  expect(sampleOf("phoenix_component_state", { component: "dns", state: "drifted" })).toBe(1);
  expect(sampleOf("phoenix_component_state", { component: "dns", state: "in sync" })).toBe(0);
  expect(sampleOf("phoenix_component_drift_changes", { component: "dns" })).toBe(2);
  expect(sampleOf("phoenix_component_failing_checks", { component: "nginx" })).toBe(1);
  expect(sampleOf("phoenix_certificate_not_after_timestamp_seconds", { name: hostile })).toBe(86_400);
  expect(sampleOf("phoenix_guest_up", { guest: "lxc/101", name: hostile })).toBe(0);
});

test("a name is as well proved as the check that passed longest ago, and one that never was has no proof", () => {
  expect(sampleOf("phoenix_name_last_proof_timestamp_seconds", { name: "wiki.example.net" })).toBe(2);
  expect(sampleOf("phoenix_name_last_proof_timestamp_seconds", { name: "new.example.net" })).toBeUndefined();
  expect(sampleOf("phoenix_name_info", { name: "new.example.net" })).toBe(1);
  expect(sampleOf("phoenix_name_info", { name: "elsewhere.example.net" })).toBeUndefined();
});

test("no text of a failure is in them", () => {
  expect(text).not.toContain("s3cret");
});

test("names keep to Prometheus' conventions", () => {
  for (const [name, { help, type }] of families) {
    expect(name).toMatch(/^phoenix_[a-z_]+$/);
    expect(name).not.toMatch(/_(?:ms|milliseconds|minutes|hours|days|percent|total|count|sum|bucket)$/);
    expect(type).toBe("gauge");
    expect(help).toMatch(/^[A-Z1].*\.$/);
  }
});

const docs = join(import.meta.dirname, "../../docs/public/monitoring");
const used = (expression: string): readonly string[] => expression.match(/\bphoenix_\w+/g) ?? [];

interface Rules {
  readonly groups: readonly {
    readonly name: string;
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}

const rules = (): Rules => parse(readFileSync(join(docs, "phoenix-alerts.yml"), "utf8")) as Rules;

test("the alert rules ask for metrics that exist, and explain themselves", () => {
  const all = rules().groups.flatMap((group) => group.rules);
  expect(all.length).toBeGreaterThan(5);
  expect(new Set(all.map(({ alert }) => alert)).size).toBe(all.length);
  for (const { alert, expr, for: lasting, labels, annotations } of all) {
    expect(alert).toMatch(/^Phoenix[A-Z]\w+$/);
    expect(used(expr).length, alert).toBeGreaterThan(0);
    for (const name of used(expr)) expect(families.has(name), `${alert}: ${name}`).toBe(true);
    if (lasting !== undefined) expect(lasting).toMatch(/^\d+[smhd]$/);
    expect(Object.keys(annotations).sort()).toEqual(["description", "summary"]);
    expect(["warning", "critical"]).toContain(labels.severity);
    expect(isBalanced(expr), expr).toBe(true);
    const known = new Set(
      used(expr).flatMap((name) => Object.keys(families.get(name)?.samples[0]?.labels ?? {})),
    );
    for (const [, label = ""] of Object.values(annotations)
      .join(" ")
      .matchAll(/\$labels\.(\w+)/g))
      expect(known.has(label) || label === "instance", `${alert}: ${label}`).toBe(true);
  }
});

test("the dashboard asks for metrics that exist, and each metric is asked for by it or by a rule", () => {
  const dashboard = JSON.parse(readFileSync(join(docs, "grafana-dashboard.json"), "utf8")) as {
    readonly uid: string;
    readonly panels: readonly {
      readonly id: number;
      readonly title: string;
      readonly targets: readonly { readonly expr: string }[];
    }[];
  };
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  for (const expr of expressions) {
    expect(isBalanced(expr), expr).toBe(true);
    for (const name of used(expr)) expect(families.has(name), name).toBe(true);
  }
  const inRules = rules().groups.flatMap((group) => group.rules.map(({ expr }) => expr));
  const all = new Set([...expressions, ...inRules].flatMap(used));
  expect([...families.keys()].filter((name) => !all.has(name))).toEqual([]);
});

/** Whether every bracket of an expression is closed, outside of its strings. */
function isBalanced(expression: string): boolean {
  const open: string[] = [];
  const pairs: Readonly<Record<string, string>> = { ")": "(", "}": "{", "]": "[" };
  for (const character of expression.replaceAll(/"[^"]*"/g, "")) {
    if ("({[".includes(character)) open.push(character);
    if (")}]".includes(character) && open.pop() !== pairs[character]) return false;
  }
  return open.length === 0;
}
