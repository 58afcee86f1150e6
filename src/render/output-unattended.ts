/** The documents of `phoenix unattended …`. */
import { exitCode } from "./output-members.ts";
import {
  about,
  array,
  boolean,
  choice,
  literal,
  object,
  optional,
  type Schema,
  string,
  time,
} from "./schema.ts";

const source = object({
  outcome: about(
    '"current", "updated" and "ahead" are well; with the others the site stays at the commit that it had.',
    choice(
      "current",
      "updated",
      "ahead",
      "dirty",
      "diverged",
      "unreachable",
      "unsigned",
      "broken",
      "unusable",
    ),
  ),
  commit: optional(about("The commit in place.", string)),
  newest: optional(about("The newest commit of the remote, where another one is in place.", string)),
  upstream: optional(about('"origin/main".', string)),
  message: string,
  hint: optional(string),
});

export const sourceDocument = object({
  format: literal("phoenix.source/1"),
  site: string,
  source,
  exitCode,
});

/** Of verify and sync. @param plan the schema of a plan; @param result of a run's result */
export const unattendedDocument = <P, R>(plan: Schema<P>, result: Schema<R>) =>
  object({
    format: literal("phoenix.unattended/1"),
    command: choice("verify", "sync"),
    source: optional(about("How the site was updated from its git repository.", source)),
    hours: optional(
      about(
        "The declared hours in which a sync may disrupt.",
        object({
          windows: array(string),
          zone: about("The hypervisor's time zone.", string),
          open: boolean,
          next: optional(about("When they open.", time)),
        }),
      ),
    ),
    plan: optional(about("Of verify: what differs from the site.", plan)),
    result: about("What the run did and proved.", result),
    exitCode,
  });
