/** How a component's turn ends, and why, from what is in place. Pure. */
import { defined } from "../defined.ts";
import { adviceOn, messageOf } from "../errors.ts";
import { subjectOf } from "../resource.ts";
import type { Converged, Failure } from "./converge.ts";
import type { ComponentPlan, ComponentResult, Unread } from "./plan.ts";

type Ending = Pick<ComponentResult, "outcome" | "changes" | "restored" | "unsettled" | "checks"> &
  Partial<Pick<ComponentResult, "reason" | "hint">>;

export function endingOf(
  converged: Converged,
  { unreadResources: [unread] }: Pick<ComponentPlan, "unreadResources">,
): Ending {
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
  if (unread !== undefined) return { ...facts, outcome: "failed", ...why(unread) };
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

export function why({ reason, hint }: Unread): Pick<ComponentResult, "reason" | "hint"> {
  return defined({ reason, hint });
}
