/** Who notices a plan: the names that stop answering or move. Judged by the DNS records alone, which every name has. */
import { diffUnits } from "../engine/diff.ts";
import type { Plan } from "../engine/plan.ts";
import { oneLine, shortList } from "./words.ts";

/** At most one line; empty when no name comes, goes or moves. */
export function noticed(plan: Plan): readonly string[] {
  const units = plan.components
    .filter(({ component }) => component === "dns")
    .flatMap(({ changes }) => changes.flatMap((change) => diffUnits(change)))
    .filter(({ unit }) => unit.includes("."));
  const added = units.filter(({ verb }) => verb === "create").map(({ unit }) => oneLine(unit));
  // A name that goes from one record file to another neither comes nor goes.
  const gone = units.filter(({ verb, unit }) => verb === "delete" && !added.includes(oneLine(unit)));
  const moved = units.flatMap((unit) => (unit.verb === "update" ? [unit] : []));
  const parts = [
    ...(gone.length === 0
      ? []
      : [
          `clients of ${shortList(
            gone.map(({ unit }) => oneLine(unit)),
            3,
          )} (no longer answered)`,
        ]),
    ...(moved.length === 0
      ? []
      : [
          `clients of ${shortList(
            moved.map(({ unit, after }) => `${oneLine(unit)} (moves to ${oneLine(after)})`),
            3,
          )}`,
        ]),
  ];
  if (parts.length > 0) return [parts.join("; ")];
  const fresh = [...new Set(added)].filter((name) => !gone.some(({ unit }) => oneLine(unit) === name));
  return fresh.length === 0
    ? []
    : [`nobody (${shortList(fresh, 3)} ${fresh.length === 1 ? "is" : "are"} new)`];
}
