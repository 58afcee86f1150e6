/** The document of the dashboard: all that its page shows. */
import { componentName, durationMs, hostName } from "./output-members.ts";
import {
  about,
  array,
  boolean,
  choice,
  type Infer,
  integer,
  literal,
  number,
  object,
  optional,
  string,
  time,
} from "./schema.ts";

const place = object({
  file: about("Relative to the site's root.", string),
  line: about("Counts from 1.", integer),
});

const state = about(
  '"proved": the last look has seen it so. "drift": a sync would change it. "waiting", "unknown": nothing was proved.',
  choice("proved", "drift", "broken", "waiting", "unknown"),
);

const hop = object({
  kind: choice("dns", "tcp", "tls", "gateway", "mesh", "guest", "backend", "container"),
  host: hostName,
  label: about("A short name for the picture.", string),
  state,
  expected: string,
  seen: optional(about("What was seen instead, or what a sync would change.", string)),
  hint: optional(string),
  proved: optional(about("The last time that it was seen as expected.", time)),
  at: about("The line that declares it.", place),
});

const way = object({
  name: string,
  leadsTo: about('"grafana-grafana", "the CA", "vm/311 (docker-one)".', string),
  host: about("The machine that it ends at.", hostName),
  state,
  hops: about("In the order of a request.", array(hop)),
});

const machine = object({
  host: hostName,
  name: string,
  address: optional(string),
  roles: array(string),
  state: choice("answers", "no answer", "unknown"),
  note: about('"up 12 days, 2 stacks", or why it does not answer.', string),
});

const liveComponent = object({
  component: componentName,
  phase: choice("queued", "read", "apply", "verify", "finished"),
  sign: choice("=", "+", "~", "-", "!", ">", " "),
  doing: about("What it does, or how it ended.", string),
  durationMs: optional(durationMs),
});

/** A run in progress, which may be another process's. */
const live = object({
  command: string,
  who: string,
  host: about("The machine that Phoenix runs on.", string),
  started: time,
  updated: optional(about("When it last told what it does.", time)),
  components: array(liveComponent),
});

export const dashboardDocument = object({
  format: literal("phoenix.dashboard/1"),
  phoenix: about("The version that made it.", string),
  site: string,
  domain: string,
  world: about("What was looked at.", string),
  made: time,
  looked: optional(about("When the last look ended; absent before the first one.", time)),
  lookMs: optional(durationMs),
  fault: optional(
    about("Why the last look did not succeed.", object({ message: string, hint: optional(string) })),
  ),
  machines: array(machine),
  ways: about("One for each name and the service that it leads to.", array(way)),
  components: array(
    object({
      component: componentName,
      state: choice("in sync", "drift", "failed", "not ready", "unknown"),
      resources: integer,
      changes: integer,
      checksPassed: integer,
      checksFailed: integer,
      note: string,
    }),
  ),
  off: array(object({ component: componentName, reason: string })),
  failures: about(
    "Checks that failed and belong to no name.",
    array(object({ component: componentName, claim: string, seen: string, hint: optional(string) })),
  ),
  plan: optional(
    object({
      converged: boolean,
      create: integer,
      update: integer,
      delete: integer,
      lines: about("As `phoenix plan` prints it.", array(string)),
    }),
  ),
  certificates: array(
    object({
      name: string,
      state: choice("valid", "due", "expired", "missing", "unknown"),
      daysLeft: optional(number),
      ends: optional(time),
      issuer: optional(string),
      names: array(string),
      at: place,
    }),
  ),
  runs: about(
    "Newest first.",
    array(
      object({
        generation: integer,
        command: string,
        who: string,
        host: string,
        started: time,
        durationMs,
        exitCode: integer,
        outcome: about('"converged", "rolled back".', string),
        changes: about("Changes that are in place.", integer),
      }),
    ),
  ),
  live: optional(live),
});

export type DashboardDocument = Infer<typeof dashboardDocument>;
export type LiveDocument = Infer<typeof live>;
