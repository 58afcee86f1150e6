/** The document of `phoenix plan --accept` and `phoenix sync --accept`. */
import { exitCode } from "./output-members.ts";
import { about, array, boolean, literal, object, string } from "./schema.ts";

export const acceptDocument = object({
  format: literal("phoenix.accept/1"),
  site: about("The site's directory.", string),
  accepted: about(
    "The resources whose drift the site declares then; none where nothing differs.",
    array(string),
  ),
  files: about("The site's files that change.", array(string)),
  reformed: about(
    "Accepted resources that say the same in another form, which a sync replaces.",
    array(string),
  ),
  follow: about("Other resources that the changed site makes differ.", array(string)),
  written: boolean,
  exitCode,
});
