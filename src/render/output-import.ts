/** The document of `phoenix import --output json`. */
import { durationMs, exitCode, hostName } from "./output-members.ts";
import { about, array, boolean, choice, integer, literal, object, optional, string } from "./schema.ts";

const place = about(
  'Where on the machines it was read: "/etc/dnsmasq.conf:12", "lxc/211:/etc/traefik/traefik.yml:4".',
  string,
);

export const importDocument = object({
  format: literal("phoenix.import/1"),
  site: about("The directory that was written.", string),
  world: about("The machines that were read.", string),
  files: about("Relative to the site's directory.", array(string)),
  left: about(
    "What was found and is not in the site.",
    array(object({ place, what: string, reason: string })),
  ),
  converged: about("A sync of the new site would change nothing.", boolean),
  changes: about(
    "What a sync of it would change.",
    array(
      object({
        verb: choice("create", "update", "delete"),
        id: about('"dns/records".', string),
        host: hostName,
        units: array(
          object({
            verb: choice("create", "update", "delete"),
            unit: string,
            before: optional(string),
            after: optional(string),
            source: optional(place),
          }),
        ),
      }),
    ),
  ),
  merge: optional(
    about(
      "Present where the directory had a site already: what differs from it.",
      object({
        written: about("Whether it was written, or only shown.", boolean),
        files: array(
          object({
            path: string,
            verb: choice("create", "update", "unchanged"),
            conflicts: about(
              "Values that both the host and a person changed: the person's stays.",
              array(
                object({
                  path: about('"vms.310.name"; empty for the whole file.', string),
                  line: integer,
                  own: string,
                  found: string,
                }),
              ),
            ),
            gone: about("What the last import found and this one did not: it stays.", array(string)),
            removed: about(
              "What a person removed since the last import, and the host still has: it stays removed.",
              array(string),
            ),
          }),
        ),
      }),
    ),
  ),
  durationMs,
  exitCode,
});
