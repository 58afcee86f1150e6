/** What `phoenix doctor` found: a line for each cause with the command that puts it right, by machine. */

import type { ExitCode } from "../errors.ts";
import { option } from "../option-names.ts";
import type { HostName } from "../resource.ts";
import { hanging, wrap, wrapAtDots } from "./layout.ts";
import type { DoctorDocument } from "./output-schemas.ts";
import type { View } from "./view.ts";
import { count, duration, flat } from "./words.ts";

export type DoctorFinding = DoctorDocument["findings"][number];

export interface DoctorFacts {
  readonly site: string;
  readonly world: string;
  /** The options that another command line must repeat: " --lab /tmp/lab". */
  readonly repeat: string;
  /** By machine, the hypervisor first. */
  readonly findings: readonly DoctorFinding[];
  readonly asked: number;
  readonly machines: number;
  readonly durationMs: number;
  readonly exitCode: ExitCode;
}

export function doctorDocument({ repeat: _, ...facts }: DoctorFacts): DoctorDocument {
  const { site, world, findings, asked, machines, durationMs, exitCode } = facts;
  const { errors, warnings } = countsOf(findings);
  return {
    format: "phoenix.doctor/1",
    ...{ site, world, findings, asked, machines, errors, warnings, durationMs, exitCode },
  };
}

function countsOf(findings: readonly DoctorFinding[]): {
  readonly errors: number;
  readonly warnings: number;
} {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  return { errors, warnings: findings.length - errors };
}

export function doctorLines(facts: DoctorFacts, view: View): readonly string[] {
  const { findings } = facts;
  const machines = [...new Set(findings.map(({ machine }) => machine))];
  const groups = machines.flatMap((machine) => [
    view.paint.bold(machine === "pve" ? `${machine} (hypervisor)` : view.hostName(machine as HostName)),
    ...withoutRepeats(findings.filter((one) => one.machine === machine)).flatMap((one) =>
      findingLines(one, view),
    ),
    "",
  ]);
  return [...groups, ...closing(facts, view)];
}

/** A command that puts several findings right is shown once, after the last of them. */
function withoutRepeats(findings: readonly DoctorFinding[]): readonly DoctorFinding[] {
  return findings.map((one, at) => {
    if (one.command === undefined || one.command !== findings[at + 1]?.command) return one;
    const { command: _, hint: _hint, ...rest } = one;
    return rest;
  });
}

function findingLines(
  { severity, message, command, safe, hint }: DoctorFinding,
  view: View,
): readonly string[] {
  const { paint } = view;
  const first = severity === "warning" ? "  ~ " : "  ! ";
  const sign = severity === "warning" ? paint.yellow(first) : paint.red(first);
  const [head = "", ...more] = hanging(first, flat(message), view.width);
  const mark = safe === true ? paint.dim(`   # ${option.fix}`) : "";
  const help =
    command !== undefined
      ? // A command is copied: it is never broken.
        [`    ${paint.dim("$")} ${flat(command)}${mark}`]
      : hint === undefined
        ? []
        : hanging("    hint: ", flat(hint), view.width);
  return [sign + head.slice(first.length), ...more, ...help];
}

function shellWords(findings: readonly DoctorFinding[]): readonly string[] {
  const commands = findings.flatMap(({ command }) => command ?? []);
  if (commands.length === 0) return [];
  const isOurs = commands.map((command) => command.startsWith("phoenix "));
  if (!isOurs.includes(false)) return [];
  const ours = isOurs.includes(true) ? ", those of phoenix for this one" : "";
  return [`Commands are for the hypervisor's shell${ours}.`];
}

function closing(facts: DoctorFacts, view: View): readonly string[] {
  const { findings, asked, machines, durationMs, repeat, exitCode } = facts;
  const { errors, warnings } = countsOf(findings);
  const work = `${count(asked, "question")} to ${count(machines, "machine")} · ${duration(durationMs)}`;
  if (findings.length === 0)
    return wrapAtDots(`Ready for a sync: everything is as it must be · ${work}`, view.width);
  const summary = `${count(errors, "error")}, ${count(warnings, "warning")} · ${work}`;
  const safe = findings.filter((one) => one.safe === true).length;
  const end = errors > 0 ? `(exit ${exitCode})` : "A sync works all the same.";
  const help = [
    ...shellWords(findings),
    ...(safe > 0 ? [`\`phoenix doctor ${option.fix}${repeat}\` runs the ${safe} marked ${option.fix}.`] : []),
  ];
  return [...wrapAtDots(summary, view.width), ...wrap([...help, end].join(" "), view.width)];
}
