/** The documents of `phoenix history`, `phoenix history show` and `phoenix diff`. */
import { change, componentName, durationMs, exitCode } from "./output-members.ts";
import { about, array, boolean, choice, integer, literal, object, optional, string, time } from "./schema.ts";

const runMembers = {
  generation: about("Counts from 1; old ones are removed.", integer),
  started: time,
  who: string,
  host: about("The machine phoenix ran on.", string),
  command: about('"sync all", "rollback 12".', string),
  exitCode: about("The exit code of that run.", integer),
  durationMs,
  created: integer,
  updated: integer,
  deleted: integer,
};

export const historyDocument = object({
  format: literal("phoenix.history/1"),
  runs: about("Newest first.", array(object(runMembers))),
  damaged: about("Generations that cannot be read.", array(object({ generation: integer, reason: string }))),
  exitCode,
});

export const generationDocument = object({
  format: literal("phoenix.generation/1"),
  ...runMembers,
  siteDigest: about("SHA-256 over the site's files.", string),
  complete: about("It keeps what was in place: it can be compared, and rolled back to.", boolean),
  components: array(
    object({
      component: componentName,
      outcome: choice("unchanged", "changed", "deferred", "skipped", "interrupted", "failed", "rolled-back"),
      reason: optional(string),
      hint: optional(string),
      changes: about("What was made and is in place.", array(change)),
      notInPlace: about("What was planned or tried, and is not in place.", array(change)),
      checksPassed: optional(integer),
      checksFailed: array(object({ resource: string, claim: string, observed: optional(string) })),
    }),
  ),
  files: about("The kept files of the site.", array(string)),
});

export const diffDocument = object({
  format: literal("phoenix.diff/1"),
  from: integer,
  to: optional(about("A generation; absent for the live systems as they are now.", integer)),
  equal: boolean,
  components: array(
    object({
      component: componentName,
      resources: about("Number of resources that were compared.", integer),
      changes: about("What leads from the first to the second.", array(change)),
      unread: optional(about("Why it could not be read.", string)),
    }),
  ),
  exitCode,
});
