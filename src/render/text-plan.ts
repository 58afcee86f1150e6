/** A plan on the screen: what would change, by component; one line when nothing would. */
import type { Hazard } from "../component.ts";
import type { ComponentPlan, Plan, Unread } from "../engine/plan.ts";
import { isConverged } from "../engine/plan.ts";
import { exitCodes } from "../errors.ts";
import { option } from "../option-names.ts";
import { type Change, subjectOf } from "../resource.ts";
import { columnsOf } from "./columns.ts";
import { errorLines } from "./errors.ts";
import { activationWords, impactLines } from "./impact.ts";
import { hanging, padEnd, wrapAtDots } from "./layout.ts";
import { noteLines, signOfChanges } from "./notes.ts";
import { offLines } from "./off.ts";
import type { PlanDocument } from "./output-schemas.ts";
import { overviewLines } from "./overview.ts";
import { changeLines, nameOf } from "./text-changes.ts";
import { most } from "./text-diff.ts";
import { painted, type Sign, type View } from "./view.ts";
import { count, duration, flat, oneLine, shortList } from "./words.ts";

export interface PlanFacts {
  /** The site's directory. */
  readonly site: string;
  /** The machines: "pve (10.0.0.13)". */
  readonly world: string;
  readonly durationMs: number;
  /** Components that take no part in the site. */
  readonly off: PlanDocument["off"];
  /** What a sync would be refused for. */
  readonly refusal?: { readonly message: string; readonly hint?: string };
  /** The command that applies this plan: "phoenix sync dns". */
  readonly apply: string;
}

export function planLines(plan: Plan, facts: PlanFacts, view: View): readonly string[] {
  const orphans = plan.components.flatMap((part) => part.orphans.map(({ id }) => id));
  const notes = [...noteLines(plan.components, orphans, view), ...offLines(facts.off, view)];
  if (isConverged(plan)) return [inSyncLine(plan, facts, view), ...notes];
  const failed = plan.components.some(
    ({ unread, unreadResources }) =>
      unread?.kind === "error" || unreadResources.some(({ kind }) => kind === "error"),
  );
  const hazards = plan.components.flatMap((part) => part.hazards);
  // Several components may meet the same thing.
  const once = new Map(hazards.map((hazard) => [hazard.message, hazard]));
  const foreign = [...once.values()].filter((hazard) => hazard.foreign !== undefined);
  const isForeignOnly = once.size > 0 && foreign.length === once.size;
  return [
    `site  ${oneLine(facts.site)}    host  ${oneLine(facts.world)}`,
    "",
    ...bodyLines(plan, facts, notes, view),
    ...foreignLines(foreign, view),
    ...(facts.refusal === undefined || isForeignOnly
      ? []
      : errorLines({ ...facts.refusal, message: `a sync would be ${facts.refusal.message}` }, view)),
    closing(facts, failed, isForeignOnly && foreign.every(({ consent }) => consent !== undefined)),
  ];
}

/** Lines of what differs, and changes, above which a plan begins with an overview. */
const withoutOverview = { lines: 30, changes: 12 } as const;

/** What changes, by component, and what that means. A long plan begins with both in short. */
function bodyLines(plan: Plan, facts: PlanFacts, notes: readonly string[], view: View): readonly string[] {
  const nameWidth = Math.max(...plan.components.map(({ component }) => component.length));
  const linesOf = (parts: readonly ComponentPlan[]): readonly string[] =>
    parts.flatMap((part) => componentLines(part, nameWidth, view, sameCause(plan, part)));
  const all = linesOf(plan.components);
  const { create, update, remove } = planTally(plan);
  const activations = activationWords(plan);
  const changes = `Plan: ${create} to create, ${update} to update, ${remove} to delete`;
  const took = duration(facts.durationMs);
  const hint = create > 0 && !view.full ? [`\`${option.full}\` shows what is to be created in detail`] : [];
  if (all.length <= withoutOverview.lines && create + update + remove <= withoutOverview.changes) {
    const tally = [changes, ...(activations === undefined ? [] : [activations]), took].join(" · ");
    return [...all, "", ...wrapAtDots(tally, view.width), ...hint, ...notes, ...impactLines(plan, view)];
  }
  const different = plan.components.filter((part) => signOf(part) !== "=");
  return [
    ...overviewLines(plan, signOf, nameWidth, view),
    "",
    ...(activations === undefined ? [] : wrapAtDots(`R${activations.slice(1)}`, view.width)),
    ...impactLines(plan, view),
    "",
    ...linesOf(different),
    "",
    `${changes} · ${took}`,
    ...hint,
    ...notes,
  ];
}

/** What the plan meets that somebody else made, and what happens to it. */
function foreignLines(hazards: readonly Hazard[], view: View): readonly string[] {
  if (hazards.length === 0) return [];
  return [
    "Foreign:",
    ...hazards.flatMap(({ message, hint, foreign: { takeover } = {} }) => [
      ...hanging(`  ${painted("!", view.paint)} `, flat(message), view.width),
      ...(takeover === undefined
        ? hanging("    by hand: ", flat(hint ?? "remove it"), view.width)
        : hanging(`    ${option.allow} adopt: `, flat(takeover), view.width)),
    ]),
  ];
}

function closing({ refusal, apply }: PlanFacts, failed: boolean, isAdoptable: boolean): string {
  if (failed) return `The plan lacks what could not be read. (exit ${exitCodes.error})`;
  if (refusal !== undefined && isAdoptable)
    return `Only \`${apply} ${option.allow} adopt\` applies it. (exit ${exitCodes.pending})`;
  if (refusal !== undefined) return `\`${apply}\` would change nothing. (exit ${exitCodes.pending})`;
  return `Run \`${apply}\` to apply it. (exit ${exitCodes.pending})`;
}

function inSyncLine(plan: Plan, facts: PlanFacts, view: View): string {
  const resources = plan.components.reduce((sum, { desired }) => sum + desired.length, 0);
  return `${view.paint.green("In sync")}: ${count(resources, "resource")} in ${count(plan.components.length, "component")} · \`phoenix verify\` proves it · ${duration(facts.durationMs)}`;
}

/** An earlier component that cannot be read for the same reason: it is told there. */
function sameCause({ components }: Plan, { component, unread }: ComponentPlan): string | undefined {
  const first = components.find((part) => part.unread?.reason === unread?.reason);
  return unread === undefined || first?.component === component ? undefined : first?.component;
}

function componentLines(
  part: ComponentPlan,
  nameWidth: number,
  view: View,
  toldAt: string | undefined,
): readonly string[] {
  const sign = signOf(part);
  const head = `${painted(sign, view.paint)} ${padEnd(part.component, nameWidth)}  `;
  const indent = " ".repeat(nameWidth + 4);
  const width = view.width - indent.length;
  if (part.unread !== undefined)
    return placed(head, indent, [
      ...awaitedLines(part, view, width),
      ...(toldAt === undefined
        ? unreadLines(part.unread, "", width)
        : [`${wordOf(part.unread)}, for the same reason as ${toldAt}`]),
    ]);
  const changes = allChangeLines(part.changes, { ...view, width });
  const changed = new Set(part.changes.map((change) => subjectOf(change).id));
  const waiting = part.pendingActivation
    .filter((id) => !changed.has(id))
    .map((id) => `${painted("~", view.paint)} ${shortName(id)}: written by an earlier run, not active yet`);
  const unread = part.unreadResources.flatMap((why) =>
    unreadLines(why, `${painted("!", view.paint)} ${shortList(why.ids.map(shortName), 3)} `, width),
  );
  const awaited = part.waitsFor === undefined ? [] : [`waits for ${part.waitsFor}`];
  const lines = [...awaited, ...changes, ...waiting, ...unread];
  return placed(head, indent, lines.length > 0 ? lines : [count(part.desired.length, "resource")]);
}

function allChangeLines(changes: readonly Change[], view: View): readonly string[] {
  const names = changes.flatMap((change) => (change.verb === "create" ? [nameOf(change.desired, view)] : []));
  const nameWidth = Math.max(0, ...names.map(columnsOf));
  return changes.flatMap((change) => changeLines(change, view, nameWidth));
}

/** What a sync does all the same once it can be read. */
function awaitedLines({ unread, desired }: ComponentPlan, view: View, width: number): readonly string[] {
  if (unread?.kind !== "not-ready" || desired.length === 0) return [];
  const names = desired.map((resource) => nameOf(resource, view));
  return hanging(
    "",
    `to create or update once it is ready: ${shortList(names, view.full ? Infinity : most)}`,
    width,
  );
}

/** The resource's name without its component's. */
function shortName(id: string): string {
  return oneLine(id.slice(id.indexOf("/") + 1));
}

function wordOf({ kind }: Unread): string {
  return kind === "error" ? "cannot be read" : "not ready";
}

function unreadLines(why: Unread, what: string, width: number): readonly string[] {
  const { reason, hint } = why;
  return [
    ...hanging("", `${what}${wordOf(why)}: ${flat(reason)}`, width),
    ...(hint === undefined ? [] : hanging("  hint: ", flat(hint), width)),
  ];
}

function placed(head: string, indent: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => ((at === 0 ? head : indent) + line).trimEnd());
}

function signOf(part: ComponentPlan): Sign {
  if (part.unread !== undefined) return part.unread.kind === "error" ? "!" : ">";
  if (part.unreadResources.length > 0) return "!";
  return signOfChanges(part.changes) ?? (part.pendingActivation.length > 0 ? "~" : "=");
}

export function planTally(plan: Plan): { create: number; update: number; remove: number } {
  const verbs = plan.components.flatMap(({ changes }) => changes.map(({ verb }) => verb));
  const of = (wanted: string): number => verbs.filter((verb) => verb === wanted).length;
  return { create: of("create"), update: of("update"), remove: of("delete") };
}
