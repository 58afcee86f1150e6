/** The document of `phoenix status`. */
import { componentName, durationMs, exitCode, hostName, offComponents, outcome } from "./output-members.ts";
import { about, array, choice, integer, literal, object, optional, string, time } from "./schema.ts";

export const statusDocument = object({
  format: literal("phoenix.status/1"),
  site: string,
  world: string,
  lastRun: optional(
    object({
      generation: integer,
      command: string,
      who: string,
      host: string,
      started: time,
      durationMs,
      exitCode: integer,
      failures: optional(
        about(
          "What failed in it, and why.",
          array(object({ component: componentName, outcome, reason: optional(string) })),
        ),
      ),
    }),
  ),
  components: array(
    object({
      component: componentName,
      resources: integer,
      state: choice("in sync", "drift", "not ready", "unknown"),
      note: string,
    }),
  ),
  off: offComponents,
  guests: array(
    object({
      host: hostName,
      name: string,
      address: optional(string),
      roles: array(string),
      state: choice("answers", "no answer", "template"),
      note: string,
    }),
  ),
  soonest: optional(
    about("The certificate that ends first.", object({ name: string, notAfter: time, renewal: time })),
  ),
  warnings: optional(about("Warnings of the site.", integer)),
  undo: optional(about("The undo of a firewall change is armed.", literal(true))),
  durationMs,
  exitCode,
});
