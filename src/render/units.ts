/** What differs in a change, as it may be shown. */
import { type Change, diffUnits, type UnitChange } from "../resource.ts";
import { secretMark } from "../secret-spans.ts";

/** Of a replaced secret only the new value is known: what it replaces is hidden as well. */
export function shownUnits(change: Change): readonly UnitChange[] {
  return diffUnits(change).map((unit) =>
    unit.verb === "update" && unit.after.includes(secretMark) ? { ...unit, before: secretMark } : unit,
  );
}
