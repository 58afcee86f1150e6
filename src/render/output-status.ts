/** The document of `phoenix status`. */
import { componentName, durationMs, exitCode, hostName, offComponents, outcome } from "./output-members.ts";
import { about, array, boolean, choice, integer, literal, object, optional, string, time } from "./schema.ts";

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
      node: optional(about("The node of the cluster that has it now.", string)),
      roles: array(string),
      state: choice("answers", "no answer", "template"),
      note: string,
    }),
  ),
  cluster: optional(
    about(
      "The Proxmox cluster; absent on a single host.",
      object({
        name: string,
        quorate: about("Without quorum nothing can be changed.", boolean),
        nodes: array(
          object({
            host: hostName,
            name: string,
            address: about("Empty while the cluster does not know it.", string),
            online: boolean,
          }),
        ),
      }),
    ),
  ),
  lock: optional(
    about(
      "Who holds the lock: the run that works now.",
      object({ who: string, host: string, command: string, started: time }),
    ),
  ),
  soonest: optional(
    about("The certificate that ends first.", object({ name: string, notAfter: time, renewal: time })),
  ),
  warnings: optional(about("Warnings of the site.", integer)),
  undo: optional(about("The undo of a firewall change is armed.", literal(true))),
  durationMs,
  exitCode,
});
