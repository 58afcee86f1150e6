/** The client impact of a plan: the names that stop answering or move. Judged by the DNS records alone, which every name has. */
import { diffUnits } from "../engine/diff.ts";
import type { Plan } from "../engine/plan.ts";
import { oneLine, shortList } from "./words.ts";

/** At most one line; empty where the DNS records do not show whether clients are affected. */
export function clientImpact({ components }: Plan): readonly string[] {
  const changed = components.filter(({ changes }) => changes.length > 0);
  const names = changed
    .filter(({ component }) => component === "dns")
    .flatMap(({ changes }) => changes.flatMap((change) => diffUnits(change)))
    .filter(({ unit }) => unit.includes("."))
    .map((change) => ({ ...change, name: oneLine(change.unit) }));
  const added = names.filter(({ verb }) => verb === "create").map(({ name }) => name);
  // A name that goes from one record file to another is neither added nor removed.
  const removed = names.filter(({ verb, name }) => verb === "delete" && !added.includes(name));
  const moved = names.flatMap((change) =>
    change.verb === "update" ? [`${change.name} (moves to ${oneLine(change.after)})`] : [],
  );
  const gone = removed.map(({ name }) => name);
  const parts = [
    ...(gone.length === 0 ? [] : [`clients of ${shortList(gone, 3)} (no longer answered)`]),
    ...(moved.length === 0 ? [] : [`clients of ${shortList(moved, 3)}`]),
  ];
  if (parts.length > 0) return [parts.join("; ")];
  // A change of another component may affect clients in ways that the records do not show.
  const isNew = added.length > 0 && changed.every(({ component }) => component === "dns");
  return isNew ? [`none (new: ${shortList([...new Set(added)], 3)})`] : [];
}
