/** `phoenix status`: the last run, each component's state, the guests. */
import { defined } from "../defined.ts";
import type { ExitCode } from "../errors.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { refuseOff, targetsOf } from "./targets.ts";

export const statusCommand: CommandDefinition = {
  name: "status",
  summary: "show the last run, each component's state and the guests",
  uses: ["only", "skip", "output", "timeout"],
  examples: [
    ["phoenix status", "everything at a glance"],
    ["phoenix status --output json", "the same for a dashboard"],
  ],
  exits: [
    ["converged", "everything is in sync"],
    ["error", "the site has errors, or a host or API could not be read"],
    ["pending", "changes are pending"],
    "usage",
    "interrupted",
  ],
  run: runStatus,
};

async function runStatus(call: Call): Promise<ExitCode> {
  const { options } = call;
  const targets = await targetsOf([], options);
  const { withSession } = await import("./session.ts");
  return withSession(
    call,
    "read",
    async ({ components, off, run, site, root, display, journal }) => {
      refuseOff(targets, off);
      const [{ plan }, { exitCodeOfPlan }, { statusDocument, statusLines }, { guestStates }, { deliver }] =
        await Promise.all([
          import("../engine/run.ts"),
          import("../engine/outcome.ts"),
          import("../render/status.ts"),
          import("./guest-state.ts"),
          import("./output.ts"),
        ]);
      const started = performance.now();
      const choices = { only: targets.only, skip: targets.skip, allow: options.allow };
      run.emit({ type: "run-started", command: "plan", components: [] });
      const [planned, guests, lastRun] = await Promise.all([
        plan(components, run, choices),
        guestStates(site, run.world),
        journal.runs.latest(),
      ]);
      display.pause();
      const exitCode = exitCodeOfPlan(planned);
      const facts = {
        site: root,
        world: run.world.description,
        ...defined({ lastRun }),
        plan: planned,
        off,
        guests,
        durationMs: Math.round(performance.now() - started),
        exitCode,
      };
      await deliver(
        call,
        facts,
        statusDocument,
        (shown, view) => statusLines(shown, run.world.clock.now(), view),
        site,
      );
      return exitCode;
    },
    targets,
  );
}
