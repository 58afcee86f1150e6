/** `phoenix plan`: what a sync would do. */
import { defined } from "../defined.ts";
import type { Plan } from "../engine/plan.ts";
import { type ExitCode, RefusedError } from "../errors.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";
import type { Session } from "./session.ts";
import { refuseUnknownResources, type Targets, targetsOf } from "./targets.ts";

export const planCommand: CommandDefinition = {
  name: "plan",
  arguments: "[component...]",
  summary: "show what a sync would change; change nothing",
  description: [
    "Reads the live systems and compares them with the site. While it runs, hosts and APIs refuse every change.",
  ],
  uses: ["only", "skip", "allow", "full", "output", "parallel", "timeout"],
  examples: [
    ["phoenix plan", "all components"],
    ["phoenix plan dns firewall", "two components"],
    ["phoenix plan --full --output json", "the whole plan as JSON"],
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
  run: runPlan,
};

export async function runPlan(call: Call): Promise<ExitCode> {
  const targets = await targetsOf(call.args, call.options);
  const { withSession } = await import("./session.ts");
  return withSession(call, "read", (session) => planAndShow(session, targets));
}

async function planAndShow(session: Session, targets: Targets): Promise<ExitCode> {
  const { call, components, run, site, root, display } = session;
  const { options } = call;
  refuseUnknownResources(targets.resources, components, site);
  const [{ plan }, { exitCodeOfPlan }, { select }, { planLines }, { planDocument }, { deliver }] =
    await Promise.all([
      import("../engine/run.ts"),
      import("../engine/outcome.ts"),
      import("../engine/order.ts"),
      import("../render/text-plan.ts"),
      import("../render/json.ts"),
      import("./output.ts"),
    ]);
  const started = performance.now();
  const { selected } = select(components, targets.only, targets.skip);
  run.emit({ type: "run-started", command: "plan", components: selected.map(({ name }) => name) });
  const choices = { only: targets.only, skip: targets.skip, allow: options.allow };
  const planned = await plan(components, run, choices);
  const refusal = await refusalOf(session, planned);
  display.pause();
  const exitCode = exitCodeOfPlan(planned);
  const facts = {
    site: root,
    world: run.world.description,
    durationMs: Math.round(performance.now() - started),
    ...defined({ refusal }),
    apply: `phoenix sync ${targets.words}${consents(options.allow)}${options.repeat}`,
  };
  await deliver(
    call,
    () => planDocument(planned, facts, exitCode),
    (view) => planLines(planned, facts, view),
    site,
  );
  return exitCode;
}

function consents(allow: ReadonlySet<string>): string {
  return [...allow].map((consent) => ` ${option.allow} ${consent}`).join("");
}

/** Why a sync of this plan would be refused; undefined when it would not be. */
async function refusalOf(
  { call, components, run }: Session,
  planned: Plan,
): Promise<{ message: string; hint?: string } | undefined> {
  const { refuseUnsafe } = await import("../engine/plan-run.ts");
  try {
    await refuseUnsafe(components, run, { allow: call.options.allow }, planned.components);
    return undefined;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const { message, hint } = error;
    return { message, ...defined({ hint }) };
  }
}
