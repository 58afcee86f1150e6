/** `phoenix check`: proves the site before anything is changed. */
import { type ExitCode, exitCodes } from "../errors.ts";
import type { Call, CommandDefinition } from "./command.ts";

export const checkCommand: CommandDefinition = {
  name: "check",
  summary: "prove that the site's files agree; change nothing",
  description: [
    "Reads the site's files only: no host, no network. Each problem is shown with its place, its code and a hint.",
  ],
  uses: ["site", "output"],
  examples: [
    ["phoenix check", "the site in its default directory"],
    ["phoenix check --site .", "the site in this directory, before a commit"],
    ["phoenix check --output json", "the problems as JSON, for an editor or a pipeline"],
  ],
  exits: [
    ["converged", "no errors; there may be warnings"],
    ["error", "the site has errors, or cannot be read"],
    "usage",
  ],
  run: runCheck,
};

async function runCheck(call: Call): Promise<ExitCode> {
  const started = performance.now();
  const [{ loadProven }, { checkDocument }, { checkLines }, { deliver }] = await Promise.all([
    import("./site.ts"),
    import("../render/json.ts"),
    import("../render/problems.ts"),
    import("./output.ts"),
  ]);
  const { root, site, problems, sources } = await loadProven(call);
  const isBroken = site === undefined || problems.some(({ severity }) => severity === "error");
  const exitCode = isBroken ? exitCodes.error : exitCodes.converged;
  const durationMs = Math.round(performance.now() - started);
  const size = site && {
    guests: site.guests.filter(({ template }) => !template).length,
    services: site.services.length,
    stacks: site.stacks.length,
  };
  await deliver(
    call,
    problems,
    (shown) => checkDocument(root, shown, size, durationMs, exitCode),
    (shown, view) => checkLines(shown, sources, size, durationMs, view),
    site,
  );
  return exitCode;
}
