/**
 * The documents of `--output json`, `--output ndjson` and `--json-into`, as schemas. A format's number rises when a member is renamed,
 * removed or means something else; new members may come at any time. Durations are milliseconds, times ISO 8601 in UTC.
 */
import { z } from "zod";
import { componentNames } from "../components/index.ts";
import { option } from "../option-names.ts";

const componentName = z.enum(componentNames);
const exitCode = z.int().describe("The exit code of the process.");
const durationMs = z.number();
const hostName = z.string().describe('"pve", "lxc/102", "vm/1001".');

const sourceRef = z.object({
  file: z.string().describe("Relative to the site's root."),
  line: z.int().describe("Counts from 1."),
  column: z.int().describe("Counts from 1."),
  endColumn: z.int().optional(),
});

const problem = z.object({
  severity: z.enum(["error", "warning"]),
  code: z.string().describe('"PHX0203".'),
  message: z.string(),
  at: sourceRef,
  related: z.array(sourceRef).optional(),
  hint: z.string().optional(),
});

const unit = z.object({
  verb: z.enum(["create", "update", "delete"]),
  unit: z.string(),
  before: z.string().optional(),
  after: z.string().optional(),
  from: sourceRef.optional().describe("Where the configuration declares it."),
});

const change = z.object({
  verb: z.enum(["create", "update", "delete"]),
  id: z.string().describe('"dns/records".'),
  host: hostName,
  units: z.array(unit).describe("What differs in the domain's terms; values of sensitive ones are left out."),
  sensitive: z.literal(true).optional(),
});

const check = z.object({
  resource: z.string(),
  claim: z.string(),
  status: z.enum(["pass", "fail"]),
  observed: z.string().optional(),
  hint: z.string().optional(),
  external: z.literal(true).optional().describe("The cause lies outside this component."),
});

const activation = z.object({ kind: z.enum(["reload", "restart"]), unit: z.string(), host: hostName });
const outcome = z.enum(["unchanged", "changed", "deferred", "skipped", "failed", "rolled-back"]);

const unread = z.object({
  kind: z.enum(["not-ready", "error"]),
  reason: z.string(),
  hint: z.string().optional(),
});

const checkDocument = z.object({
  format: z.literal("phoenix.check/1"),
  site: z.string(),
  problems: z.array(problem),
  errors: z.int(),
  warnings: z.int(),
  guests: z.int().optional().describe("Absent when the site has errors."),
  services: z.int().optional(),
  stacks: z.int().optional(),
  durationMs,
  exitCode,
});

const planDocument = z.object({
  format: z.literal("phoenix.plan/1"),
  site: z.string(),
  world: z.string().describe("What was planned for."),
  digest: z.string().describe("Two plans with one digest do the same thing."),
  converged: z.boolean(),
  create: z.int(),
  update: z.int(),
  delete: z.int(),
  refusal: z
    .object({ message: z.string(), hint: z.string().optional() })
    .optional()
    .describe("What a sync would be refused for."),
  components: z.array(
    z.object({
      component: componentName,
      resources: z.int().describe("Number of declared resources."),
      changes: z.array(change),
      orphans: z
        .array(z.string())
        .describe(`Ours, no longer declared, kept without \`${option.allow} prune\`.`),
      pendingActivation: z.array(z.string()).describe("Written by an earlier run and never activated."),
      unread: unread.optional(),
      unreadResources: z
        .array(unread.extend({ ids: z.array(z.string()) }))
        .describe("Single resources that could not be read; they are left alone."),
      notes: z.array(z.string()),
    }),
  ),
  durationMs,
  exitCode,
});

const resultDocument = z.object({
  format: z.literal("phoenix.result/2"),
  command: z.enum(["sync", "verify"]),
  site: z.string(),
  world: z.string(),
  created: z.int(),
  updated: z.int(),
  deleted: z.int(),
  failed: z.int(),
  skipped: z.int(),
  reloads: z.int(),
  restarts: z.int(),
  checksPassed: z.int(),
  checksFailed: z.int(),
  components: z.array(
    z.object({
      component: componentName,
      outcome,
      reason: z.string().optional(),
      hint: z.string().optional(),
      resources: z.int(),
      changes: z.array(change).describe("Changes that are in place now."),
      activations: z.array(activation),
      checks: z.array(check),
      orphans: z.array(z.string()),
      notes: z.array(z.string()),
      durationMs,
    }),
  ),
  durationMs,
  exitCode,
});

const statusDocument = z.object({
  format: z.literal("phoenix.status/1"),
  site: z.string(),
  world: z.string(),
  lastRun: z
    .object({
      generation: z.int(),
      command: z.string(),
      who: z.string(),
      host: z.string(),
      started: z.iso.datetime(),
      durationMs,
      exitCode: z.int(),
    })
    .optional(),
  components: z.array(
    z.object({
      component: componentName,
      resources: z.int(),
      state: z.enum(["in sync", "drift", "not ready", "unknown"]),
      note: z.string(),
    }),
  ),
  guests: z.array(
    z.object({
      host: hostName,
      name: z.string(),
      address: z.string().optional(),
      roles: z.array(z.string()),
      state: z.enum(["answers", "no answer", "template"]),
      note: z.string(),
    }),
  ),
  durationMs,
  exitCode,
});

const labDocument = z.object({
  format: z.literal("phoenix.lab/1"),
  directory: z.string(),
  site: z.string().describe("The site that the lab was made for."),
  created: z.string(),
  hosts: z.array(z.object({ host: hostName, name: z.string(), address: z.string().optional() })),
  faults: z.array(
    z.object({ fault: z.string(), target: z.string().optional(), value: z.string().optional() }),
  ),
});

const errorDocument = z.object({
  format: z.literal("phoenix.error/1"),
  kind: z.string().describe('"RefusedError", "LockedError" …'),
  message: z.string(),
  hint: z.string().optional(),
  exitCode,
});

const event = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.object({ format: z.literal("phoenix.event/2"), time: z.iso.datetime(), type: z.literal(type), ...shape });

const eventDocument = z.discriminatedUnion("type", [
  event("run-started", { command: z.string(), components: z.array(componentName) }),
  event("component-started", { component: componentName, phase: z.enum(["read", "apply", "verify"]) }),
  event("waiting", { component: componentName, for: z.string(), untilMs: z.number() }),
  event("change-applied", { component: componentName, verb: z.string(), id: z.string() }),
  event("activated", { component: componentName, activation }),
  event("check-finished", { component: componentName, check }),
  event("note", { component: componentName, text: z.string() }),
  event("component-finished", {
    component: componentName,
    outcome,
    reason: z.string().optional(),
    durationMs,
  }),
]);

/** Every output document by the name that `phoenix schema` knows it by. */
export const outputSchemas = {
  "output-check": checkDocument,
  "output-plan": planDocument,
  "output-result": resultDocument,
  "output-status": statusDocument,
  "output-lab": labDocument,
  "output-error": errorDocument,
  "output-event": eventDocument,
} as const satisfies Record<string, z.ZodType>;

export type CheckDocument = z.infer<typeof checkDocument>;
export type PlanDocument = z.infer<typeof planDocument>;
export type ResultDocument = z.infer<typeof resultDocument>;
export type StatusDocument = z.infer<typeof statusDocument>;
export type LabDocument = z.infer<typeof labDocument>;
export type ErrorDocument = z.infer<typeof errorDocument>;
export type EventDocument = z.infer<typeof eventDocument>;
export type OutputDocument =
  | CheckDocument
  | PlanDocument
  | ResultDocument
  | StatusDocument
  | LabDocument
  | ErrorDocument;

/** The JSON Schema (draft 2020-12) of an output document. */
export function outputJsonSchema(name: keyof typeof outputSchemas): unknown {
  return z.toJSONSchema(outputSchemas[name]);
}
