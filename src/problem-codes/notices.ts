/** PHX08xx: notices and metrics. */
import { error, warning } from "./kind.ts";

export const noticeCodes = {
  PHX0801: error`incomplete notice
    An entry of notices lacks what its type needs: the URL of Discord, Slack, Gotify or a webhook, the topic of ntfy, the token of Gotify,
    the addresses of mail.
    Add the key that the message names.`,
  PHX0802: error`invalid value of a notice
    A URL that is not http:// or https://, a topic that ntfy does not accept, or a mail address that is not one.
    Correct the value. The message never shows a secret.`,
  PHX0803: error`duplicate name of a notice
    Two entries of notices have the same name, or the same type and no name. What could not be delivered is kept by this name.
    Give each a name of its own.`,
  PHX0804: warning`key of a notice without effect
    An entry of notices has a key that its type does not use.
    Remove the key, or correct the type.`,
  PHX0805: error`invalid directory of metrics
    The directory that node_exporter reads must be an absolute path on the hypervisor, and not a directory of the system.
    Write the directory that node_exporter's option --collector.textfile.directory names.`,
  PHX0806: warning`cannot read a secret of a notice
    A reference to a secret (env:, file:, age:, exec:) of a notice did not give a value. Nothing is sent there; all else works.
    Set the environment variable, create the file, or correct the reference.`,
} as const;
