/** What `phoenix import` wrote, what it left out, and what a sync of the new site would change. */
import type { Plan } from "../engine/plan.ts";
import { type ExitCode, exitCodes } from "../errors.ts";
import { option } from "../option-names.ts";
import { type Change, subjectOf, type UnitChange } from "../resource.ts";
import { hanging, padEnd } from "./layout.ts";
import type { ImportDocument } from "./output-schemas.ts";
import { nameOf, signs } from "./text-changes.ts";
import { most } from "./text-diff.ts";
import { type MergeFacts, mergeDocument, mergeLines } from "./text-merge.ts";
import { shownUnits } from "./units.ts";
import { painted, type View } from "./view.ts";
import { count, duration, flat, list, oneLine } from "./words.ts";

/** A place on the machines, as comments name it: "lxc/211:/etc/traefik/traefik.yml:4". */
export type PlaceText = string;

export interface ImportFacts {
  /** The directory of the new site. */
  readonly site: string;
  /** The same as a shell takes it. */
  readonly directory: string;
  readonly world: string;
  /** How many things of each kind it declares: 12 of "container". */
  readonly declared: readonly (readonly [number: number, noun: string])[];
  readonly files: readonly string[];
  readonly left: readonly { readonly place: PlaceText; readonly what: string; readonly reason: string }[];
  /** Connections that a sync would allow, and the host does not allow now. */
  readonly opened: readonly string[];
  /** Absent when the new site does not pass check. */
  readonly plan?: Plan;
  /** Present where the directory had a site already. */
  readonly merge?: MergeFacts;
  /** Where on the machines the value was read that a unit of a change comes from. */
  readonly originOf: (change: Change, unit: string) => PlaceText | undefined;
  /** The options that name the machines: " --lab /tmp/lab". */
  readonly repeat: string;
  readonly durationMs: number;
}

export function importLines(facts: ImportFacts, view: View): readonly string[] {
  const { site, declared, left, plan, merge } = facts;
  if (merge?.isWritten === false) return mergeLines({ ...facts, merge }, view);
  const words = declared.map(([n, noun]) => count(n, noun));
  const things = left.length === 1 ? "1 thing that was" : `${left.length} things that were`;
  return [
    ...(merge === undefined ? [] : mergeLines({ ...facts, merge }, view)),
    ...hanging(
      `${merge === undefined ? "Wrote" : "Merged into"} ${oneLine(site)}: `,
      words.length === 0 ? "an empty site" : list(words),
      view.width,
    ),
    ...(left.length === 0
      ? []
      : hanging("", `IMPORT.md lists ${things} found and not declared.`, view.width)),
    "",
    ...(plan === undefined ? [] : planLines(facts, plan, view)),
  ];
}

function planLines(facts: ImportFacts, plan: Plan, view: View): readonly string[] {
  const { directory, world, repeat, opened, originOf, durationMs } = facts;
  const changes = plan.components.flatMap((part) => part.changes);
  const unread = plan.components.flatMap(({ component, unread: why }) =>
    why === undefined
      ? []
      : hanging(`${painted("!", view.paint)} ${component}: `, flat(why.reason), view.width),
  );
  if (changes.length === 0 && unread.length === 0)
    return [
      `${view.paint.green("In sync")}: a sync of the new site would change nothing · ${duration(durationMs)}`,
    ];
  return [
    `A sync of it would change ${count(changes.length, "thing")} on ${oneLine(world)}:`,
    ...unread,
    ...changes.flatMap((change) => changeLines(change, originOf, view)),
    ...opened.flatMap((each) =>
      hanging(`${painted("!", view.paint)} `, `opens ${each}, which the host does not allow now`, view.width),
    ),
    ...foreignLines(plan, view),
    "",
    `\`phoenix plan ${option.site} ${oneLine(directory)}${repeat}\` shows more. (exit ${exitCodes.pending})`,
  ];
}

/** What the changes would meet that somebody else made: nothing of it is changed without consent. */
function foreignLines(plan: Plan, view: View): readonly string[] {
  const hazards = plan.components.flatMap((part) => part.hazards);
  return [...new Set(hazards.map(({ message }) => message))].flatMap((message) =>
    hanging(`${painted("!", view.paint)} `, flat(message), view.width),
  );
}

/** A change with what differs, each with the place on the machines that the declaration comes from. */
function changeLines(change: Change, originOf: ImportFacts["originOf"], view: View): readonly string[] {
  const resource = subjectOf(change);
  const units = shownUnits(change);
  const shown = view.full ? units : units.slice(0, most);
  const component = resource.id.slice(0, resource.id.indexOf("/"));
  const width = Math.max(0, ...shown.map((unit) => oneLine(unit.unit).length));
  return [
    `${painted(signs[change.verb], view.paint)} ${component}: ${nameOf(resource, view)}`,
    ...shown.flatMap((unit) => {
      const origin = originOf(change, unit.unit);
      const place = origin === undefined ? "" : `   # ${oneLine(origin)}`;
      const value = resource.sensitive === true ? "(secret)" : shownValue(unit);
      return hanging(
        "    ",
        `${signs[unit.verb]} ${padEnd(oneLine(unit.unit), width)}  ${value}${place}`,
        view.width,
      );
    }),
    ...(units.length > shown.length ? [`    … ${units.length - shown.length} more`] : []),
  ];
}

function shownValue(unit: UnitChange): string {
  switch (unit.verb) {
    case "create":
      return oneLine(unit.after);
    case "update":
      return `${oneLine(unit.before)} -> ${oneLine(unit.after)}`;
    case "delete":
      return oneLine(unit.before);
  }
}

export function importDocument(facts: ImportFacts, exitCode: ExitCode): ImportDocument {
  const { site, world, files, left, plan, originOf, durationMs } = facts;
  const changes = plan?.components.flatMap((part) => part.changes) ?? [];
  return {
    format: "phoenix.import/1",
    site,
    world,
    files,
    left: left.map(({ place, what, reason }) => ({ place, what, reason })),
    converged: exitCode === exitCodes.converged,
    changes: changes.map((change) => ({
      verb: change.verb,
      id: subjectOf(change).id,
      host: subjectOf(change).host,
      units: shownUnits(change).map((unit) => {
        const source = originOf(change, unit.unit);
        const values = subjectOf(change).sensitive === true ? { verb: unit.verb, unit: unit.unit } : unit;
        return { ...values, ...(source === undefined ? {} : { source }) };
      }),
    })),
    ...(facts.merge === undefined ? {} : { merge: mergeDocument(facts.merge) }),
    durationMs,
    exitCode,
  };
}
