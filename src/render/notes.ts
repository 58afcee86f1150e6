/** What plans and results have in common: the sign of a component, notes, and the orphans that are kept. */
import type { ComponentName } from "../component.ts";
import { option } from "../option-names.ts";
import type { Change } from "../resource.ts";
import { hanging } from "./layout.ts";
import { signs } from "./text-changes.ts";
import type { Sign, View } from "./view.ts";
import { count, flat, oneLine, shortList } from "./words.ts";

/** The sign that all changes have in common, or "~"; undefined when there are none. */
export function signOfChanges(changes: readonly Change[]): Sign | undefined {
  const [verb, ...others] = new Set(changes.map((change) => change.verb));
  if (verb === undefined) return undefined;
  return others.length === 0 ? signs[verb] : "~";
}

/** A line for each note of a component, then one for all orphans. */
export function noteLines(
  parts: readonly { readonly component: ComponentName; readonly notes: readonly string[] }[],
  orphans: readonly string[],
  view: View,
): readonly string[] {
  const notes = parts.flatMap(({ component, notes }) => notes.map((note) => `${component}: ${flat(note)}`));
  const names = orphans.map(oneLine);
  const kept = `${count(names.length, "orphan")} kept (no longer declared): ${view.full ? names.join(", ") : shortList(names, 5)}; \`${option.allow} prune\` deletes ${names.length === 1 ? "it" : "them"}`;
  return [...notes, ...(names.length === 0 ? [] : [kept])].flatMap((note) =>
    hanging("note: ", note, view.width),
  );
}
