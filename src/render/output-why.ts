/** The document of `phoenix why`, as a schema. */
import { componentName, exitCode, hostName, sourceRef } from "./output-members.ts";
import { about, array, integer, literal, object, optional, string } from "./schema.ts";

export const whyDocument = object({
  format: literal("phoenix.why/1"),
  site: string,
  asked: string,
  senses: about(
    "Everything that the name can mean in this site; at least one.",
    array(
      object({
        title: about("What it is.", string),
        text: optional(about("The generated line itself.", string)),
        causes: about(
          "What decides it: lines of the site, and defaults of Phoenix.",
          array(
            object({
              at: optional(about("Absent for a default.", sourceRef)),
              key: about("The key at the place, or the key that would change the default.", string),
              says: string,
              default: optional(
                object({
                  file: about("The site's file that can have the key.", string),
                  value: optional(about("What counts without the key.", string)),
                  docs: string,
                }),
              ),
            }),
          ),
        ),
        effects: about(
          "What follows.",
          array(
            object({
              resource: string,
              host: hostName,
              shows: about("In the domain's terms; without values that may be secret.", string),
              line: optional(about("The generated line, where it is one.", string)),
              note: optional(string),
              causes: about("Indices into `causes`.", array(integer)),
            }),
          ),
        ),
        notes: array(string),
      }),
    ),
  ),
  off: about(
    "Components that take no part, because the site does not declare what they need.",
    array(object({ component: componentName, reason: string })),
  ),
  errors: about("Errors of the site, for all of which `phoenix check` has the reason.", integer),
  exitCode,
});
