/** A `Host` over one `Exec`: file operations are constant scripts, so every kind of host behaves alike. */
import { createHash } from "node:crypto";
import { defined } from "../defined.ts";
import { CommandError } from "../errors.ts";
import { lastLines } from "../formats/text/last-lines.ts";
import type { HostName } from "../resource.ts";
import { commandError, hintFor, programOf } from "./command-error.ts";
import { TimedOutError, timedOut } from "./command-limits.ts";
import { fileReads } from "./file-reads.ts";
import { boundary, type Command, type CommandResult, type Exec, type FileWrite, type Host } from "./host.ts";
import { type Script, scriptArgv } from "./script.ts";
import * as scripts from "./scripts.ts";
import { bytesOf } from "./text.ts";

/** Names that the temporary files of `writeFiles` begin with; `list` leaves them out. */
const temporaryPrefix = ".phx.";

/** @param within runs commands on that host */
export function createHost(name: HostName, within: Exec): Host {
  const exec = named(name, within);
  const runScript = (
    script: Script,
    effect: Command["effect"],
    parameters: readonly string[],
    stdin?: string,
  ): Promise<CommandResult> => exec(defined({ argv: scriptArgv(script, ...parameters), effect, stdin }));

  const outputOf = (program: string, result: CommandResult): string => {
    if (result.exitCode !== 0) throw commandError(name, program, result);
    return result.stdout;
  };

  const readFiles = fileReads(name, (paths) => runScript(scripts.readFiles, "read", paths));

  return {
    name,
    run: exec,

    expect: async (command) => outputOf(programOf(command.argv), await exec(command)),

    readFiles: async (paths) => {
      if (paths.length === 0) return new Map();
      assertAbsolute(paths);
      return readFiles(paths);
    },

    list: async (directory) => {
      assertAbsolute([directory]);
      const names = outputOf("list", await runScript(scripts.list, "read", [directory])).split("\0");
      return names.filter((entry) => entry !== "" && !entry.startsWith(temporaryPrefix)).sort();
    },

    writeFiles: async (files) => {
      if (files.length === 0) return;
      assertAbsolute(files.map(({ path }) => path));
      const { parameters, stdin } = writeInput(files);
      const result = await runScript(scripts.writeFiles, "change", parameters, stdin);
      if (result.exitCode !== 0) throw writeError(name, files, result);
    },

    remove: async (paths) => {
      if (paths.length === 0) return;
      assertAbsolute(paths);
      outputOf("remove", await runScript(scripts.remove, "change", paths));
    },

    makeDirectory: async (path, { mode = "", owner = "" } = {}) => {
      assertAbsolute([path]);
      outputOf("mkdir", await runScript(scripts.makeDirectory, "change", [path, mode, owner]));
    },
  };
}

/** Says on which host a command took too long. */
function named(name: HostName, within: Exec): Exec {
  return async (command) => {
    try {
      return await within(command);
    } catch (error) {
      if (error instanceof TimedOutError) throw timedOut(name, programOf(command.argv), command);
      throw error;
    }
  };
}

function writeInput(files: readonly FileWrite[]): { parameters: readonly string[]; stdin: string } {
  const contents = files.map(({ text }) => bytesOf(text));
  const parameters = files.flatMap(({ path, mode = "", owner = "", staging = "" }, at) => {
    const sum = createHash("sha256").update(contents[at] ?? "");
    return [path, mode, owner, sum.digest("hex"), staging];
  });
  return { parameters, stdin: contents.map((content) => `${content.toString("base64")}\n`).join("") };
}

function writeError(host: HostName, files: readonly FileWrite[], result: CommandResult): CommandError {
  const what = scripts.writeFailures[result.exitCode];
  const at = /^file (\d+)$/m.exec(result.stderr);
  const path = files[Number(at?.[1])]?.path.replace(boundary, "/");
  if (what === undefined || path === undefined) return commandError(host, scripts.writeFiles.name, result);
  const output = lastLines(result.stderr.replace(/^file \d+$/m, ""));
  const message = `cannot write ${path} on ${host}: ${what}${output === "" ? "" : `: ${output}`}`;
  const hint = result.exitCode === 87 ? "start it: systemctl start pve-cluster" : hintFor(output, path);
  return new CommandError(host, result.exitCode, message, { hint });
}

function assertAbsolute(paths: readonly string[]): void {
  for (const path of paths) {
    if (!path.startsWith("/")) throw new Error(`not an absolute path: ${JSON.stringify(path)}`);
  }
}
