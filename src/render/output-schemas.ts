/**
 * The documents of `--output json`, `--output ndjson` and `--json-into`, as schemas. A format's number rises when a member is renamed,
 * removed or means something else; new members may come at any time. Durations are milliseconds, times ISO 8601 in UTC.
 */
import { option } from "../option-names.ts";
import { acceptDocument } from "./output-accept.ts";
import { certsDocument } from "./output-certs.ts";
import { type DashboardDocument, dashboardDocument } from "./output-dashboard.ts";
import { doctorDocument } from "./output-doctor.ts";
import { eventDocument } from "./output-events.ts";
import { diffDocument, generationDocument, historyDocument } from "./output-history.ts";
import { importDocument } from "./output-import.ts";
import {
  activation,
  change,
  check,
  componentName,
  durationMs,
  exitCode,
  hostName,
  offComponents,
  outcome,
  sourceRef,
} from "./output-members.ts";
import { type NoticesDocument, noticesDocument } from "./output-notices.ts";
import { statusDocument } from "./output-status.ts";
import { traceDocument } from "./output-trace.ts";
import { sourceDocument, unattendedDocument as unattendedOf } from "./output-unattended.ts";
import { whyDocument } from "./output-why.ts";
import {
  about,
  array,
  boolean,
  choice,
  type Infer,
  integer,
  literal,
  object,
  optional,
  type Schema,
  string,
} from "./schema.ts";

const problem = object({
  severity: choice("error", "warning"),
  code: about('"PHX0203".', string),
  message: string,
  at: sourceRef,
  related: optional(array(sourceRef)),
  hint: optional(string),
});

const hazard = object({
  consent: optional(about(`What \`${option.allow}\` must name; without it, no consent helps.`, string)),
  message: string,
  hint: optional(string),
  from: optional(sourceRef),
  foreign: optional(
    about(
      "Something that somebody else made.",
      object({
        host: hostName,
        name: about('Its place or name: "/etc/dnsmasq.d/lan.conf:3", "container pihole".', string),
        takeover: optional(about("What happens to it with consent.", string)),
      }),
    ),
  ),
});

const unreadMembers = {
  kind: choice("not-ready", "error"),
  reason: string,
  hint: optional(string),
};
const unread = object(unreadMembers);

const checkDocument = object({
  format: literal("phoenix.check/1"),
  site: string,
  problems: array(problem),
  errors: integer,
  warnings: integer,
  notes: about("Secrets from commands, and from files outside of the site.", array(string)),
  guests: optional(about("Absent when the site has errors.", integer)),
  services: optional(integer),
  stacks: optional(integer),
  off: offComponents,
  durationMs,
  exitCode,
});

const planDocument = object({
  format: literal("phoenix.plan/1"),
  site: string,
  world: about("What was planned for.", string),
  digest: about("Two plans with one digest do the same thing.", string),
  converged: boolean,
  create: integer,
  update: integer,
  delete: integer,
  refusal: optional(
    about("What a sync would be refused for.", object({ message: string, hint: optional(string) })),
  ),
  components: array(
    object({
      component: componentName,
      resources: about("Number of declared resources.", integer),
      changes: array(change),
      impact: optional(
        about(
          "What clients notice of the changes; absent when there are none. `unknown` is what nobody can tell.",
          object({
            notices: array(string),
            added: about("Names that are new to clients.", array(string)),
            activations: array(activation),
            blinks: about("Services that are away for a moment.", array(string)),
            starts: optional(about("What is down and comes back.", array(string))),
            unknown: array(string),
          }),
        ),
      ),
      hazards: about("What the changes endanger, and what they meet that is foreign.", array(hazard)),
      orphans: about(`Ours, no longer declared, kept without \`${option.allow} prune\`.`, array(string)),
      pendingActivation: about("Written by an earlier run and never activated.", array(string)),
      unread: optional(unread),
      waitsFor: optional(about("Its changes can be made once this component is in place.", componentName)),
      unreadResources: about(
        "Single resources that could not be read; they are left alone.",
        array(object({ ...unreadMembers, ids: array(string) })),
      ),
      notes: array(string),
    }),
  ),
  off: offComponents,
  durationMs,
  exitCode,
});

const resultDocument = object({
  format: literal("phoenix.result/2"),
  command: choice("sync", "verify"),
  site: string,
  world: string,
  created: integer,
  updated: integer,
  deleted: integer,
  failed: integer,
  skipped: integer,
  reloads: integer,
  restarts: integer,
  checksPassed: integer,
  checksFailed: integer,
  checksWaiting: about("Not repeated, although what they depend on came later.", integer),
  components: array(
    object({
      component: componentName,
      outcome,
      reason: optional(string),
      hint: optional(string),
      resources: integer,
      changes: about("Changes that are in place now.", array(change)),
      restored: about("Changed, and back as before: a second look has found them so.", array(string)),
      unsettled: about(
        "Touched, and neither surely in place nor surely as before.",
        array(
          object({
            id: string,
            found: choice("neither", "unproven", "reverting", "runs previous", "runs new", "unknown"),
          }),
        ),
      ),
      activations: array(activation),
      checks: array(check),
      orphans: array(string),
      leftAlone: optional(
        about(
          "Could not be looked at, since their machine is down: as they were, and all else is in place.",
          array(string),
        ),
      ),
      held: optional(about("What waits for the repair hours of an unattended sync.", array(string))),
      notes: array(string),
      durationMs,
    }),
  ),
  causes: about(
    "Machines that do not answer, which several failures may have in common.",
    array(object({ host: hostName, address: optional(string), reason: string, hint: optional(string) })),
  ),
  apart: about("Components that the run did not cover.", array(componentName)),
  newWarnings: about("Warnings of the site that the last run did not have.", array(problem)),
  durationMs,
  exitCode,
});

const unattendedDocument = unattendedOf(planDocument, resultDocument);

const labDocument = object({
  format: literal("phoenix.lab/1"),
  directory: string,
  site: about("The site that the lab was made for.", string),
  created: string,
  hosts: array(object({ host: hostName, name: string, address: optional(string), node: optional(string) })),
  faults: array(object({ fault: string, target: optional(string), value: optional(string) })),
});

const errorDocument = object({
  format: literal("phoenix.error/1"),
  kind: about('"RefusedError", "LockedError" …', string),
  message: string,
  hint: optional(string),
  exitCode,
});

/** Every output document by the name that `phoenix schema` knows it by. */
export const outputSchemas = {
  "output-check": checkDocument,
  "output-plan": planDocument,
  "output-accept": acceptDocument,
  "output-import": importDocument,
  "output-result": resultDocument,
  "output-status": statusDocument,
  "output-certs": certsDocument,
  "output-unattended": unattendedDocument,
  "output-source": sourceDocument,
  "output-notices": noticesDocument,
  "output-why": whyDocument,
  "output-doctor": doctorDocument,
  "output-trace": traceDocument,
  "output-dashboard": dashboardDocument,
  "output-history": historyDocument,
  "output-generation": generationDocument,
  "output-diff": diffDocument,
  "output-lab": labDocument,
  "output-error": errorDocument,
  "output-event": eventDocument,
} as const satisfies Record<string, Schema<unknown>>;

export type CheckDocument = Infer<typeof checkDocument>;
export type PlanDocument = Infer<typeof planDocument>;
export type AcceptDocument = Infer<typeof acceptDocument>;
export type ImportDocument = Infer<typeof importDocument>;
export type ResultDocument = Infer<typeof resultDocument>;
export type CertsDocument = Infer<typeof certsDocument>;
export type UnattendedDocument = Infer<typeof unattendedDocument>;
export type SourceDocument = Infer<typeof sourceDocument>;
export type StatusDocument = Infer<typeof statusDocument>;
export type WhyDocument = Infer<typeof whyDocument>;
export type DoctorDocument = Infer<typeof doctorDocument>;
export type TraceDocument = Infer<typeof traceDocument>;
export type HistoryDocument = Infer<typeof historyDocument>;
export type GenerationDocument = Infer<typeof generationDocument>;
export type DiffDocument = Infer<typeof diffDocument>;
export type LabDocument = Infer<typeof labDocument>;
export type ErrorDocument = Infer<typeof errorDocument>;
export type EventDocument = Infer<typeof eventDocument>;
export type OutputDocument =
  | CheckDocument
  | PlanDocument
  | AcceptDocument
  | ImportDocument
  | ResultDocument
  | StatusDocument
  | CertsDocument
  | UnattendedDocument
  | SourceDocument
  | NoticesDocument
  | WhyDocument
  | DoctorDocument
  | TraceDocument
  | DashboardDocument
  | HistoryDocument
  | GenerationDocument
  | DiffDocument
  | LabDocument
  | ErrorDocument;

/** The JSON Schema (draft 2020-12) of an output document. */
export function outputJsonSchema(name: keyof typeof outputSchemas): unknown {
  return { $schema: "https://json-schema.org/draft/2020-12/schema", ...outputSchemas[name] };
}
