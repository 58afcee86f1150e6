/**
 * What was found as metrics in Prometheus' text format, for node_exporter's textfile collector. No timestamps of samples (the
 * collector refuses them), no secrets, no paths. Pure.
 */
import type { ComponentState, Observation } from "../journal/observations.ts";
import { provedMs } from "../journal/observe.ts";
import type { Site } from "../model.ts";

type Labels = Readonly<Record<string, string>>;

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly (readonly [Labels, number])[];
}

/** The name of the file in the collector's directory. */
export const metricsFile = "phoenix.prom";

/** Every state has a series, so that a rule can count on it. */
const states: readonly ComponentState[] = [
  "in sync",
  "drifted",
  "unproven",
  "failed",
  "rolled back",
  "refused",
  "not ready",
  "unread",
  "off",
];

export function metricsText(seen: Observation, site: Site, version: string): string {
  const metrics = [
    ...runMetrics(seen, version),
    ...componentMetrics(seen),
    ...certificateMetrics(seen),
    ...nameMetrics(seen, site),
    ...guestMetrics(seen, site),
  ];
  return metrics
    .flatMap(lines)
    .map((line) => `${line}\n`)
    .join("");
}

function lines({ name, help, samples }: Metric): readonly string[] {
  if (samples.length === 0) return [];
  const values = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...values];
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function gauge(name: string, help: string, ...samples: Metric["samples"]): Metric {
  return { name: `phoenix_${name}`, help, samples };
}

function runMetrics({ run, notices }: Observation, version: string): readonly Metric[] {
  const { convergedMs } = run;
  return [
    gauge("build_info", "The version of phoenix that ran last.", [{ version }, 1]),
    gauge("last_run_timestamp_seconds", "When the last run ended.", [{}, seconds(run.endedMs)]),
    gauge("last_run_duration_seconds", "How long the last run took.", [
      {},
      seconds(run.endedMs - run.startedMs),
    ]),
    gauge("last_run_exit_code", "The exit code of the last run.", [{}, run.exitCode]),
    gauge("last_run_success", "Whether the last run ended with exit code 0.", [
      {},
      Number(run.exitCode === 0),
    ]),
    gauge(
      "last_converged_timestamp_seconds",
      "When a run last ended well with every component in sync.",
      ...(convergedMs === undefined ? [] : [[{}, seconds(convergedMs)] as const]),
    ),
    gauge("notices_undelivered", "Notices that did not arrive.", [{}, notices?.undelivered.length ?? 0]),
  ];
}

function componentMetrics({ components, checks }: Observation): readonly Metric[] {
  const all = Object.entries(components);
  const failing = new Map<string, number>();
  for (const { component, status } of checks)
    failing.set(component, (failing.get(component) ?? 0) + Number(status === "fail"));
  return [
    gauge(
      "component_state",
      "1 for the state that a component is in, 0 for the others.",
      ...all.flatMap(([component, found]) =>
        states.map((state) => [{ component, state }, Number(found.state === state)] as const),
      ),
    ),
    gauge(
      "component_state_since_timestamp_seconds",
      "Since when a component is in its state.",
      ...all.map(([component, { sinceMs }]) => [{ component }, seconds(sinceMs)] as const),
    ),
    gauge(
      "component_drift_changes",
      "Changes that a sync would make.",
      ...all.map(([component, { drift }]) => [{ component }, drift] as const),
    ),
    gauge(
      "component_duration_seconds",
      "How long it took to read, change and verify a component.",
      ...all.map(([component, { durationMs }]) => [{ component }, seconds(durationMs)] as const),
    ),
    gauge(
      "component_failing_checks",
      "Checks of a component that failed when they were last made.",
      ...[...failing].map(([component, count]) => [{ component }, count] as const),
    ),
  ];
}

function certificateMetrics({ certificates }: Observation): readonly Metric[] {
  const all = Object.entries(certificates);
  return [
    gauge(
      "certificate_not_before_timestamp_seconds",
      "When a certificate begins to be valid.",
      ...all.map(([name, { notBeforeMs }]) => [{ name }, seconds(notBeforeMs)] as const),
    ),
    gauge(
      "certificate_not_after_timestamp_seconds",
      "When a certificate expires.",
      ...all.map(([name, { notAfterMs }]) => [{ name }, seconds(notAfterMs)] as const),
    ),
  ];
}

/** A name that was never proved has no series of its proof: a rule that is to find it compares with the info. */
function nameMetrics({ checks }: Observation, { services }: Site): readonly Metric[] {
  const proved = provedMs(checks);
  const names = [
    ...new Set(services.filter(({ path }) => path !== "external").flatMap((service) => service.names)),
  ];
  return [
    gauge(
      "name_info",
      "1 for each name that the site declares.",
      ...names.map((name) => [{ name }, 1] as const),
    ),
    gauge(
      "name_last_proof_timestamp_seconds",
      "When every check of a name last passed.",
      ...names.flatMap((name) => {
        const ms = proved.get(name);
        return ms === undefined ? [] : [[{ name }, seconds(ms)] as const];
      }),
    ),
  ];
}

function guestMetrics({ guests }: Observation, site: Site): readonly Metric[] {
  return [
    gauge(
      "guest_up",
      "Whether a guest answers.",
      ...Object.entries(guests).map(([host, { state }]) => {
        const name = site.guests.find((guest) => guest.host === host)?.name ?? "";
        return [{ guest: host, name }, Number(state === "answers")] as const;
      }),
    ),
  ];
}

function seconds(ms: number): number {
  return ms / 1_000;
}
