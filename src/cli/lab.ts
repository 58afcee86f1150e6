/** `phoenix lab …`: the embedded lab, which needs no root, no network and no real machine. */
import { resolve } from "node:path";
import { type ExitCode, exitCodes, SiteError, UsageError } from "../errors.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { loadLab } from "./lab-package.ts";

const exits: CommandDefinition["exits"] = [
  [exitCodes.converged, "done"],
  [exitCodes.error, "there is no lab there, or the site has errors"],
  [exitCodes.usage, "the command line makes no sense"],
];

const initCommand: CommandDefinition = {
  name: "lab init",
  arguments: "[dir]",
  summary: "make a lab: machines, guests, a CA and Portainer, in a directory",
  description: [
    `The machines of the site become directories below DIR/hosts; open and edit them. \`phoenix … ${option.lab} DIR\` works on`,
    "them with the same code that works on real ones. Nothing outside DIR is touched.",
  ],
  examples: [
    ["phoenix lab init /tmp/lab --site examples/homelab", "a lab of the example"],
    ["phoenix sync all --lab /tmp/lab", "the first sync in it"],
  ],
  exits,
  completes: "directories",
  run: initialise,
};

const statusCommand: CommandDefinition = {
  name: "lab status",
  arguments: "[dir]",
  summary: "show a lab's machines and what is broken",
  examples: [["phoenix lab status /tmp/lab", "the lab in that directory"]],
  exits,
  completes: "directories",
  run: showStatus,
};

const breakCommand: CommandDefinition = {
  name: "lab break",
  arguments: "<fault> [target] [value]",
  summary: "break something in a lab until it is mended",
  description: describeFaults,
  examples: [
    ["phoenix lab break guest-down lxc/102 --lab /tmp/lab", "a guest does not run"],
    ["phoenix lab break slow portainer 5000 --lab /tmp/lab", "Portainer takes five seconds longer"],
  ],
  exits,
  completes: "faults",
  run: breakSomething,
};

const mendCommand: CommandDefinition = {
  name: "lab mend",
  arguments: "[fault]",
  summary: "mend one kind of fault in a lab, or all",
  examples: [["phoenix lab mend --lab /tmp/lab", "everything works again"]],
  exits,
  completes: "faults",
  run: mend,
};

const resetCommand: CommandDefinition = {
  name: "lab reset",
  arguments: "[dir]",
  summary: "make a lab anew from the site it was made for",
  examples: [["phoenix lab reset /tmp/lab", "as on its first day"]],
  exits,
  completes: "directories",
  run: reset,
};

export const labCommands: readonly CommandDefinition[] = [
  initCommand,
  statusCommand,
  breakCommand,
  mendCommand,
  resetCommand,
];

/** The lab's directory: the argument, --lab, or PHOENIX_LAB. */
function directoryOf({ options, terminal, definition }: Call, argument?: string): string {
  const directory = argument === undefined ? options.lab : resolve(terminal.directory, argument);
  if (directory !== undefined) return directory;
  throw new UsageError("no directory was named for the lab", {
    hint: `phoenix ${definition.name} DIR, or ${option.lab} DIR, or PHOENIX_LAB in the environment`,
  });
}

async function initialise(call: Call): Promise<ExitCode> {
  const directory = directoryOf(call, call.args[0]);
  const { loadProven } = await import("./site.ts");
  const { lab: _, ...options } = call.options;
  const { site, problems, root } = await loadProven({ ...call, options });
  const errors = problems.filter(({ severity }) => severity === "error").length;
  if (site === undefined)
    throw new SiteError(
      `the site in ${root} has ${errors === 1 ? "an error" : `${errors} errors`}; no lab was made`,
      {
        hint: `\`phoenix check ${option.site} ${root}\` shows them`,
      },
    );
  const { initLab } = await loadLab();
  await initLab(directory, site);
  return say(call, [`A lab of ${root} is in ${directory}.`, `Try: phoenix plan ${option.lab} ${directory}`]);
}

async function showStatus(call: Call): Promise<ExitCode> {
  const directory = directoryOf(call, call.args[0]);
  const [{ labStatus }, { labDocument, labLines }, { deliver }] = await Promise.all([
    loadLab(),
    import("../render/lab.ts"),
    import("./output.ts"),
  ]);
  const status = labStatus(directory);
  await deliver(
    call.terminal,
    call.options,
    () => labDocument(status),
    (view) => labLines(status, view),
  );
  return exitCodes.converged;
}

async function describeFaults(): Promise<readonly string[]> {
  const { faultDescriptions } = await loadLab();
  const faults = Object.entries(faultDescriptions);
  return ["Faults:", ...faults.flatMap(([name, text]) => [`  ${name}`, `      ${text}`])];
}

async function breakSomething(call: Call): Promise<ExitCode> {
  const [fault = "", target, value] = call.args;
  const { breakLab } = await loadLab();
  breakLab(directoryOf(call), fault, target, value);
  return say(call, [`Broken: ${[fault, target, value].filter((word) => word !== undefined).join(" ")}.`]);
}

async function mend(call: Call): Promise<ExitCode> {
  const [fault] = call.args;
  const { mendLab } = await loadLab();
  mendLab(directoryOf(call), fault);
  return say(call, [`Mended: ${fault ?? "everything"}.`]);
}

async function reset(call: Call): Promise<ExitCode> {
  const directory = directoryOf(call, call.args[0]);
  const { resetLab } = await loadLab();
  await resetLab(directory);
  return say(call, [`The lab in ${directory} is as on its first day.`]);
}

/** Says what was done, unless a program reads along. */
function say({ terminal, options }: Call, lines: readonly string[]): ExitCode {
  if (!options.quiet && options.output === "text") terminal.stdout.write(`${lines.join("\n")}\n`);
  return exitCodes.converged;
}
