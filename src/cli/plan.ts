/** `phoenix plan`: what a sync would do. */
import { defined } from "../defined.ts";
import type { ExitCode } from "../errors.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";
import type { Session } from "./session.ts";
import { choicesOf, refuseOff, refuseUnknownResources, type Targets, targetsOf } from "./targets.ts";

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
  return withSession(call, "read", (session) => planAndShow(session, targets), targets);
}

async function planAndShow(session: Session, targets: Targets): Promise<ExitCode> {
  const { call, components, off, run, site, root, display } = session;
  const { options } = call;
  refuseOff(targets, off);
  refuseUnknownResources(targets.resources, components, site);
  const [
    { plan },
    { exitCodeOfPlan },
    { refusalOf },
    { select },
    { planLines },
    { planDocument },
    { deliver },
    { fingerprintedPlan },
    { fingerprintsToShow },
  ] = await Promise.all([
    import("../engine/run.ts"),
    import("../engine/outcome.ts"),
    import("../engine/safety.ts"),
    import("../engine/order.ts"),
    import("../render/text-plan.ts"),
    import("../render/json.ts"),
    import("./output.ts"),
    import("../render/fingerprinted.ts"),
    import("../fingerprint.ts"),
  ]);
  const started = performance.now();
  const { selected } = select(components, targets);
  run.emit({ type: "run-started", command: "plan", components: selected.map(({ name }) => name) });
  const choices = choicesOf(targets, options);
  const planned = await plan(components, run, choices);
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
    apply: `phoenix sync ${targets.words}${consents(options.allow)}${options.repeat}`,
  };
  await deliver(
    call,
    { planned: fingerprintedPlan(planned, await fingerprintsToShow(session.journal)), facts },
    (shown) => planDocument(shown.planned, shown.facts, exitCode),
    (shown, view) => planLines(shown.planned, shown.facts, view),
    site,
  );
  return exitCode;
}

function consents(allow: ReadonlySet<string>): string {
  return [...allow].map((consent) => ` ${option.allow} ${consent}`).join("");
}
