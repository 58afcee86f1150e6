/** Everything on one screen: the last run, the state of each component, the guests. */

import { defined } from "../defined.ts";
import type { ComponentPlan, Plan } from "../engine/plan.ts";
import { type ExitCode, exitCodes } from "../errors.ts";
import { subjectOf } from "../resource.ts";
import { hanging, table } from "./layout.ts";
import { offLines } from "./off.ts";
import type { StatusDocument } from "./output-schemas.ts";
import { nameOf } from "./text-changes.ts";
import { painted, plainView, type View } from "./view.ts";
import { count, flat, oneLine, span } from "./words.ts";

export interface StatusFacts {
  readonly site: string;
  readonly world: string;
  readonly lastRun?: LastRun;
  readonly plan: Plan;
  /** Components that take no part in the site. */
  readonly off: StatusDocument["off"];
  readonly guests: readonly GuestState[];
  /** The cluster and its nodes, "pve" first; absent on a single host. */
  readonly cluster?: StatusDocument["cluster"];
  /** Who holds the lock. Milliseconds since the epoch. */
  readonly lock?: {
    readonly who: string;
    readonly host: string;
    readonly command: string;
    readonly startedMs: number;
  };
  /** The certificate that ends first. Times are milliseconds since the epoch. */
  readonly soonest?: { readonly name: string; readonly notAfterMs: number; readonly renewalMs: number };
  /** Warnings of the site. */
  readonly warnings?: number;
  /** The undo of a firewall change is armed, or waits for the next boot. */
  readonly undo?: true;
  readonly durationMs: number;
  readonly exitCode: ExitCode;
}

export type LastRun = Omit<NonNullable<StatusDocument["lastRun"]>, "started"> & {
  readonly startedMs: number;
};

export type GuestState = StatusDocument["guests"][number];

export function statusDocument(facts: StatusFacts): StatusDocument {
  const { lastRun } = facts;
  return {
    format: "phoenix.status/1",
    site: facts.site,
    world: facts.world,
    ...defined({ lastRun: lastRun && lastRunDocument(lastRun) }),
    components: facts.plan.components.map((part) => ({
      component: part.component,
      resources: part.desired.length,
      state: stateOf(part),
      note: noteOf(part, plainView),
    })),
    off: [...facts.off],
    guests: [...facts.guests],
    ...defined({
      cluster: facts.cluster,
      lock: facts.lock && lockDocument(facts.lock),
      soonest: facts.soonest && {
        name: facts.soonest.name,
        notAfter: new Date(facts.soonest.notAfterMs).toISOString(),
        renewal: new Date(facts.soonest.renewalMs).toISOString(),
      },
      warnings: facts.warnings,
      undo: facts.undo,
    }),
    durationMs: facts.durationMs,
    exitCode: facts.exitCode,
  };
}

function lockDocument({ who, host, command, startedMs }: NonNullable<StatusFacts["lock"]>) {
  return { who, host, command, started: new Date(startedMs).toISOString() };
}

function lastRunDocument({ startedMs, ...run }: LastRun): NonNullable<StatusDocument["lastRun"]> {
  const { generation, command, who, host, durationMs, exitCode } = run;
  const started = new Date(startedMs).toISOString();
  return {
    generation,
    command,
    who,
    host,
    started,
    durationMs,
    exitCode,
    ...defined({ failures: run.failures }),
  };
}

export function statusLines(facts: StatusFacts, nowMs: number, view: View): readonly string[] {
  const { paint } = view;
  const components = facts.plan.components.map((part) => {
    const note = [noteOf(part, view), ...moreOf(part, facts, nowMs)].filter((text) => text !== "").join("; ");
    return [part.component, String(part.desired.length), stateOf(part), note];
  });
  const { cluster } = facts;
  const onNode = (text: string): readonly string[] => (cluster === undefined ? [] : [text]);
  const guests = facts.guests.map(({ host, name, node, roles, state, note }) => [
    `${host} (${oneLine(name)})`,
    ...onNode(node ?? ""),
    roles.join(", "),
    state,
    flat(note),
  ]);
  const state = (text: string): string =>
    text === "drift" || text === "unknown" || text === "no answer" ? paint.yellow(text) : text;
  const head = ["component", "resources", "state", "note"];
  const guestHead = ["guest", ...onNode("node"), "role", "state", "note"];
  const columns = [{}, { align: "right" as const }, { paint: state }, { flexible: true as const }];
  const guestColumns = [...onNode("").map(() => ({})), {}, {}, { paint: state }, { flexible: true as const }];
  return [
    ...hanging(`${facts.world}  `, lastRunWords(facts.lastRun, nowMs), view.width),
    ...failureLines(facts, nowMs, view),
    ...clusterLines(cluster, view),
    "",
    ...table([head, ...components], columns, view.width),
    ...offLines(facts.off, view),
    "",
    ...table([guestHead, ...guests], guestColumns, view.width),
  ];
}

function lastRunWords(run: LastRun | undefined, nowMs: number): string {
  if (run === undefined) return "no runs yet; `phoenix sync all` starts the first";
  const age = span(nowMs - run.startedMs - run.durationMs);
  return `${run.command} ${endWords[run.exitCode] ?? "failed"} ${age} ago, run ${run.generation} by ${oneLine(run.who)} on ${oneLine(run.host)}`;
}

/** What failed in the last run and why, and what must not be forgotten. */
function failureLines(
  { lastRun, lock, undo, warnings = 0 }: StatusFacts,
  nowMs: number,
  view: View,
): readonly string[] {
  const failures = (lastRun?.failures ?? []).map(
    ({ component, outcome, reason = "no reason given" }) => `${component} ${outcome}: ${flat(reason)}`,
  );
  const armed = undo === undefined ? [] : ["the undo of a firewall change is armed: it was not confirmed"];
  const held = lock === undefined ? [] : [heldWords(lock, nowMs)];
  const mark = `${painted("!", view.paint)} `;
  return [
    ...[...held, ...failures, ...armed].flatMap((text) => hanging(mark, text, view.width)),
    ...(warnings === 0 ? [] : [`${count(warnings, "warning")} in the site: \`phoenix check\` shows them`]),
  ];
}

function heldWords(
  { who, host, command, startedMs }: NonNullable<StatusFacts["lock"]>,
  nowMs: number,
): string {
  const since = span(nowMs - startedMs);
  return `locked by ${oneLine(who)} on ${oneLine(host)} since ${since} (${oneLine(command)})`;
}

/** "cluster oak: pve1 (pve), pve2 online; pve3 offline", and whether it can be changed. */
function clusterLines(cluster: StatusDocument["cluster"], view: View): readonly string[] {
  if (cluster === undefined) return [];
  const { name, quorate, nodes } = cluster;
  const named = (online: boolean): string =>
    nodes
      .filter((node) => node.online === online)
      .map((node) => (node.host === "pve" && node.name !== "pve" ? `${node.name} (pve)` : node.name))
      .join(", ");
  const [up, down] = [named(true), named(false)];
  const states = [`${up} online`, ...(down === "" ? [] : [`${down} offline`])].join("; ");
  const isWell = quorate && down === "";
  const lost = quorate ? "" : "; no quorum, so nothing can be changed";
  const mark = isWell ? "" : `${painted("!", view.paint)} `;
  return hanging(mark, `cluster ${oneLine(name)}: ${states}${lost}`, view.width);
}

/** What a component has to tell besides its state: the certificate that ends first, stacks that are in place. */
function moreOf(part: ComponentPlan, { soonest }: StatusFacts, nowMs: number): readonly string[] {
  const { component, desired, changes, unread, unreadResources } = part;
  if (unread !== undefined) return [];
  if (component === "certificates" && soonest !== undefined) {
    const { name, notAfterMs, renewalMs } = soonest;
    const left = notAfterMs <= nowMs ? "has expired" : `${span(notAfterMs - nowMs)} left`;
    const renewal = renewalMs <= nowMs ? "renewal is due" : `renewal in ${span(renewalMs - nowMs)}`;
    return [`${oneLine(name)}: ${left}, ${renewal}`];
  }
  if (component !== "stacks" || desired.length === 0) return [];
  const missing = new Set([
    ...changes.flatMap((change) => (change.verb === "delete" ? [] : [subjectOf(change).id])),
    ...unreadResources.flatMap(({ ids }) => ids),
  ]);
  return [`${desired.length - missing.size} of ${desired.length} up`];
}

/** How a run ended, by its exit code; every other one failed. */
export const endWords: Readonly<Record<number, string>> = {
  [exitCodes.converged]: "converged",
  [exitCodes.partial]: "partly applied",
  [exitCodes.rolledBack]: "was rolled back",
  [exitCodes.interrupted]: "was interrupted",
  [exitCodes.unverified]: "applied, not verified,",
};

/** How a component is, in the words of the document. */
export function stateOf(part: ComponentPlan): StatusDocument["components"][number]["state"] {
  if (part.unread !== undefined) return part.unread.kind === "error" ? "unknown" : "not ready";
  if (part.waitsFor !== undefined) return "not ready";
  if (part.unreadResources.length > 0) return "unknown";
  return part.changes.length === 0 && part.pendingActivation.length === 0 ? "in sync" : "drift";
}

/** Why a component is not in sync; empty when it is. */
export function noteOf(part: ComponentPlan, view: View): string {
  if (part.unread !== undefined) return flat(part.unread.reason);
  if (part.waitsFor !== undefined) return `waits for ${part.waitsFor}`;
  const [unread] = part.unreadResources;
  if (unread !== undefined) return flat(unread.reason);
  const [first] = part.changes;
  const orphans = part.orphans.length === 0 ? [] : [`${count(part.orphans.length, "orphan")} kept`];
  if (first === undefined)
    return [...(part.pendingActivation.length > 0 ? ["written, not active yet"] : []), ...orphans].join("; ");
  const rest = part.changes.length === 1 ? [] : [`${part.changes.length - 1} more`];
  return [`${nameOf(subjectOf(first), view)} to ${first.verb}`, ...rest, ...orphans].join("; ");
}
