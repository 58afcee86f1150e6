/** `phoenix init`: a new site, from a few answers. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type ExitCode, exitCodes, InterruptedError } from "../errors.ts";
import type { Answers } from "../init/answers.ts";
import type { HostAnswers } from "../init/found.ts";
import { defaultParts, partDefinitions, partNames, roleNames } from "../init/parts.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";

export const initCommand: CommandDefinition = {
  name: "init",
  arguments: "<dir>",
  summary: "write a new site into a directory, from a few questions or options",
  description: [
    "The files are commented, pass `phoenix check`, and have JSON Schemas that an editor completes and checks them by.",
    `On a Proxmox VE host, with ${option.host} or ${option.lab} the host's domain, address and guests are the defaults: it is only`,
    "read. A part that needs a guest takes the one whose name says so, or plans a new one, which you create. Nothing in the",
    "directory is overwritten. Parts:",
    ...partNames.map((name) => `  ${name.padEnd(9)}  ${partDefinitions[name].about}`),
  ],
  options: [
    { flags: `${option.domain} <name>`, description: "the domain of the services: each is NAME.DOMAIN" },
    {
      flags: `${option.address} <address/prefix>`,
      description: "the hypervisor's address with its prefix length: 192.168.1.2/24",
    },
    { flags: `${option.bridge} <name>`, description: "the bridge that the guests are on (default: vmbr0)" },
    {
      flags: `${option.parts} <parts>`,
      description: `what Phoenix takes care of, separated by commas (default: ${defaultParts})`,
      repeatable: true,
      listOf: partNames,
    },
    {
      flags: `${option.container} <guest>`,
      description:
        "a container as ID:NAME:ADDRESS:PORT (repeatable); the port of its service may be left out",
      repeatable: true,
    },
    { flags: `${option.vm} <guest>`, description: "a virtual machine, written the same", repeatable: true },
    {
      flags: `${option.role} <role=id>`,
      description: `the guest of a role (repeatable): gateway=101; the roles are ${roleNames.join(", ")}`,
      repeatable: true,
    },
    {
      flags: `${option.storage} <dir>`,
      description: "the directory on the hypervisor for shares and certificates (default: /srv/phoenix)",
    },
  ],
  uses: ["yes", "host", "lab"],
  examples: [
    ["phoenix init site", "asks; on a Proxmox VE host it knows most of the answers"],
    [
      "phoenix init site --domain home.arpa --address 192.168.1.2/24 --container 120:media:192.168.1.20:8096",
      "a site for DNS and the firewall, without a question",
    ],
    [
      `phoenix init site ${option.host} root@pve ${option.parts} dns,portainer ${option.yes}`,
      "with what the host says",
    ],
  ],
  exits: [
    ["converged", "written"],
    ["error", "the directory is not empty, the host cannot be read, or the answers contradict each other"],
    "usage",
    "interrupted",
  ],
  completes: "directories",
  run: runInit,
};

async function runInit(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const directory = resolve(terminal.directory, call.args[0] ?? "");
  const [{ answersIn, draftOf }, { filesOf }, { newSite, refuseTaken }, { randomBytes }] = await Promise.all([
    import("../init/answers.ts"),
    import("../init/files.ts"),
    import("./new-site.ts"),
    import("node:crypto"),
  ]);
  const given = answersIn(call.own);
  await refuseTaken(directory);
  const draft = draftOf(await complete(call, given));
  await newSite(call, directory, draft, filesOf(draft, randomBytes(18).toString("base64url")));
  return exitCodes.converged;
}

/** The answers, with those that the host and the person at the terminal give. @throws UsageError when neither can be asked */
async function complete(call: Call, given: Answers): Promise<Answers> {
  const { terminal, options, interruption } = call;
  const say = (line: string): void => terminal.stderr.write(`${line}\n`);
  const [{ joined, needed }, { answers: found, omitted }] = await Promise.all([
    import("../init/answers.ts"),
    askHost(call),
  ]);
  for (const line of omitted) say(`left out: ${line}`);
  if (terminal.stdin.tty && !options.yes) {
    const { asked } = await import("../init/questions.ts");
    const answers = await asked(given, found, {
      say,
      ask: (question) => {
        terminal.stderr.write(question);
        return terminal.stdin.readLine(interruption.now);
      },
    });
    if (answers !== undefined) return answers;
    throw new InterruptedError("interrupted: nothing was written");
  }
  const known = joined(found, given);
  const missing = [
    ...(known.domain === undefined && !options.yes ? [option.domain] : []),
    ...(known.placed === undefined ? [option.address] : []),
  ];
  if (missing.length > 0) throw needed(missing);
  return known;
}

/** What the host says that the call names, or this machine when it is a hypervisor. */
async function askHost(call: Call): Promise<HostAnswers> {
  const { host, lab } = call.options;
  if (host === undefined && lab === undefined && !existsSync("/etc/pve/nodes"))
    return { answers: {}, omitted: [] };
  const [{ answersOf }, { openDisplay }, { openWorld }] = await Promise.all([
    import("../init/found.ts"),
    import("./display.ts"),
    import("./world.ts"),
  ]);
  const display = openDisplay(call.terminal, call.options, undefined);
  const { now: signal } = call.interruption;
  const world = await openWorld(call, { access: "read", display, signal, site: undefined });
  try {
    return await answersOf(world);
  } finally {
    display.pause();
    await world.close();
  }
}
