/** `phoenix doctor`: whether everything is so that a sync can work, and what puts it right. */
import type { Component, Hazard } from "../component.ts";
import { defined } from "../defined.ts";
import type { Diagnoses, Diagnosis } from "../doctor/diagnose.ts";
import type { RunWorld } from "../engine/run.ts";
import {
  type ExitCode,
  exitCodes,
  InterruptedError,
  messageOf,
  PhoenixError,
  RefusedError,
} from "../errors.ts";
import { option } from "../option-names.ts";
import type { DoctorFacts, DoctorFinding } from "../render/doctor.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { isConfirmed, underLock } from "./locked.ts";
import type { Session } from "./session.ts";
import { type Targets, targetsOf } from "./targets.ts";

export const doctorCommand: CommandDefinition = {
  name: "doctor",
  summary: "find what keeps a sync from working, and the commands that put it right",
  description: [
    "Asks the hypervisor and each guest for everything that must be so before a sync can work: versions, units, ports,",
    "exports and mounts, names and addresses, clocks, disk space. docs/prerequisites.md lists it. Nothing is changed",
    `without ${option.fix}, which does what is safe: it shows each command, and asks.`,
  ],
  options: [{ flags: option.fix, description: "run the commands that are safe, after a question" }],
  uses: ["only", "skip", "yes", "output", "jsonInto", "parallel", "timeout"],
  examples: [
    ["phoenix doctor", "everything, for the parts that the site declares"],
    ["phoenix doctor --only dns,firewall", "what these two components need"],
    ["phoenix doctor --fix", "start what does not run, export what is not exported, after a question"],
    ["phoenix doctor --output json", "the findings with their commands, for a script"],
  ],
  exits: [
    ["converged", "everything is so that a sync can work; there may be warnings"],
    ["error", "something is not as it must be, or the site has errors"],
    ["refused", `${option.fix} was not approved, or the cluster has no quorum; nothing was changed`],
    "locked",
    "usage",
    "interrupted",
  ],
  run: runDoctor,
};

async function runDoctor(call: Call): Promise<ExitCode> {
  const targets = await targetsOf([], call.options);
  const { withSession } = await import("./session.ts");
  const isFixing = call.own.fix === true;
  const work = async (session: Session): Promise<ExitCode> => {
    const diagnosed = await examine(session, targets);
    const fixes = diagnosed.found.filter(({ fix }) => fix?.isSafe === true);
    if (!isFixing || fixes.length === 0) return show(session, diagnosed);
    return fixAndShow(session, targets, diagnosed, fixes);
  };
  const opening = { only: [], skip: [], evenUnmounted: true as const };
  return withSession(call, isFixing ? "change" : "read", work, opening);
}

interface Diagnosed extends Diagnoses {
  readonly durationMs: number;
}

async function examine({ components, run: loud }: Session, { only, skip }: Targets): Promise<Diagnosed> {
  const [{ diagnose }, { Turn }] = await Promise.all([
    import("../doctor/diagnose.ts"),
    import("../engine/turn.ts"),
  ]);
  // What components tell while they look is not what was asked.
  const run = { ...loud, emit: () => undefined };
  const [component] = components;
  if (component === undefined) throw new Error("the table of components is empty");
  const started = performance.now();
  const selected = components.filter(
    ({ name }) => (only.length === 0 || only.includes(name)) && !skip.includes(name),
  );
  const diagnoses = await diagnose(new Turn(run, component).io, {
    components: selected,
    hazards: (each) => hazardsOf(each, run),
    nodeVersion: process.versions.node,
  });
  return { ...diagnoses, durationMs: Math.round(performance.now() - started) };
}

/** What a sync of the component would be refused for. What cannot be read may have to be created. */
async function hazardsOf(component: Component, run: RunWorld): Promise<readonly Hazard[]> {
  const [{ planComponent }, { Turn }] = await Promise.all([
    import("../engine/plan-run.ts"),
    import("../engine/turn.ts"),
  ]);
  const part = await planComponent(component, run, { allow: new Set() });
  if (part.unread === undefined && part.unreadResources.length === 0) return part.hazards;
  const changes = part.desired.map((desired) => ({ verb: "create", desired }) as const);
  return (await component.hazards?.(changes, new Turn(run, component).io)) ?? [];
}

async function show(session: Session, { found, ...diagnosed }: Diagnosed): Promise<ExitCode> {
  const { call, site, root, run, display } = session;
  const [{ doctorDocument, doctorLines }, { deliver }, { fixLine }] = await Promise.all([
    import("../render/doctor.ts"),
    import("./output.ts"),
    import("../doctor/fix.ts"),
  ]);
  const findings = found.map(
    (one): DoctorFinding =>
      defined({
        machine: one.machine,
        prerequisite: one.prerequisite,
        severity: one.isWarning === true ? ("warning" as const) : ("error" as const),
        message: one.message,
        command: fixLine(one, call.options.repeat),
        safe: one.fix?.isSafe,
        hint: one.hint,
      }),
  );
  const isReady = findings.every(({ severity }) => severity === "warning");
  const facts: DoctorFacts = {
    ...diagnosed,
    findings,
    site: root,
    world: run.world.description,
    repeat: call.options.repeat,
    exitCode: isReady ? exitCodes.converged : exitCodes.error,
  };
  display.pause();
  const isSilent = call.options.quiet && facts.findings.length === 0;
  await deliver(
    call,
    facts,
    doctorDocument,
    (shown, view) => (isSilent ? [] : doctorLines(shown, view)),
    site,
  );
  return facts.exitCode;
}

/** Shows the safe commands, asks, runs them one after the other, and looks again. */
async function fixAndShow(
  session: Session,
  targets: Targets,
  diagnosed: Diagnosed,
  fixes: readonly Diagnosis[],
): Promise<ExitCode> {
  const { call, display } = session;
  const { options, terminal } = call;
  const [{ fixLine }, { describeHost }] = await Promise.all([
    import("../doctor/fix.ts"),
    import("../fabric/guests.ts"),
  ]);
  display.pause();
  for (const one of fixes)
    display.say(
      terminal.redact(
        `${describeHost(session.site, one.machine)}: ${one.message}\n  $ ${fixLine(one, options.repeat)}`,
      ),
    );
  if (!options.yes && !terminal.stdin.tty) {
    await show(session, diagnosed);
    throw new RefusedError(`${option.fix} asks before it runs these commands, and there is no terminal`, {
      hint: `${option.yes} answers the question`,
    });
  }
  if (!options.yes && !(await isApproved(session, fixes.length)))
    throw new RefusedError("not approved: nothing was changed");
  await runFixes(session, fixes);
  return show(session, await examine(session, targets));
}

async function isApproved(session: Session, commands: number): Promise<boolean> {
  const isYes = await isConfirmed(session, commands === 1 ? "Run it?" : `Run these ${commands} commands?`);
  if (session.run.signal.aborted) throw new InterruptedError("interrupted: nothing was changed");
  return isYes;
}

/** A sync must not run meanwhile. A command that fails is told, and the others go on: the second look says what is left. */
async function runFixes(session: Session, fixes: readonly Diagnosis[]): Promise<void> {
  const { call, run, display } = session;
  const { fixLine, runFix } = await import("../doctor/fix.ts");
  await underLock(session, { command: `doctor ${option.fix}` }, async () => {
    for (const one of fixes) {
      const { fix, machine } = one;
      if (fix === undefined) continue;
      try {
        await runFix(run.world.host(machine), fix);
      } catch (error) {
        if (!(error instanceof PhoenixError) || error instanceof InterruptedError) throw error;
        display.say(
          call.terminal.redact(`failed: ${fixLine(one, call.options.repeat)}: ${messageOf(error)}`),
        );
      }
    }
  });
}
