/** The document of `phoenix notices test`. */
import { durationMs, exitCode } from "./output-members.ts";
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
  string,
} from "./schema.ts";

export const noticesDocument = object({
  format: literal("phoenix.notices/1"),
  targets: array(
    object({
      name: string,
      type: choice("ntfy", "gotify", "discord", "slack", "webhook", "mail"),
      arrived: boolean,
      failure: optional(about("Why it did not arrive.", string)),
      status: optional(about("The HTTP status of the answer.", integer)),
      durationMs,
    }),
  ),
  exitCode,
});

export type NoticesDocument = Infer<typeof noticesDocument>;
