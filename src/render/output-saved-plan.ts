/** The file of `phoenix plan -o`, which `phoenix sync --plan` takes. Pure. */
import { componentName, hostName } from "./output-members.ts";
import {
  about,
  array,
  choice,
  type Infer,
  integer,
  literal,
  object,
  optional,
  string,
  time,
} from "./schema.ts";

const digest = about("Made with a key that only the hypervisor has.", string);
const verb = choice("create", "update", "delete");

const part = object({
  component: componentName,
  changes: array(
    object({
      verb,
      id: about('"dns/records".', string),
      host: hostName,
      before: optional(digest),
      after: optional(digest),
    }),
  ),
  pendingActivation: array(string),
  unread: about(
    "Resources that could not be read yet.",
    array(object({ id: string, kind: choice("not-ready", "error"), after: digest })),
  ),
});

export const savedPlanDocument = object({
  format: literal("phoenix.saved-plan/1"),
  phoenix: about("The version that made it.", string),
  created: time,
  by: about('"root@pve".', string),
  host: object({
    name: about('"pve (10.0.0.13)".', string),
    id: about("Tells hypervisors apart whose names are equal.", string),
  }),
  generation: about("Of the last run before it; 0 when there was none.", integer),
  site: about("The site's directory.", string),
  files: about("The site's files.", array(object({ name: string, digest }))),
  references: about("What the site's secrets outside of its files were.", digest),
  targets: object({
    words: about('As arguments of sync: "all", "dns firewall".', string),
    only: array(componentName),
    skip: array(componentName),
    resources: array(string),
    allow: array(string),
  }),
  parts: array(part),
  text: about("The plan as it was shown, a line each.", array(string)),
  seal: about("Over all the rest: a file that was edited is refused.", string),
});

export type SavedPlanDocument = Infer<typeof savedPlanDocument>;
