/** What clients notice of a plan, from what its components say of their changes; what nobody can tell is "unknown". */
import type { Impact } from "../component.ts";
import type { ComponentPlan, Plan } from "../engine/plan.ts";
import { mergedImpacts, noImpact } from "../impact.ts";
import { hanging } from "./layout.ts";
import type { View } from "./view.ts";
import { count, list, oneLine, shortList } from "./words.ts";

/** Clauses of a list before "and … more". */
const mostNotices = 6;
const mostNames = 3;

/** "reloads: nginx, pve-firewall · restarts: none"; undefined where nothing is reloaded or restarted. */
export function activationWords(plan: Plan): string | undefined {
  const { activations } = impactOf(plan);
  const of = (wanted: string): string => {
    const units = activations.filter(({ kind }) => kind === wanted).map(({ unit }) => oneLine(unit));
    return units.length === 0 ? "none" : [...new Set(units)].join(", ");
  };
  return activations.length === 0 ? undefined : `reloads: ${of("reload")} · restarts: ${of("restart")}`;
}

/** "Client impact: …", and what is away for a moment. */
export function impactLines(plan: Plan, view: View): readonly string[] {
  const impact = impactOf(plan);
  const some = (words: readonly string[], most: number): string =>
    shortList(words.map(oneLine), view.full ? Number.POSITIVE_INFINITY : most);
  const { added, blinks, unknown } = impact;
  const notices = [...impact.notices, ...(impact.starts ?? [])];
  const fresh = added.length === 0 ? "" : ` (new: ${some(added, mostNames)})`;
  const known = notices.length === 0 ? [] : [shortClauses(notices, view.full ? notices.length : mostNotices)];
  const open = unknown.length === 0 ? [] : [`unknown: ${some(unknown, mostNames)}`];
  const parts = [...known, ...open];
  const text = parts.length === 0 ? `none${fresh}` : parts.join("; ");
  return [
    ...hanging("Client impact: ", text, view.width),
    ...hanging("Downtime: ", downtimeWords(impact, notices.length > 0, some(blinks, mostNames)), view.width),
  ];
}

/** @param recreated the services whose containers are recreated, as they are shown */
function downtimeWords(
  { activations, blinks, unknown }: Impact,
  isNoticed: boolean,
  recreated: string,
): string {
  const units = activations.filter(({ kind }) => kind === "restart").map(({ unit }) => oneLine(unit));
  const restarts = [...new Set(units)];
  const away = [
    ...(restarts.length === 0 ? [] : [`${list(restarts)} restart${restarts.length === 1 ? "s" : ""}`]),
    ...(blinks.length === 0
      ? []
      : [`${count(blinks.length, "service")} ${blinks.length === 1 ? "is" : "are"} recreated: ${recreated}`]),
  ];
  if (away.length > 0) return `a moment, while ${away.join("; ")}`;
  if (unknown.length > 0) return "unknown";
  return isNoticed ? "none expected apart from that" : "none expected";
}

function shortClauses(clauses: readonly string[], most: number): string {
  const more = clauses.length > most ? [`${clauses.length - most} more`] : [];
  return [...clauses.slice(0, most).map(oneLine), ...more].join("; ");
}

function impactOf({ components }: Plan): Impact {
  return mergedImpacts(components.flatMap((part) => [part.impact ?? noImpact, unseen(part)]));
}

/** What is unknown because it could not be seen, or was left undone by an earlier run. */
function unseen(part: ComponentPlan): Impact {
  const { component, changes, impact, unread, unreadResources, pendingActivation } = part;
  const isUnseen = unread !== undefined || unreadResources.length > 0;
  return {
    ...noImpact,
    unknown: [
      ...(isUnseen ? [`${component}, which cannot be read now`] : []),
      ...(changes.length > 0 && impact === undefined ? [`changes of ${component}`] : []),
      ...(pendingActivation.length > 0 ? [`activation of ${component}`] : []),
    ],
  };
}
