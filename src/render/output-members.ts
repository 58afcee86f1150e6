/** What the documents of `--output` have in common. */
import { componentNames } from "../components/index.ts";
import { about, array, choice, integer, literal, number, object, optional, string } from "./schema.ts";

export const componentName = choice(...componentNames);
export const exitCode = about("The exit code of the process.", integer);
export const durationMs = number;
export const hostName = about('"pve", "lxc/102", "vm/1001".', string);

export const sourceRef = object({
  file: about("Relative to the site's root.", string),
  line: about("Counts from 1.", integer),
  column: about("Counts from 1.", integer),
  endColumn: optional(integer),
});

export const check = object({
  resource: string,
  claim: string,
  status: about(
    '"waiting": what it depends on was still to come when the run ended.',
    choice("pass", "fail", "waiting"),
  ),
  observed: optional(string),
  hint: optional(string),
  external: optional(about("The cause lies outside this component.", literal(true))),
  reached: optional(
    about(
      "The name that it reached as a client does.",
      object({ name: string, answer: optional(object({ status: integer, ms: integer })) }),
    ),
  ),
});

export const activation = object({ kind: choice("reload", "restart"), unit: string, host: hostName });
export const outcome = choice(
  "unchanged",
  "changed",
  "deferred",
  "skipped",
  "interrupted",
  "failed",
  "rolled-back",
);

export const offComponents = about(
  "Components that take no part, because the site does not declare what they need.",
  array(object({ component: componentName, reason: about('"no CA is declared".', string) })),
);
const unit = object({
  verb: choice("create", "update", "delete"),
  unit: string,
  before: optional(string),
  after: optional(string),
  diff: optional(about("Of a text that a person wrote: its difference, as a unified diff.", string)),
  from: optional(about("Where the configuration declares it.", sourceRef)),
});

export const change = object({
  verb: choice("create", "update", "delete"),
  id: about('"dns/records".', string),
  host: hostName,
  units: about(
    'What differs in the domain\'s terms. A secret is "(secret#3f9a12c4)": equal ones have equal digits on one hypervisor.',
    array(unit),
  ),
  sensitive: optional(literal(true)),
});
