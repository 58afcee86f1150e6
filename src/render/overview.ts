/** The first lines of a long plan: each component with its sign and how much of it changes. */
import type { ComponentPlan, Plan } from "../engine/plan.ts";
import type { Change } from "../resource.ts";
import { hanging, padEnd, padStart } from "./layout.ts";
import { painted, type Sign, type View } from "./view.ts";
import { count } from "./words.ts";

/** @param signOf the sign that a component has in the plan */
export function overviewLines(
  { components }: Plan,
  signOf: (part: ComponentPlan) => Sign,
  nameWidth: number,
  view: View,
): readonly string[] {
  const rows = components.map((part) => ({ part, words: wordsOf(part) }));
  const numberWidth = Math.max(
    1,
    ...rows.map(({ words: [first = ""] }) => /^\d*/.exec(first)?.[0].length ?? 0),
  );
  return rows.flatMap(({ part, words }) => {
    const text = words.join(", ");
    const digits = /^\d*/.exec(text)?.[0] ?? "";
    const head = `${painted(signOf(part), view.paint)} ${padEnd(part.component, nameWidth)}  `;
    const [first = "", ...rest] = hanging(
      " ".repeat(nameWidth + 4),
      padStart(digits, numberWidth) + text.slice(digits.length),
      view.width,
    );
    return [head + first.slice(nameWidth + 4), ...rest];
  });
}

/** "2 to create", "1 to update", "waits for portainer"; for one that changes nothing its resources. */
function wordsOf(part: ComponentPlan): readonly string[] {
  const { changes, unread, unreadResources, waitsFor, pendingActivation, desired } = part;
  const tally = (verb: Change["verb"]): readonly string[] => {
    const n = changes.filter((change) => change.verb === verb).length;
    return n === 0 ? [] : [`${n} to ${verb}`];
  };
  const words = [
    ...tally("create"),
    ...tally("update"),
    ...tally("delete"),
    ...(pendingActivation.length === 0 ? [] : [`${pendingActivation.length} to activate`]),
    ...(unread === undefined ? [] : [unread.kind === "error" ? "cannot be read" : "not ready"]),
    ...(unreadResources.length === 0 ? [] : ["some cannot be read"]),
    ...(waitsFor === undefined ? [] : [`waits for ${waitsFor}`]),
  ];
  return words.length === 0 ? [count(desired.length, "resource")] : words;
}
