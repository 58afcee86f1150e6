/** The names that a sync created or changed and that answer now, from the checks that it made. Pure. */
import type { Reached } from "../component.ts";
import type { RunResult } from "../engine/plan.ts";
import type { Service } from "../model.ts";
import { type Change, diffUnits, subjectOf } from "../resource.ts";
import type { View } from "./view.ts";
import { count, oneLine } from "./words.ts";

/** Names that get a line of their own. */
const most = 5;

/** What is needed of a service to know what a change is about. */
export type NamedService = Pick<Service, "id" | "names" | "stack">;

/** "https://chat.example.net answers (200, 14 ms)" for each name whose certificate and route were both proved. */
export function answerLines(
  result: RunResult,
  services: readonly NamedService[],
  view: View,
): readonly string[] {
  const changed = changedNames(result, services);
  const passed = result.components.flatMap(({ checks }) =>
    checks.flatMap(({ status, reached }) => (status === "pass" && reached !== undefined ? [reached] : [])),
  );
  const secured = new Set(passed.filter(({ answer }) => answer === undefined).map(({ name }) => name));
  const answers = passed.filter(({ name, answer }) => answer && secured.has(name) && changed.has(name));
  const shown = view.full || answers.length === most + 1 ? answers : answers.slice(0, most);
  const left = answers.length - shown.length;
  return [
    ...shown.map(answerLine),
    ...(left === 0 ? [] : [`${count(left, "more name")} answer${left === 1 ? "s" : ""}`]),
  ];
}

function answerLine({ name, answer }: Reached): string {
  const words = answer === undefined ? "" : ` (${answer.status}, ${answer.ms} ms)`;
  return `https://${oneLine(name)} answers${words}`;
}

/** The names of services that the run's changes are about. */
function changedNames({ components }: RunResult, services: readonly NamedService[]): ReadonlySet<string> {
  const changes = components.flatMap((component) => component.changes);
  const units = new Set(changes.flatMap(unitsOf));
  const stacks = new Set(changes.flatMap((change) => stackOf(change) ?? []));
  const isChanged = ({ id, names, stack }: NamedService): boolean =>
    units.has(id) || names.some((name) => units.has(name)) || (stack !== undefined && stacks.has(stack));
  return new Set(services.filter(isChanged).flatMap(({ names }) => names));
}

function unitsOf(change: Change): readonly string[] {
  return change.verb === "delete" ? [] : diffUnits(change).map(({ unit }) => unit);
}

/** "wiki" of "stacks/wiki@docker-two". */
function stackOf(change: Change): string | undefined {
  return change.verb === "delete" ? undefined : /^stacks\/([^@]+)/.exec(subjectOf(change).id)?.[1];
}
