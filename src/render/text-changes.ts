/** A change in the domain's terms: units that are added, removed or different; for a text without units, a short unified diff. */
import { structuredPatch } from "diff";
import { option } from "../option-names.ts";
import { type Change, type Resource, type SourceRef, subjectOf, type UnitChange } from "../resource.ts";
import { secretMark, secretsIn, withoutSecrets } from "../secret-spans.ts";
import { hanging, padEnd } from "./layout.ts";
import { shownUnits } from "./units.ts";
import { painted, type Sign, type View } from "./view.ts";
import { clean, count, oneLine } from "./words.ts";

/** Lines of a long list or text that are shown before "… n more". */
export const most = 20;
/** The widest name that values are aligned to; the value of a wider one follows it. */
const widestName = 48;

export const signs = { create: "+", update: "~", delete: "-" } as const satisfies Record<
  Change["verb"],
  Sign
>;

/** "records", "chat on vm/1002 (drphoenix)": a resource without its component's name. */
export function nameOf(resource: Resource, view: View): string {
  const name = resource.id.slice(resource.id.indexOf("/") + 1);
  return resource.host === "pve" ? oneLine(name) : `${oneLine(name)} on ${view.hostName(resource.host)}`;
}

/** "~ records" with what differs below it, indented. */
export function changeLines(change: Change, view: View): readonly string[] {
  const resource = subjectOf(change);
  const heading = `${painted(signs[change.verb], view.paint)} ${nameOf(resource, view)}`;
  // Of what is only created its name is enough: what it says is in the site's files.
  if (change.verb === "create" && !view.full) return [heading];
  return [heading, ...detailLines(change, { ...view, width: view.width - 4 }).map((line) => `    ${line}`)];
}

function detailLines(change: Change, view: View): readonly string[] {
  const units = shownUnits(change);
  const { sensitive } = subjectOf(change);
  if (units.length > 0) return unitLines(units, change, sensitive === true, view);
  if (sensitive !== undefined) return [change.verb === "update" ? "(secret, changed)" : "(secret)"];
  return textLines(change, view);
}

function unitLines(
  units: readonly UnitChange[],
  change: Change,
  sensitive: boolean,
  view: View,
): readonly string[] {
  const shown = view.full ? units : units.slice(0, most);
  const values = shown.map((unit) =>
    sensitive ? secretValue(unit) : documentsOf(unit, change) === undefined ? shownValue(unit) : "",
  );
  const nameWidth = Math.max(
    0,
    ...shown.flatMap(({ unit }, at) =>
      values[at] === "" || unit.length > widestName ? [] : [oneLine(unit).length],
    ),
  );
  const lines = shown.flatMap((unit, at) => {
    const value = values[at] ?? "";
    const sign = signs[unit.verb];
    const name = oneLine(unit.unit);
    const text = value === "" ? name : `${padEnd(name, nameWidth)}  ${value}`;
    const [first = "", ...rest] = hanging("  ", text, view.width);
    const from =
      change.verb === "update" && unit.verb !== "delete" ? change.desired.from?.[unit.unit] : undefined;
    const place = from === undefined ? "" : `   # ${oneLine(from.file)}:${from.line}`;
    const fits = rest.length === 0 && first.length + place.length <= view.width;
    const texts = sensitive ? undefined : documentsOf(unit, change);
    return [
      `${painted(sign, view.paint)}${first.slice(1)}${fits ? view.paint.dim(place) : ""}`,
      ...rest,
      ...(texts === undefined ? [] : differenceLines(...texts, view).map((line) => `    ${line}`)),
    ];
  });
  return [...lines, ...more(units.length - shown.length, "more")];
}

/** The texts before and after that a unit stands for. */
function documentsOf(
  { unit, verb }: UnitChange,
  change: Change,
): [before: string, after: string] | undefined {
  if (verb !== "update" || change.verb !== "update") return undefined;
  const [before, after] = [change.live.documents?.[unit], change.desired.documents?.[unit]];
  return before === undefined || after === undefined ? undefined : [before, after];
}

function shownValue(unit: UnitChange): string {
  switch (unit.verb) {
    case "create":
      return oneLine(unit.after);
    case "update":
      if (unit.before === unit.after) return "(secret, changed)";
      return `${quoteEmpty(unit.before)} -> ${quoteEmpty(unit.after)}`;
    case "delete":
      return oneLine(unit.before);
  }
}

function secretValue(unit: UnitChange): string {
  return unit.verb === "update" ? "(secret, changed)" : "(secret)";
}

function quoteEmpty(value: string): string {
  return value === "" ? '""' : oneLine(value);
}

function textLines(change: Change, view: View): readonly string[] {
  if (change.verb === "update") return differenceLines(change.live.text, change.desired.text, view);
  const lineCount = clean(subjectOf(change).text).trimEnd().split("\n").length;
  return [count(lineCount, "line")];
}

/** A unified diff without file names, its secrets redacted. */
export function differenceLines(live: string, desired: string, view: View): readonly string[] {
  const [before, after] = [withoutSecrets(live), withoutSecrets(desired)];
  if (before === after) return ["(secret, changed)"];
  const hidden = secretsIn(live).join("\n") === secretsIn(desired).join("\n") ? [] : ["(secret, changed)"];
  // Two large and different texts could take minutes: after the time limit only their sizes are shown.
  const patch = structuredPatch("live", "desired", before, after, "", "", { context: 2, timeout: 1000 });
  if (patch === undefined)
    return [`${count(before.split("\n").length, "line")} -> ${count(after.split("\n").length, "line")}`];
  const lines = patch.hunks.flatMap((hunk) => [
    view.paint.cyan(`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`),
    ...withoutReplaced(hunk.lines).map((line) => diffLine(clean(line).trimEnd(), view)),
  ]);
  const shown = view.full ? lines : lines.slice(0, most);
  return [...shown, ...more(lines.length - shown.length, "more lines"), ...hidden];
}

/** Of a replaced secret only the new value is known: lines removed where it appears are hidden. */
function withoutReplaced(lines: readonly string[]): readonly string[] {
  const comes = lines.some((line) => line.startsWith("+") && line.includes(secretMark));
  return lines.map((line) =>
    comes && line.startsWith("-") && !line.includes(secretMark)
      ? "- (may contain a secret: not shown)"
      : line,
  );
}

function diffLine(line: string, view: View): string {
  if (line.startsWith("+")) return view.paint.green(line);
  return line.startsWith("-") ? view.paint.red(line) : line;
}

function more(n: number, what: string): readonly string[] {
  return n > 0 ? [`… ${n} ${what} (${option.full})`] : [];
}

/** "etc/phoenix_lxc_configs.json:142:15". */
export function placeOf(at: SourceRef): string {
  return `${oneLine(at.file)}:${at.line}:${at.column}`;
}
