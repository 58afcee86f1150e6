/** The history on the screen: a table of runs, one run, and the difference of two. */
import { defined } from "../defined.ts";
import type { ExitCode } from "../errors.ts";
import { exitCodes } from "../errors.ts";
import type { Change } from "../resource.ts";
import { changeDocument } from "./json.ts";
import { hanging, table } from "./layout.ts";
import { signOfChanges } from "./notes.ts";
import type { DiffDocument, GenerationDocument, HistoryDocument } from "./output-schemas.ts";
import { changeLines } from "./text-changes.ts";
import { painted, type View } from "./view.ts";
import { count, duration, flat, oneLine, span } from "./words.ts";

/** A run as the history lists it. */
export interface ShownRun {
  readonly generation: number;
  readonly command: string;
  readonly who: string;
  readonly host: string;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly exitCode: number;
  readonly components: readonly {
    readonly changes: readonly { readonly verb: Change["verb"]; readonly inPlace: boolean }[];
  }[];
}

export interface HistoryFacts {
  /** Newest first. */
  readonly runs: readonly ShownRun[];
  readonly damaged: HistoryDocument["damaged"];
}

export function historyDocument({ runs, damaged }: HistoryFacts): HistoryDocument {
  return {
    format: "phoenix.history/1",
    runs: runs.map(runMembers),
    damaged,
    exitCode: exitCodes.converged,
  };
}

type RunMembers = HistoryDocument["runs"][number];

function runMembers(run: ShownRun): RunMembers {
  const { generation, startedMs, who, host, command, exitCode, durationMs } = run;
  const started = new Date(startedMs).toISOString();
  return { generation, started, who, host, command, exitCode, durationMs, ...tallyOf(run) };
}

function tallyOf({ components }: ShownRun): Pick<RunMembers, "created" | "updated" | "deleted"> {
  const made = components.flatMap(({ changes }) => changes).filter(({ inPlace }) => inPlace);
  const of = (wanted: Change["verb"]): number => made.filter(({ verb }) => verb === wanted).length;
  return { created: of("create"), updated: of("update"), deleted: of("delete") };
}

export function historyLines({ runs, damaged }: HistoryFacts, nowMs: number, view: View): readonly string[] {
  const rows = runs.map((run) => [
    String(run.generation),
    `${span(nowMs - run.startedMs)} ago`,
    oneLine(run.who),
    oneLine(run.command),
    outcomeOf(run.exitCode),
    changesOf(run),
    duration(run.durationMs),
  ]);
  const head = ["run", "when", "who", "command", "outcome", "changes", "took"];
  const outcome = (text: string): string => (text === converged ? text : view.paint.yellow(text));
  const columns = [
    { align: "right" as const },
    {},
    {},
    {},
    { paint: outcome },
    { flexible: true as const },
    { align: "right" as const, paint: view.paint.dim },
  ];
  return [
    ...(runs.length === 0
      ? ["no runs yet; `phoenix sync all` makes the first"]
      : table([head, ...rows], columns, view.width)),
    ...damaged.flatMap(({ generation, reason }) =>
      hanging("note: ", `run ${generation} cannot be read: ${flat(reason)}; the others can`, view.width),
    ),
  ];
}

const converged = "converged";
const outcomes: Readonly<Record<number, string>> = {
  [exitCodes.converged]: converged,
  [exitCodes.pending]: "waiting",
  [exitCodes.unverified]: "not verified",
  [exitCodes.partial]: "partly applied",
  [exitCodes.refused]: "refused",
  [exitCodes.rolledBack]: "rolled back",
  [exitCodes.interrupted]: "interrupted",
};

function outcomeOf(exitCode: number): string {
  const word = outcomes[exitCode] ?? "failed";
  return exitCode === exitCodes.converged ? word : `${word} (exit ${exitCode})`;
}

function changesOf(run: ShownRun): string {
  const { created, updated, deleted } = tallyOf(run);
  const parts = [
    [created, "created"],
    [updated, "updated"],
    [deleted, "deleted"],
  ] as const;
  return parts.flatMap(([n, word]) => (n === 0 ? [] : [`${n} ${word}`])).join(", ") || "none";
}

export interface GenerationFacts {
  readonly run: ShownRun;
  readonly siteDigest: string;
  readonly complete: boolean;
  readonly components: readonly {
    readonly component: string;
    readonly outcome: GenerationDocument["components"][number]["outcome"];
    readonly reason?: string;
    readonly hint?: string;
    readonly changes: readonly Change[];
    readonly notInPlace: readonly Change[];
    readonly checks?: {
      readonly passed: number;
      readonly failed: GenerationDocument["components"][number]["checksFailed"];
    };
  }[];
  readonly files: readonly string[];
}

export function generationDocument(facts: GenerationFacts): GenerationDocument {
  const { run, siteDigest, complete, components, files } = facts;
  return {
    format: "phoenix.generation/1",
    ...runMembers(run),
    siteDigest,
    complete,
    components: components.map(({ component, outcome, reason, hint, changes, notInPlace, checks }) => ({
      component,
      outcome,
      ...defined({ reason, hint, checksPassed: checks?.passed }),
      changes: changes.map(changeDocument),
      notInPlace: notInPlace.map(changeDocument),
      checksFailed: checks?.failed ?? [],
    })),
    files,
  };
}

export function generationLines(facts: GenerationFacts, nowMs: number, view: View): readonly string[] {
  const { run, components } = facts;
  const when = `${new Date(run.startedMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const passed = components.reduce((sum, { checks }) => sum + (checks?.passed ?? 0), 0);
  const failed = components.flatMap(({ checks }) => checks?.failed ?? []);
  return [
    `run ${run.generation}  ${oneLine(run.command)} by ${oneLine(run.who)} on ${oneLine(run.host)}, ${span(nowMs - run.startedMs)} ago (${when})`,
    "",
    ...components.flatMap((one) => componentLines(one, view)),
    "",
    `${changesOf(run)} · ${count(passed, "check")} passed, ${failed.length} failed · ${duration(run.durationMs)} · ${outcomeOf(run.exitCode)}`,
    ...(facts.complete ? [] : ["Recorded by an older phoenix: what was in place then is not kept."]),
  ];
}

function componentLines(one: GenerationFacts["components"][number], view: View): readonly string[] {
  const { component, outcome, reason, changes, notInPlace, checks } = one;
  const isFine = outcome === "changed" || outcome === "unchanged";
  const sign = isFine ? (signOfChanges(changes) ?? "=") : "!";
  const words = outcome === "unchanged" ? "in sync" : outcome;
  const inner = { ...view, width: view.width - 4 };
  return [
    `${painted(sign, view.paint)} ${component}  ${words}`,
    ...(reason === undefined ? [] : hanging("    ", flat(reason), view.width)),
    ...changes.flatMap((change) => changeLines(change, inner)).map((line) => `    ${line}`),
    ...(notInPlace.length === 0 ? [] : ["    not in place:"]),
    ...notInPlace.flatMap((change) => changeLines(change, inner)).map((line) => `      ${line}`),
    ...(checks?.failed ?? []).flatMap(({ claim, observed }) =>
      hanging(
        "    ",
        `check failed: ${flat(claim)}${observed === undefined ? "" : `: ${flat(observed)}`}`,
        view.width,
      ),
    ),
  ];
}

export interface DiffFacts {
  readonly from: number;
  /** Undefined for the live systems. */
  readonly to?: number;
  readonly components: readonly {
    readonly component: string;
    readonly resources: number;
    readonly changes: readonly Change[];
    readonly unread?: string;
  }[];
  readonly exitCode: ExitCode;
}

export function diffDocument({ from, to, components, exitCode }: DiffFacts): DiffDocument {
  return {
    format: "phoenix.diff/1",
    from,
    ...defined({ to }),
    equal: exitCode === exitCodes.converged,
    components: components.map(({ component, resources, changes, unread }) => ({
      component,
      resources,
      changes: changes.map(changeDocument),
      ...defined({ unread }),
    })),
    exitCode,
  };
}

export function diffLines({ from, to, components, exitCode }: DiffFacts, view: View): readonly string[] {
  const second = to === undefined ? "now" : `generation ${to}`;
  const changed = components.filter(({ changes, unread }) => changes.length > 0 || unread !== undefined);
  const different = components.reduce((sum, { changes }) => sum + changes.length, 0);
  const resources = components.reduce((sum, one) => sum + one.resources, 0);
  const inner = { ...view, width: view.width - 4 };
  const isUnread = components.some(({ unread }) => unread !== undefined);
  return [
    ...changed.flatMap(({ component, changes, unread }) => [
      `${painted(unread === undefined ? (signOfChanges(changes) ?? "=") : "!", view.paint)} ${component}`,
      ...(unread === undefined ? [] : hanging("    ", `cannot be read: ${flat(unread)}`, view.width)),
      ...changes.flatMap((change) => changeLines(change, inner)).map((line) => `    ${line}`),
    ]),
    ...(changed.length === 0 ? [] : [""]),
    different === 0 && !isUnread
      ? `Equal: generation ${from} and ${second}, ${count(resources, "resource")} in ${count(components.length, "component")}`
      : `Generation ${from} and ${second} differ in ${different} of ${count(resources, "resource")}. (exit ${exitCode})`,
  ];
}
