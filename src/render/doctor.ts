/** What `phoenix doctor` found: a line for each cause with the command that puts it right, by machine. */

import { defined } from "../defined.ts";
import type { Diagnoses, Diagnosis } from "../doctor/diagnose.ts";
import { fixLine } from "../doctor/fix.ts";
import { type ExitCode, exitCodes } from "../errors.ts";
import { option } from "../option-names.ts";
import { hanging, wrapAtDots } from "./layout.ts";
import type { DoctorDocument } from "./output-schemas.ts";
import type { View } from "./view.ts";
import { count, duration, flat } from "./words.ts";

export interface DoctorFacts extends Diagnoses {
  readonly site: string;
  readonly world: string;
  /** The options that another command line must repeat: " --lab /tmp/lab". */
  readonly repeat: string;
  readonly durationMs: number;
  readonly exitCode: ExitCode;
}

export function isWarning({ isWarning }: Diagnosis): boolean {
  return isWarning === true;
}

/** A machine with a fault keeps a sync from working; warnings do not. */
export function exitCodeOf({ found }: Pick<Diagnoses, "found">): ExitCode {
  return found.every(isWarning) ? exitCodes.converged : exitCodes.error;
}

export function doctorDocument(facts: DoctorFacts): DoctorDocument {
  const { site, world, found, asked, machines, durationMs, exitCode } = facts;
  return {
    format: "phoenix.doctor/1",
    site,
    world,
    findings: found.map((one) =>
      defined({
        machine: one.machine,
        prerequisite: one.prerequisite,
        severity: isWarning(one) ? ("warning" as const) : ("error" as const),
        message: one.message,
        command: fixLine(one),
        safe: one.fix?.isSafe,
        hint: one.hint,
      }),
    ),
    asked,
    machines,
    errors: found.filter((one) => !isWarning(one)).length,
    warnings: found.filter(isWarning).length,
    durationMs,
    exitCode,
  };
}

export function doctorLines(facts: DoctorFacts, view: View): readonly string[] {
  const { found } = facts;
  const machines = [...new Set(found.map(({ machine }) => machine))];
  const groups = machines.flatMap((machine) => [
    view.paint.bold(machine === "pve" ? `${machine} (hypervisor)` : view.hostName(machine)),
    ...found.filter((one) => one.machine === machine).flatMap((one) => findingLines(one, view)),
    "",
  ]);
  return [...groups, ...closing(facts, view)];
}

function findingLines(one: Diagnosis, view: View): readonly string[] {
  const { paint } = view;
  const first = isWarning(one) ? "  ~ " : "  ! ";
  const sign = isWarning(one) ? paint.yellow("  ~ ") : paint.red("  ! ");
  const [head = "", ...more] = hanging(first, flat(one.message), view.width);
  const command = fixLine(one);
  // A command is copied: it is never broken.
  const help =
    command !== undefined
      ? [
          `    ${paint.dim("$")} ${flat(command)}${one.fix?.isSafe === true ? paint.dim(`   # ${option.fix}`) : ""}`,
        ]
      : one.hint === undefined
        ? []
        : hanging("    hint: ", flat(one.hint), view.width);
  return [sign + head.slice(first.length), ...more, ...help];
}

function closing(
  { found, asked, machines, durationMs, repeat, exitCode }: DoctorFacts,
  view: View,
): readonly string[] {
  const warnings = found.filter(isWarning).length;
  const errors = found.length - warnings;
  const work = `${count(asked, "question")} to ${count(machines, "machine")} · ${duration(durationMs)}`;
  if (found.length === 0)
    return wrapAtDots(`Ready for a sync: everything is as it must be · ${work}`, view.width);
  const summary = wrapAtDots(
    `${count(errors, "error")}, ${count(warnings, "warning")} · ${work}`,
    view.width,
  );
  const safe = found.filter(({ fix }) => fix?.isSafe === true).length;
  const commands = found.some(({ fix }) => fix !== undefined)
    ? "Commands are for the hypervisor's shell"
    : "";
  const fix =
    safe === 0 ? "" : `\`phoenix doctor ${option.fix}${repeat}\` runs the ${safe} marked ${option.fix}`;
  const last = [commands, fix].filter((part) => part !== "").join("; ");
  const end = errors > 0 ? `(exit ${exitCode})` : "A sync works all the same.";
  return [...summary, [last === "" ? "" : `${last}.`, end].filter((part) => part !== "").join(" ")];
}
