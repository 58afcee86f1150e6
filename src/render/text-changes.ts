/** A change in the domain's terms: units that are added, removed or different; for a text without units, a short unified diff. */
import { type Change, type Resource, type SourceRef, subjectOf, type UnitChange } from "../resource.ts";
import { fingerprintIn, secretMark } from "../secret-spans.ts";
import { columnsOf } from "./columns.ts";
import { hanging, padEnd } from "./layout.ts";
import { differenceLines, more, most } from "./text-diff.ts";
import { shownUnits } from "./units.ts";
import { painted, type Sign, type View } from "./view.ts";
import { clean, count, oneLine } from "./words.ts";

/** The widest name that values are aligned to; the value of a wider one follows it. */
const widestName = 48;

export const signs = { create: "+", update: "~", delete: "-" } as const satisfies Record<
  Change["verb"],
  Sign
>;

/** "records", "chat on vm/1002 (drphoenix)": a resource without its component's name. */
export function nameOf(resource: Resource, view: View): string {
  const name = oneLine(resource.id.slice(resource.id.indexOf("/") + 1));
  if (resource.host !== "pve") return `${name} on ${view.hostName(resource.host)}`;
  // Names of guests' own resources have their number: people know the guest by its name.
  const [, kind, id] = /-(lxc|vm)-(\d+)$/.exec(name) ?? [];
  const known =
    kind === undefined ? undefined : / (\(.+\))$/.exec(view.hostName(`${kind as "lxc"}/${Number(id)}`));
  return known == null ? name : `${name} ${known[1]}`;
}

/** "~ records" with what differs below it, indented. @param nameWidth columns of the longest name that something follows */
export function changeLines(change: Change, view: View, nameWidth = 0): readonly string[] {
  const resource = subjectOf(change);
  const name = `${painted(signs[change.verb], view.paint)} ${nameOf(resource, view)}`;
  // Of what is only created its name is enough: what it says is in the site's files.
  if (change.verb === "create" && !view.full)
    return [
      resource.summary === undefined
        ? name
        : `${padEnd(name, nameWidth + 2)}  ${view.paint.dim(oneLine(resource.summary))}`,
    ];
  return [name, ...detailLines(change, { ...view, width: view.width - 4 }).map((line) => `    ${line}`)];
}

function detailLines(change: Change, view: View): readonly string[] {
  const units = shownUnits(change);
  const { sensitive } = subjectOf(change);
  if (units.length > 0) return unitLines(units, change, view);
  if (sensitive !== undefined) return [secretText(change)];
  return textLines(change, view);
}

function unitLines(units: readonly UnitChange[], change: Change, view: View): readonly string[] {
  const ordered = replacedTogether(units);
  const shown = view.full ? ordered : ordered.slice(0, most);
  const isSecret = subjectOf(change).sensitive === true;
  const rows = shown.map((unit) => {
    const documents = isSecret ? undefined : documentsOf(unit, change);
    const value = documents === undefined ? valuesOf(unit, isSecret) : [];
    return { unit, documents, value: value.join("") === "" ? [] : value };
  });
  const widths = rows.flatMap(({ unit: { unit }, value }) =>
    value.length === 0 || unit.length > widestName ? [] : [columnsOf(oneLine(unit))],
  );
  const width = Math.max(0, ...widths);
  const lines = rows.flatMap(({ unit, documents, value }) => [
    ...unitRow(unit, value, placeIn(change, unit), width, view),
    ...(documents === undefined
      ? []
      : documentLines(unit.unit, documents, change, { ...view, width: view.width - 2 }).map(
          (line) => `  ${line}`,
        )),
  ]);
  return [...lines, ...more(units.length - shown.length, "more")];
}

/** What replaces something follows it: a rule the one with the same comment, where there are no others. */
function replacedTogether(units: readonly UnitChange[]): readonly UnitChange[] {
  const valueOfOne = (unit: UnitChange): string =>
    unit.verb === "create" ? unit.after : unit.verb === "delete" ? unit.before : "";
  const alike = new Map<string, UnitChange[]>();
  for (const unit of units) alike.set(valueOfOne(unit), [...(alike.get(valueOfOne(unit)) ?? []), unit]);
  const pairOf = (unit: UnitChange): readonly UnitChange[] => {
    const pair = alike.get(valueOfOne(unit)) ?? [];
    const isPair = valueOfOne(unit) !== "" && pair.length === 2 && isReplacement(pair);
    return isPair ? [...pair].sort((a) => (a.verb === "delete" ? -1 : 1)) : [unit];
  };
  return [...new Set(units.flatMap(pairOf))];
}

/** Whether a sentence goes and another one comes, which begin with the same word; names alone are not compared. */
function isReplacement([one, other]: readonly UnitChange[]): boolean {
  const firstWord = (unit: UnitChange | undefined): string | undefined =>
    /^\S+(?= )/.exec(unit?.unit ?? "")?.[0];
  return one?.verb !== other?.verb && firstWord(one) !== undefined && firstWord(one) === firstWord(other);
}

/** On one line where it fits; otherwise the value has lines of its own, below its name. */
function unitRow(
  { unit, verb }: UnitChange,
  value: readonly string[],
  place: string,
  nameWidth: number,
  view: View,
): readonly string[] {
  const name = oneLine(unit);
  const sign = painted(signs[verb], view.paint);
  const all = value.length === 0 ? name : `${padEnd(name, nameWidth)}  ${value.join(" -> ")}`;
  const columns = columnsOf(all) + 2;
  if (columns + columnsOf(place) <= view.width) return [`${sign} ${all}${view.paint.dim(place)}`];
  if (columns <= view.width) return [`${sign} ${all}`];
  const [first = "", ...rest] = hanging("  ", name, view.width);
  const fits = rest.length === 0 && columnsOf(first) + columnsOf(place) <= view.width;
  return [
    `${sign}${first.slice(1)}${fits ? view.paint.dim(place) : ""}`,
    ...rest,
    ...(columnsOf(value.join(" -> ")) + 4 <= view.width
      ? [`    ${value.join(" -> ")}`]
      : value.flatMap((text, at) => hanging(at === 0 ? "    " : "    -> ", text, view.width))),
  ];
}

/** "   # stacks/wiki/phoenix.json:12": where an update's unit is declared. */
function placeIn(change: Change, { unit, verb }: UnitChange): string {
  const from = change.verb === "update" && verb !== "delete" ? change.desired.from?.[unit] : undefined;
  return from === undefined ? "" : `   # ${oneLine(from.file)}:${from.line}`;
}

/** The texts before and after that a unit stands for. */
export function documentsOf(
  { unit, verb }: UnitChange,
  change: Change,
): [before: string, after: string] | undefined {
  if (verb !== "update" || change.verb !== "update") return undefined;
  const [before, after] = [change.live.documents?.[unit], change.desired.documents?.[unit]];
  return before === undefined || after === undefined ? undefined : [before, after];
}

/** What a person wrote against what runs, and what Phoenix adds to it. */
function documentLines(
  unit: string,
  [before, after]: [before: string, after: string],
  change: Change,
  view: View,
): readonly string[] {
  const adds = change.verb === "update" ? change.desired.additions?.[unit] : undefined;
  const added = adds === undefined ? [] : hanging("Phoenix adds: ", oneLine(adds), view.width);
  if (before !== after) return [...differenceLines(before, after, view), ...added];
  return ["only what Phoenix adds to it differs", ...added];
}

/** The value, or the one before and the one after. */
function valuesOf(unit: UnitChange, isSecret: boolean): readonly string[] {
  switch (unit.verb) {
    case "create":
      return [shownValue(unit.after, isSecret)];
    case "delete":
      return [shownValue(unit.before, isSecret)];
    case "update":
      return changedValue(unit.before, unit.after, isSecret);
  }
}

function changedValue(before: string, after: string, isSecret: boolean): readonly string[] {
  const [was, is] = [fingerprintIn(before), fingerprintIn(after)];
  if (was !== undefined && is !== undefined) return [`(secret, changed) ${was}`, is];
  if (is !== undefined && before === secretMark) return [`(secret, changed) ${is}`];
  if (isSecret || before === after || after === secretMark) return ["(secret, changed)"];
  // Of a value that lists several properties, only those that differ are shown.
  const [old, now] = [before.split(" · "), after.split(" · ")];
  const differs = (part: string, at: number, other: readonly string[]): boolean => part !== other[at];
  const isList = old.length === now.length && old.length > 1;
  const shorter = (parts: readonly string[], other: readonly string[]): string =>
    isList ? parts.filter((part, at) => differs(part, at, other)).join(" · ") : parts.join(" · ");
  return [shorter(old, now), shorter(now, old)].map((text) => (text === "" ? '""' : shownValue(text, false)));
}

function shownValue(value: string, isSecret: boolean): string {
  const fingerprint = fingerprintIn(value);
  if (fingerprint !== undefined) return `(secret) ${fingerprint}`;
  return isSecret ? "(secret)" : oneLine(value);
}

/** Of a resource that is secret as a whole. */
function secretText(change: Change): string {
  if (change.verb === "update") return changedValue(change.live.text, change.desired.text, true).join(" -> ");
  return shownValue(subjectOf(change).text, true);
}

function textLines(change: Change, view: View): readonly string[] {
  if (change.verb === "update") return differenceLines(change.live.text, change.desired.text, view);
  const lineCount = clean(subjectOf(change).text).trimEnd().split("\n").length;
  return [count(lineCount, "line")];
}

/** "etc/phoenix_lxc_configs.json:142:15". */
export function placeOf(at: SourceRef): string {
  return `${oneLine(at.file)}:${at.line}:${at.column}`;
}
