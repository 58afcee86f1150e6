/** The document of `phoenix certs`. */
import { exitCode, hostName } from "./output-members.ts";
import { about, array, choice, integer, literal, object, optional, string, time } from "./schema.ts";

export const certsDocument = object({
  format: literal("phoenix.certs/1"),
  site: string,
  certificates: about(
    "Problems first.",
    array(
      object({
        name: about("The common name.", string),
        names: about("In the certificate.", array(string)),
        missing: about("Declared, and not in it.", array(string)),
        issuer: optional(string),
        notAfter: optional(time),
        daysLeft: optional(about("Whole days; negative when it has expired.", integer)),
        renewal: optional(about("When two thirds of its life are over.", time)),
        state: about('"valid", or what is wrong with it.', string),
        served: optional(
          about(
            "Absent where the site does not tell who serves it.",
            object({
              host: hostName,
              address: string,
              port: integer,
              outcome: about(
                '"same" is the one on disk, "other" another one.',
                choice("same", "other", "no answer"),
              ),
              reason: optional(string),
            }),
          ),
        ),
      }),
    ),
  ),
  authorities: about(
    "The CA's own certificates.",
    array(object({ name: string, role: choice("root", "intermediate"), notAfter: time, daysLeft: integer })),
  ),
  off: optional(about("Why the site has no certificates.", string)),
  exitCode,
});
