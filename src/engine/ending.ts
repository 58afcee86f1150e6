/** How a component's turn ends, and why, from what is in place. Pure. */
import { defined } from "../defined.ts";
import { adviceOn, messageOf } from "../errors.ts";
import { subjectOf } from "../resource.ts";
import type { Converged, Failure } from "./converge.ts";
import type { ComponentResult, Unread } from "./plan.ts";
import type { Turn } from "./turn.ts";

type Ending = Pick<ComponentResult, "outcome" | "changes" | "restored" | "unsettled" | "checks"> &
  Partial<Pick<ComponentResult, "reason" | "hint" | "leftAlone">>;

export function endingOf(converged: Converged, turn: Turn): Ending {
  const { changes, restored, unsettled, checks, failures, interrupted } = converged;
  const facts = { changes, restored, unsettled, checks };
  if (interrupted !== undefined) {
    const left = interrupted.left === 0 ? "" : `, ${interrupted.left} not made`;
    const made = `${changes.length} ${changes.length === 1 ? "change" : "changes"} made${left}`;
    return { ...facts, outcome: "interrupted", reason: `interrupted: ${made}` };
  }
  if (failures.length > 0) {
    const isBack = changes.length === 0 && failures.every((failure) => isRestored(failure, converged));
    const hint = [...new Set(failures.flatMap(({ error }) => adviceOn(error) ?? []))].join("\n") || undefined;
    const reason = [...new Set(failures.map((failure) => describe(failure, converged)))].join(";\n");
    return { ...facts, outcome: isBack ? "rolled-back" : "failed", ...defined({ reason, hint }) };
  }
  const left = leftAlone(turn);
  if (left !== undefined) return { ...facts, outcome: "failed", ...left };
  return { ...facts, outcome: changes.length > 0 ? "changed" : "unchanged" };
}

/** It had changed something, and all of that is back. */
function isRestored({ changes }: Failure, { restored, unsettled }: Converged): boolean {
  const ids = changes.map((change) => subjectOf(change).id);
  return ids.some((id) => restored.includes(id)) && !unsettled.some(({ id }) => ids.includes(id));
}

function describe(failure: Failure, converged: Converged): string {
  const message = messageOf(failure.error);
  if (failure.stuck !== undefined)
    return `${message}; restoring the previous state failed too: ${failure.stuck}`;
  return isRestored(failure, converged) ? `${message}; the previous state was restored` : message;
}

/** Why resources were left alone; undefined when all could be looked at. Of those that build on each other it names some. */
export function leftAlone({
  component,
  unread,
}: Pick<Turn, "component" | "unread">): Pick<ComponentResult, "reason" | "hint" | "leftAlone"> | undefined {
  const [first] = unread;
  if (first === undefined) return undefined;
  const ids = [...new Set(unread.flatMap((one) => one.ids))];
  const reason = [...new Set(unread.map((one) => one.reason))].join(";\n");
  const more = ids.length > 3 ? ` and ${ids.length - 3} more` : "";
  const named = component.independent === true ? "" : `; left alone: ${ids.slice(0, 3).join(", ")}${more}`;
  return { ...why(first), reason: reason + named, leftAlone: ids };
}

export function why({ reason, hint }: Unread): Pick<ComponentResult, "reason" | "hint"> {
  return defined({ reason, hint });
}
