/** The history: one directory for each run that could change something; old ones are removed. */
import type { ComponentName, Outcome } from "../component.ts";
import { defined } from "../defined.ts";
import type { ComponentResult, Plan, RunResult } from "../engine/plan.ts";
import type { Host } from "../hosts/host.ts";
import { type Change, type HostName, type ResourceId, subjectOf } from "../resource.ts";
import { withoutSecrets } from "../secret-spans.ts";
import { damaged, documentText, parseDocument, privateMode } from "./store.ts";

/** Generations that are kept; older ones are removed when a new one is written. */
const keptRuns = 50;

/** "41-20261124T090400Z". */
const directoryName = /^(\d+)-\d{8}T\d{6}Z$/;

/** A run as the command line knows it when it ends. */
export interface FinishedRun {
  readonly command: string;
  readonly who: string;
  /** The machine phoenix ran on. */
  readonly host: string;
  /** SHA-256 over the site's files. */
  readonly siteDigest: string;
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  readonly exitCode: number;
  /** The site's warnings, a text each. */
  readonly warnings?: readonly string[];
  readonly result: RunResult;
  /** The plan: its changes are recorded too when they failed or were rolled back. */
  readonly plan?: Plan;
}

interface RunRecord extends Omit<FinishedRun, "result" | "plan"> {
  /** Counts from 1. */
  readonly generation: number;
  readonly durationMs: number;
  readonly components: readonly RecordedComponent[];
}

interface RecordedComponent {
  readonly component: ComponentName;
  readonly outcome: Outcome;
  readonly reason?: string;
  readonly changes: readonly RecordedChange[];
}

interface RecordedChange {
  readonly verb: Change["verb"];
  readonly id: ResourceId;
  readonly host: HostName;
  /** False for a change that failed or was rolled back. */
  readonly inPlace: boolean;
  /** The text before and after; absent for a missing resource. */
  readonly before?: string;
  readonly after?: string;
  /** Its texts contain a secret and were not recorded. */
  readonly sensitive?: true;
}

export interface Runs {
  /** Records a run and returns its generation. Requires the lock. */
  append(run: FinishedRun): Promise<number>;
  /** The latest runs, newest first. */
  list(limit?: number): Promise<readonly RunRecord[]>;
  latest(): Promise<RunRecord | undefined>;
  read(generation: number): Promise<RunRecord | undefined>;
}

/** @param redact replaces the site's secrets; a text that it would alter is not stored at all */
export function openRuns(host: Host, journal: string, redact: (text: string) => string): Runs {
  const directory = `${journal}/runs`;
  /** Names of the runs' directories, newest first. */
  const names = async (): Promise<readonly string[]> => {
    const found = (await host.list(directory)).filter((name) => directoryName.test(name));
    return found.sort((a, b) => generationOf(b) - generationOf(a));
  };
  const load = async (wanted: readonly string[]): Promise<readonly RunRecord[]> => {
    const paths = wanted.map((name) => `${directory}/${name}/run.json`);
    const files = await host.readFiles(paths);
    // A run that was killed while it was recorded has a directory without a document.
    return [...files].map(([path, { text }]) => recordOf(path, text));
  };
  const list = async (limit = keptRuns): Promise<readonly RunRecord[]> =>
    load((await names()).slice(0, limit));

  return {
    append: async (run) => {
      const before = await names();
      const generation = generationOf(before[0] ?? "0-") + 1;
      const name = `${generation}-${stamp(run.startedMs)}`;
      const text = documentText({ generation, ...document(run, redact) });
      await host.writeFiles([{ path: `${directory}/${name}/run.json`, text, mode: privateMode }]);
      const old = before.slice(keptRuns - 1).map((one) => `${directory}/${one}`);
      if (old.length > 0) await host.expect({ argv: ["rm", "-rf", "--", ...old], effect: "change" });
      return generation;
    },
    list,
    latest: async () => (await list(1))[0],
    read: async (generation) => {
      const wanted = (await names()).filter((name) => generationOf(name) === generation);
      return (await load(wanted))[0];
    },
  };
}

function generationOf(name: string): number {
  return Number.parseInt(name, 10);
}

/** "20261124T090400Z". */
function stamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}

function document(
  { result, plan, ...run }: FinishedRun,
  redact: (text: string) => string,
): Omit<RunRecord, "generation"> {
  const components = result.components.map((component): RecordedComponent => {
    const { component: name, outcome, reason: why } = component;
    const changes = changesOf(component, plan).map((change) => recorded(change, redact));
    return { component: name, outcome, ...defined({ reason: why && redact(why) }), changes };
  });
  const warnings = run.warnings?.map(redact);
  return { ...run, ...defined({ warnings }), durationMs: result.durationMs, components };
}

/** What was done, and then what was planned and is not in place. */
function changesOf(
  { component, changes }: ComponentResult,
  plan: Plan | undefined,
): readonly { change: Change; inPlace: boolean }[] {
  const done = new Set(changes.map((change) => subjectOf(change).id));
  const planned = plan?.components.find((candidate) => candidate.component === component)?.changes ?? [];
  return [
    ...changes.map((change) => ({ change, inPlace: true })),
    ...planned
      .filter((change) => !done.has(subjectOf(change).id))
      .map((change) => ({ change, inPlace: false })),
  ];
}

function recorded(
  { change, inPlace }: { change: Change; inPlace: boolean },
  redact: (text: string) => string,
): RecordedChange {
  const { id, host } = subjectOf(change);
  const live = change.verb === "create" ? undefined : change.live;
  const desired = change.verb === "delete" ? undefined : change.desired;
  const resources = [live, desired].filter((resource) => resource !== undefined);
  const secret = resources.some(
    ({ sensitive, text }) => sensitive !== undefined || withoutSecrets(redact(text)) !== text,
  );
  return {
    verb: change.verb,
    id,
    host,
    inPlace,
    ...(secret ? { sensitive: true } : defined({ before: live?.text, after: desired?.text })),
  };
}

function recordOf(path: string, text: string): RunRecord {
  const { version: _, ...record } = parseDocument(path, text);
  if (!isRecord(record)) throw damaged(path);
  return record;
}

/** Checks the fields that every reader needs. */
function isRecord(value: Partial<Record<keyof RunRecord, unknown>>): value is RunRecord {
  return (
    typeof value.generation === "number" &&
    typeof value.startedMs === "number" &&
    typeof value.command === "string" &&
    Array.isArray(value.components)
  );
}
