/** `phoenix check`: proves the site before anything is changed. */
import { commandsConsent } from "../engine/order.ts";
import { type ExitCode, exitCodes } from "../errors.ts";
import { option } from "../option-names.ts";
import type { Problem } from "../problem.ts";
import { count } from "../render/words.ts";
import type { OuterReference } from "../site/secrets/index.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { problemsOf } from "./concerns.ts";
import { refuseOff } from "./targets.ts";

export const checkCommand: CommandDefinition = {
  name: "check",
  summary: "prove that the site's files agree; change nothing",
  description: [
    "Reads the site's files only: no host, no network, no command. Each problem is shown with its place, its code and a",
    `hint. Secrets from commands (exec:) are not looked up without ${option.allow} ${commandsConsent}; those from files outside`,
    "of the site are read and listed.",
  ],
  uses: ["site", "only", "skip", "output"],
  examples: [
    ["phoenix check", "the site in its default directory"],
    ["phoenix check --site .", "the site in this directory, before a commit"],
    ["phoenix check --only dns", "what keeps one component from working"],
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
  const [{ loadProven }, { componentsOff }, { checkDocument }, { checkLines }, { deliver }] =
    await Promise.all([
      import("./site.ts"),
      import("../components/parts.ts"),
      import("../render/json.ts"),
      import("../render/problems.ts"),
      import("./output.ts"),
    ]);
  const runsCommands = call.options.allow.has(commandsConsent);
  const { root, site, problems: all, sources, outer } = await loadProven(call, { runsCommands });
  const problems = problemsOf(all, call.options);
  const isBroken = problems.some(({ severity }) => severity === "error");
  const exitCode = isBroken ? exitCodes.error : exitCodes.converged;
  const durationMs = Math.round(performance.now() - started);
  const size = site && {
    guests: site.guests.filter(({ template }) => !template).length,
    services: site.services.length,
    stacks: site.stacks.length,
  };
  const off = site === undefined ? [] : componentsOff(site);
  refuseOff(call.options, off);
  const notes = [...outerNotes(outer), ...otherNotes(all, problems)];
  await deliver(
    call,
    { problems, notes, size, off, durationMs },
    (shown) => checkDocument(root, shown, exitCode),
    (shown, view) =>
      call.options.quiet && shown.problems.length === 0 ? [] : checkLines(shown, sources, view),
    site,
  );
  return exitCode;
}

/** A selection hides what still keeps the site from being planned. */
function otherNotes(all: readonly Problem[], shown: readonly Problem[]): readonly string[] {
  const hidden = all.filter((problem) => !shown.includes(problem));
  const errors = hidden.filter(({ severity }) => severity === "error").length;
  if (hidden.length === 0) return [];
  const counts = `${count(errors, "error")}, ${count(hidden.length - errors, "warning")}`;
  return [`not shown, because other components are concerned: ${counts}`];
}

/** What reaches beyond the site: whoever did not write it should know. */
function outerNotes(outer: readonly OuterReference[]): readonly string[] {
  return outer.map(({ kind, target, at, isRead }) => {
    const place = `${at.file}:${at.line}:${at.column}`;
    if (kind === "file") return `${place}: this secret is read from outside of the site: ${target}`;
    return isRead
      ? `${place}: this secret comes from a command, which was run: ${target}`
      : `${place}: this secret comes from a command, which was not run: ${target} (${option.allow} ${commandsConsent} runs it)`;
  });
}
