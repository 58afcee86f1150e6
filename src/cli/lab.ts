/** `phoenix lab …`: the embedded lab, which needs neither root nor network nor real machines. */
import { resolve } from "node:path";
import { type ExitCode, exitCodes, SiteError, UsageError } from "../errors.ts";
import { option } from "../option-names.ts";
import { count } from "../render/words.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { loadLab } from "./lab-package.ts";

const exits: CommandDefinition["exits"] = [
  ["converged", "done"],
  ["error", "no lab in that directory, or the site has errors"],
  "usage",
];

const initCommand: CommandDefinition = {
  name: "lab init",
  arguments: "[dir]",
  summary: "make a lab in a directory: hypervisor, guests, CA and Portainer",
  description: [
    "The machines of the site become directories below DIR/hosts, which you can read and edit.",
    `\`phoenix … ${option.lab} DIR\` runs against them with the code that runs against real machines. It writes only below DIR.`,
    "",
    `With ${option.nodes} the hypervisor is a Proxmox cluster. The first node has the site's address, the others get free addresses`,
    "of its network, and the guests are dealt out in turn. An even number of nodes gets a QDevice, so that one may fail.",
  ],
  options: [
    {
      flags: `${option.nodes} <names>`,
      description: "the nodes of a cluster, separated by commas: pve,pve2",
    },
  ],
  examples: [
    ["phoenix lab init /tmp/lab --site examples/homelab", "a lab of the example"],
    ["phoenix sync all --lab /tmp/lab", "the first sync in it"],
    [
      "phoenix lab init /tmp/lab --site examples/homelab --nodes pve,pve2",
      "the same on a cluster of two nodes",
    ],
  ],
  exits,
  completes: "directories",
  run: initLab,
};

const statusCommand: CommandDefinition = {
  name: "lab status",
  arguments: "[dir]",
  summary: "show a lab's machines and its active faults",
  examples: [["phoenix lab status /tmp/lab", "the lab in this directory"]],
  exits,
  completes: "directories",
  run: showStatus,
};

const breakCommand: CommandDefinition = {
  name: "lab break",
  arguments: "<fault> [target] [value]",
  summary: "activate a fault in a lab",
  description: describeFaults,
  examples: [
    ["phoenix lab break guest-down lxc/102 --lab /tmp/lab", "the guest is stopped"],
    ["phoenix lab break slow portainer 5000 --lab /tmp/lab", "Portainer answers five seconds later"],
  ],
  exits,
  completes: faultWords,
  run: breakLab,
};

const mendCommand: CommandDefinition = {
  name: "lab mend",
  arguments: "[fault]",
  summary: "repair one kind of fault in a lab, or all",
  examples: [["phoenix lab mend --lab /tmp/lab", "repair everything"]],
  exits,
  completes: faultWords,
  run: mendLab,
};

const moveCommand: CommandDefinition = {
  name: "lab move",
  arguments: "<guest> <node>",
  summary: "move a guest to another node of a lab's cluster",
  examples: [["phoenix lab move lxc/102 pve2 --lab /tmp/lab", "the guest is on pve2 now"]],
  exits,
  run: moveGuest,
};

const resetCommand: CommandDefinition = {
  name: "lab reset",
  arguments: "[dir]",
  summary: "recreate a lab from its site",
  examples: [["phoenix lab reset /tmp/lab", "discard every change and fault"]],
  exits,
  completes: "directories",
  run: resetLab,
};

export const labCommands = [initCommand, statusCommand, breakCommand, mendCommand, moveCommand, resetCommand];

/** The lab's directory: the argument, --lab, or PHOENIX_LAB. */
function directoryOf({ options, terminal, definition }: Call, argument?: string): string {
  const directory = argument === undefined ? options.lab : resolve(terminal.directory, argument);
  if (directory !== undefined) return directory;
  throw new UsageError("name the lab's directory", {
    hint: `\`phoenix ${definition.name} DIR\`, ${option.lab} DIR, or the variable PHOENIX_LAB`,
  });
}

async function initLab(call: Call): Promise<ExitCode> {
  const directory = directoryOf(call, call.args[0]);
  const { loadProven } = await import("./site.ts");
  const { lab: _, ...options } = call.options;
  const { site, problems, root } = await loadProven({ ...call, options });
  const errors = problems.filter(({ severity }) => severity === "error").length;
  if (site === undefined)
    throw new SiteError(`the site in ${root} has ${count(errors, "error")}; no lab was made`, {
      hint: `\`phoenix check ${option.site} ${root}\` shows them`,
    });
  const lab = await loadLab();
  const nodes = nodesIn(call);
  await lab.initLab(directory, site, nodes === undefined ? {} : { nodes });
  return say(call, `Made a lab of ${root} in ${directory}.\nTry: phoenix plan ${option.lab} ${directory}`);
}

/** @throws UsageError for a name that no node can have */
function nodesIn({ own }: Call): readonly string[] | undefined {
  if (typeof own.nodes !== "string") return undefined;
  const names = own.nodes.split(",").map((name) => name.trim());
  const invalid = names.find((name) => !/^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(name));
  if (invalid !== undefined)
    throw new UsageError(`${option.nodes}: ${JSON.stringify(invalid)} is not a valid node name`, {
      hint: `names, separated by commas: ${option.nodes} pve,pve2`,
    });
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new UsageError(`${option.nodes}: ${JSON.stringify(twice)} is there twice`);
  return names;
}

async function moveGuest(call: Call): Promise<ExitCode> {
  const [guest = "", node = ""] = call.args;
  const lab = await loadLab();
  await lab.moveGuest(directoryOf(call), guest, node);
  return say(call, `${guest} is on ${node}.`);
}

async function showStatus(call: Call): Promise<ExitCode> {
  const directory = directoryOf(call, call.args[0]);
  const [{ labStatus }, { labDocument, labLines }, { deliver }] = await Promise.all([
    loadLab(),
    import("../render/lab.ts"),
    import("./output.ts"),
  ]);
  const status = await labStatus(directory);
  await deliver(call, status, labDocument, labLines);
  return exitCodes.converged;
}

/** Candidates for completion: a fault, then its target; none in an installation without the lab. */
async function faultWords(position: number): Promise<readonly string[]> {
  const lab = await loadLab().catch(() => undefined);
  if (lab === undefined) return [];
  if (position > 0) return ["pve", ...lab.faultRoles];
  return Object.entries(lab.faultDescriptions).map(([name, text]) => `${name}\t${text}`);
}

async function describeFaults(): Promise<readonly string[]> {
  const { faultDescriptions } = await loadLab();
  const faults = Object.entries(faultDescriptions);
  return ["Faults:", ...faults.flatMap(([name, text]) => [`  ${name}`, `      ${text}`])];
}

async function breakLab(call: Call): Promise<ExitCode> {
  const [fault = "", target, value] = call.args;
  const lab = await loadLab();
  lab.breakLab(directoryOf(call), fault, target, value);
  return say(call, `Fault active: ${call.args.join(" ")}.`);
}

async function mendLab(call: Call): Promise<ExitCode> {
  const [fault] = call.args;
  const lab = await loadLab();
  lab.mendLab(directoryOf(call), fault);
  return say(call, `Repaired: ${fault ?? "every fault"}.`);
}

async function resetLab(call: Call): Promise<ExitCode> {
  const directory = directoryOf(call, call.args[0]);
  const lab = await loadLab();
  await lab.resetLab(directory);
  return say(call, `Recreated the lab in ${directory}.`);
}

/** Reports what was done, unless a program reads the output. */
function say({ terminal, options }: Call, text: string): ExitCode {
  if (!options.quiet && options.output === "text") terminal.stdout.write(`${text}\n`);
  return exitCodes.converged;
}
