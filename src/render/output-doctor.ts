/** The document of `phoenix doctor`. */
import { option } from "../option-names.ts";
import { durationMs, exitCode, hostName } from "./output-members.ts";
import { about, array, choice, integer, literal, object, optional, string } from "./schema.ts";

export const doctorDocument = object({
  format: literal("phoenix.doctor/1"),
  site: string,
  world: string,
  findings: about(
    "What is not as it must be before a sync can work, the hypervisor first.",
    array(
      object({
        machine: hostName,
        prerequisite: about('"nginx-runs": its name in docs/prerequisites.md.', string),
        severity: choice("error", "warning"),
        message: string,
        command: optional(about("What puts it right, for the hypervisor's shell.", string)),
        safe: optional(about(`\`${option.fix}\` runs the command.`, literal(true))),
        hint: optional(string),
      }),
    ),
  ),
  asked: about("Number of questions.", integer),
  machines: about("Number of machines that were asked.", integer),
  errors: integer,
  warnings: integer,
  durationMs,
  exitCode,
});
