/** `phoenix import`: a site from a living host. */
import { resolve } from "node:path";
import { type ExitCode, UsageError } from "../errors.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";

export const importCommand: CommandDefinition = {
  name: "import",
  arguments: "<dir>",
  summary: "write a site that declares what a living host has",
  description: [
    "Reads the hypervisor and its guests, and changes nothing on them. Comments in the site's files tell where each value",
    "was read; IMPORT.md lists what was found and cannot be declared, with its place and the reason. At the end the site is",
    "planned against the same host.",
    "",
    "In a directory that has a site already it shows what it would write, and writes nothing.",
    `With ${option.merge} it adds what is new on the host, and changes what the host changed since the last import. What you`,
    "edited stays: where the host changed the same value, both are shown.",
  ],
  options: [
    { flags: option.merge, description: "write what differs into a site that is there already" },
    { flags: `${option.portainerUser} <name>`, description: "a Portainer administrator (default: admin)" },
    {
      flags: `${option.portainerPassword} <ref>`,
      description: "the administrator's password: file:PATH or env:NAME",
    },
    {
      flags: `${option.portainerApiKey} <ref>`,
      description: "an administrator's API key, used instead of a login: file:PATH or env:NAME",
    },
  ],
  uses: ["host", "lab", "output"],
  examples: [
    ["phoenix import my-site", "on the hypervisor, into a new directory"],
    ["phoenix import my-site --host root@pve", "from another machine, over SSH"],
    ["phoenix import my-site --merge", "bring a site up to date with its host"],
  ],
  exits: [
    ["converged", "a sync of the new site would change nothing"],
    ["error", "the host cannot be read, or the directory cannot be written"],
    ["pending", "a sync of the new site would change what is listed"],
    "usage",
    "interrupted",
  ],
  completes: "directories",
  run: runImport,
};

async function runImport(call: Call): Promise<ExitCode> {
  const [directory] = call.args;
  if (directory === undefined)
    throw new UsageError("name the directory that the site is written to", {
      hint: `\`phoenix import DIR\`; ${option.host} or ${option.lab} name another host`,
    });
  const { importInto } = await import("./import-run.ts");
  return importInto(call, resolve(call.terminal.directory, directory));
}
