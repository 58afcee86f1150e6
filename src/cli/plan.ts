/** `phoenix plan`: what a sync would do. */
import { resolve } from "node:path";
import { defined } from "../defined.ts";
import type { Plan, RunResult } from "../engine/plan.ts";
import { type ExitCode, exitCodes, UsageError } from "../errors.ts";
import { quoted } from "../formats/shell/quote.ts";
import { option } from "../option-names.ts";
import type { SavedPlanDocument } from "../render/output-saved-plan.ts";
import type { PlanFacts } from "../render/text-plan.ts";
import type { Call, CommandDefinition } from "./command.ts";
import type { Session } from "./session.ts";
import {
  choicesOf,
  commandOf,
  refuseOff,
  refuseUnknownResources,
  type Targets,
  targetsOf,
} from "./targets.ts";

export const planCommand: CommandDefinition = {
  name: "plan",
  arguments: "[component...]",
  summary: "show what a sync would change; change nothing",
  description: [
    "Reads the live systems and compares them with the site. While it runs, hosts and APIs refuse every change.",
  ],
  options: [
    {
      flags: `-o, ${option.out} <file>`,
      description: `save the plan for \`phoenix sync ${option.plan}\`; only its owner can read the file`,
      completes: "files",
    },
    {
      flags: `${option.accept} <resource>`,
      description: "show what the site's files would say if they took over this drift (repeatable)",
      repeatable: true,
    },
  ],
  uses: ["only", "skip", "allow", "full", "pager", "output", "parallel", "timeout"],
  examples: [
    ["phoenix plan", "all components"],
    ["phoenix plan dns firewall", "two components"],
    ["phoenix plan --full --output json", "the whole plan as JSON"],
    [
      "phoenix plan -o change.plan",
      `and save it: \`phoenix sync ${option.plan} change.plan\` does exactly that`,
    ],
    ["phoenix plan --allow prune", "including the deletion of what the site no longer declares"],
  ],
  exits: [
    ["converged", "nothing to change"],
    ["error", "the site has errors, or a host or API could not be read"],
    ["pending", "changes are pending"],
    "usage",
    "interrupted",
  ],
  completes: "targets",
  isPaged: true,
  run: runPlan,
};

/** A saved plan and the file that it is in. */
export interface SavedPlan {
  readonly path: string;
  readonly document: SavedPlanDocument;
}

export async function runPlan(call: Call): Promise<ExitCode> {
  const { accept } = call.own;
  if (Array.isArray(accept)) {
    const { acceptDrift } = await import("./accept.ts");
    return (await acceptDrift(call, accept.map(String), false)).exitCode;
  }
  const targets = await targetsOf(call.args, call.options);
  const { out } = call.own;
  const into = typeof out === "string" ? await fileOf(call, out) : undefined;
  const { withSession } = await import("./session.ts");
  return withSession(call, "read", (session) => planAndShow(session, targets, defined({ into })), targets);
}

/** Shows what a sync of a saved plan would do. @throws RefusedError naming what moved */
export async function planAgreed(call: Call, targets: Targets, saved: SavedPlan): Promise<ExitCode> {
  const { withSession } = await import("./session.ts");
  return withSession(call, "read", (session) => planAndShow(session, targets, { saved }), targets);
}

/** Where the plan is to be saved: refused before a plan that takes minutes, not after it. */
async function fileOf({ terminal }: Call, out: string): Promise<string> {
  if (out === "" || out === "-")
    throw new UsageError(`${option.out} needs the name of a file`, {
      hint: `${option.output} json prints the plan`,
    });
  const path = resolve(terminal.directory, out);
  const { refuseOther } = await import("./saved-plan-file.ts");
  await refuseOther(path);
  return path;
}

interface Saving {
  /** The plan must be this one. */
  readonly saved?: SavedPlan;
  /** The file that the plan is saved in. */
  readonly into?: string;
}

export async function planAndShow(
  session: Session,
  targets: Targets,
  { saved, into }: Saving = {},
): Promise<ExitCode> {
  const { call, components, off, run, site, root, display } = session;
  const { options } = call;
  const { agreementOf, keepKey } = await import("./saved-plan.ts");
  const agreed = saved && (await agreementOf(session, saved.path, saved.document));
  refuseOff(targets, off);
  refuseUnknownResources(targets.resources, components, site);
  if (into !== undefined) await keepKey(session);
  const [{ plan }, { exitCodeOfPlan }, { refusalOf }, { select }, { planLines }, { planDocument }] =
    await Promise.all([
      import("../engine/run.ts"),
      import("../engine/outcome.ts"),
      import("../engine/safety.ts"),
      import("../engine/order.ts"),
      import("../render/text-plan.ts"),
      import("../render/json.ts"),
    ]);
  const [{ deliver }, { fingerprintedPlan }, { fingerprintsToShow }] = await Promise.all([
    import("./output.ts"),
    import("../render/fingerprinted.ts"),
    import("../fingerprint.ts"),
  ]);
  const started = performance.now();
  const { selected } = select(components, targets);
  run.emit({ type: "run-started", command: "plan", components: selected.map(({ name }) => name) });
  const found = await plan(components, run, choicesOf(targets, options));
  agreed?.(found);
  const planned = await withWays(session, targets, found);
  const refused = refusalOf(planned.components, options.allow);
  const refusal = refused && defined({ message: refused.message, hint: refused.hint });
  display.pause();
  const exitCode = exitCodeOfPlan(planned);
  const facts = {
    site: root,
    world: run.world.description,
    off,
    durationMs: Math.round(performance.now() - started),
    ...defined({ refusal }),
    apply: `phoenix ${whatToDo(targets, call, saved?.path ?? into)}${options.repeat}`,
  };
  const fingerprinted = fingerprintedPlan(planned, await fingerprintsToShow(session.journal));
  await deliver(
    call,
    { planned: fingerprinted, facts },
    (shown) => planDocument(shown.planned, shown.facts, exitCode),
    (shown, view) =>
      options.quiet && exitCode === exitCodes.converged ? [] : planLines(shown.planned, shown.facts, view),
    site,
  );
  if (into !== undefined) await save(session, targets, { planned, fingerprinted, facts }, into);
  return exitCode;
}

/** With notes on what stacks that were named alone need from components that were not. */
export async function withWays<Seen extends Plan | RunResult>(
  session: Session,
  targets: Targets,
  seen: Seen,
): Promise<Seen> {
  if (!targets.resources.some((id) => id.startsWith("stacks/"))) return seen;
  const { withMissingWays } = await import("./stack-way.ts");
  return withMissingWays(session, targets, seen);
}

/** The words behind "phoenix sync" that do what was planned. */
function whatToDo(targets: Targets, { options }: Call, file: string | undefined): string {
  return file === undefined
    ? `${commandOf(targets)}${consents(options.allow)}`
    : `sync ${option.plan} ${quoted(file)}`;
}

/** A plan, and how it is shown. */
interface Planned {
  readonly planned: Plan;
  readonly fingerprinted: Plan;
  readonly facts: PlanFacts;
}

/** Saves a plan that is whole. */
async function save(
  session: Session,
  targets: Targets,
  { planned, fingerprinted, facts }: Planned,
  path: string,
): Promise<void> {
  const { call, site } = session;
  const { terminal, options } = call;
  const [
    { planLines },
    { savedPlan },
    { writeSavedPlan },
    { viewOf },
    { writeLines },
    { isConverged },
    { exitCodeOfPlan },
  ] = await Promise.all([
    import("../render/text-plan.ts"),
    import("./saved-plan.ts"),
    import("./saved-plan-file.ts"),
    import("./output.ts"),
    import("./terminal.ts"),
    import("../engine/plan.ts"),
    import("../engine/outcome.ts"),
  ]);
  const say = (line: string): void => {
    if (!options.quiet) writeLines(terminal.stderr, [line]);
  };
  if (exitCodeOfPlan(planned) === exitCodes.error) return say(`not saved to ${path}: the plan is not whole`);
  const view = {
    ...viewOf(terminal.stdout, terminal, { color: "never", full: options.full }, site),
    width: Number.POSITIVE_INFINITY,
  };
  const lines = planLines(terminal.redact(fingerprinted), terminal.redact(facts), view);
  // The last line says how to apply the plan.
  const text = isConverged(planned) ? lines : lines.slice(0, -1);
  await writeSavedPlan(path, await savedPlan(session, targets, planned, text));
  say(`saved to ${path}`);
}

function consents(allow: ReadonlySet<string>): string {
  return [...allow].map((consent) => ` ${option.allow} ${consent}`).join("");
}
