/** The events of `--output ndjson`, one a line. */
import { activation, check, componentName, durationMs, outcome } from "./output-members.ts";
import {
  about,
  array,
  choice,
  integer,
  literal,
  type Members,
  number,
  object,
  oneOf,
  optional,
  string,
  time,
} from "./schema.ts";

const event = <const Type extends string, const M extends Members>(type: Type, members: M) =>
  object({ format: literal("phoenix.event/2"), time, type: literal(type), ...members });

export const eventDocument = oneOf(
  event("run-started", {
    command: string,
    components: array(componentName),
    after: optional(
      about(
        "The components that each waits for.",
        array(object({ component: componentName, waitsFor: array(componentName) })),
      ),
    ),
  }),
  event("component-started", {
    component: componentName,
    phase: choice("read", "apply", "verify"),
    changes: optional(about("How many are to be made.", integer)),
  }),
  event("waiting", { component: componentName, for: string, untilMs: number }),
  event("change-applied", { component: componentName, verb: string, id: string }),
  event("activated", { component: componentName, activation }),
  event("check-finished", {
    component: componentName,
    check,
    waitsFor: optional(about("The components that a waiting check waits for.", array(componentName))),
  }),
  event("note", { component: componentName, text: string }),
  event("component-finished", {
    component: componentName,
    outcome,
    reason: optional(string),
    durationMs,
  }),
);
