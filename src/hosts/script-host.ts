/** A `Host` over one `Exec`: file operations are constant scripts, so every kind of host behaves alike. */
import { createHash } from "node:crypto";
import { CommandError } from "../errors.ts";
import type { HostName } from "../resource.ts";
import { TimedOutError, timedOut } from "./command-limits.ts";
import type { Command, CommandResult, Exec, FileState, FileWrite, Host } from "./host.ts";
import { type Script, scriptArgv, scriptOf } from "./script.ts";
import * as scripts from "./scripts.ts";
import { bytesOf, textOf } from "./text.ts";

/** Names that the temporary files of `writeFiles` begin with; `list` leaves them out. */
const temporaryPrefix = ".phx.";

/** @param within runs commands on that host */
export function createHost(name: HostName, within: Exec): Host {
  const exec: Exec = async (command) => {
    try {
      return await within(command);
    } catch (error) {
      if (error instanceof TimedOutError) throw timedOut(name, programOf(command.argv), command);
      throw error;
    }
  };
  const runScript = (
    script: Script,
    effect: Command["effect"],
    parameters: readonly string[],
    stdin?: string,
  ): Promise<CommandResult> =>
    exec({ argv: scriptArgv(script, ...parameters), effect, ...(stdin === undefined ? {} : { stdin }) });

  const runOrThrow = async (script: Script, effect: Command["effect"], parameters: readonly string[]) => {
    const result = await runScript(script, effect, parameters);
    if (result.exitCode !== 0) throw commandError(name, script.name, result);
    return result.stdout;
  };

  return {
    name,
    run: exec,

    expect: async (command) => {
      const result = await exec(command);
      if (result.exitCode !== 0) throw commandError(name, programOf(command.argv), result);
      return result.stdout;
    },

    readFiles: async (paths) => {
      if (paths.length === 0) return new Map();
      assertAbsolute(paths);
      const result = await runScript(scripts.readFiles, "read", paths);
      if (result.exitCode !== 0) throw commandError(name, scripts.readFiles.name, result);
      return parseFiles(name, paths, result);
    },

    list: async (directory) => {
      assertAbsolute([directory]);
      const names = (await runOrThrow(scripts.list, "read", [directory])).split("\0");
      return names.filter((entry) => entry !== "" && !entry.startsWith(temporaryPrefix)).sort();
    },

    writeFiles: async (files) => {
      if (files.length === 0) return;
      assertAbsolute(files.map(({ path }) => path));
      const contents = files.map(({ text }) => bytesOf(text));
      const parameters = files.flatMap((file, at) => [
        file.path,
        file.mode ?? "",
        file.owner ?? "",
        sha256(contents[at] ?? Buffer.alloc(0)),
        file.staging ?? "",
      ]);
      const stdin = contents.map((content) => `${content.toString("base64")}\n`).join("");
      const result = await runScript(scripts.writeFiles, "change", parameters, stdin);
      if (result.exitCode !== 0) throw writeError(name, files, result);
    },

    remove: async (paths) => {
      if (paths.length === 0) return;
      assertAbsolute(paths);
      await runOrThrow(scripts.remove, "change", paths);
    },
  };
}

/** The error of a command that had to succeed: its program, its exit code and what it said last. */
export function commandError(host: string, program: string, result: CommandResult): CommandError {
  const said = lastLines(result.stderr) || lastLines(result.stdout);
  const detail = said === "" ? "" : `: ${said}`;
  return new CommandError(
    host,
    result.exitCode,
    `${program} failed on ${host} (exit ${result.exitCode})${detail}`,
    { hint: hintFor(said) },
  );
}

/** What a person calls the command: a script's name, a program's name without its directory. */
export function programOf(argv: readonly string[]): string {
  return scriptOf(argv)?.name ?? argv[0]?.split("/").at(-1) ?? "";
}

/** The last three lines that are not empty, on one line, at most 400 characters. */
export function lastLines(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .slice(-3)
    .join("; ")
    .slice(-400);
}

function parseFiles(
  host: HostName,
  paths: readonly string[],
  result: CommandResult,
): ReadonlyMap<string, FileState> {
  const lines = result.stdout.split("\n");
  if (lines[0]?.startsWith("part ")) return parseParts(host, paths, lines, result);
  const files = new Map<string, FileState>();
  paths.forEach((path, at) => {
    const line = lines[at] ?? "";
    const [kind, mode = "", names = "", numbers = "", link = "", content = ""] = line.split(" ");
    if (kind === "absent") return;
    if (kind !== "file" && kind !== "dangling") throw readError(host, path, line, result);
    files.set(path, {
      text: textOf(Buffer.from(content, "base64")),
      mode,
      owner: ownerOf(names, numbers),
      ...(link === "-" ? {} : { link: textOf(Buffer.from(link, "base64")) }),
    });
  });
  return files;
}

/** What several ordinary files answered together. */
function parseParts(
  host: HostName,
  paths: readonly string[],
  lines: readonly string[],
  result: CommandResult,
): ReadonlyMap<string, FileState> {
  const content = Buffer.from(lines[paths.length]?.replace(/^content /, "") ?? "", "base64");
  const files = new Map<string, FileState>();
  let at = 0;
  for (const [index, path] of paths.entries()) {
    const [kind, mode = "", names = "", numbers = "", size = ""] = lines[index]?.split(" ") ?? [];
    const end = at + Number(size);
    if (kind !== "part" || !(end <= content.length)) throw readError(host, path, "", result);
    files.set(path, { text: textOf(content.subarray(at, end)), mode, owner: ownerOf(names, numbers) });
    at = end;
  }
  return files;
}

function readError(host: HostName, path: string, line: string, { stderr }: CommandResult): CommandError {
  const reasons: Record<string, string> = {
    directory: "it is a directory",
    other: "it is not a regular file",
    denied: lastLines(stderr) || "Permission denied",
  };
  const reason = reasons[line] ?? "the answer broke off";
  return new CommandError(host, 1, `cannot read ${path} on ${host}: ${reason}`, { hint: hintFor(reason) });
}

/** `stat` prints UNKNOWN for a user or group that has no name. */
function ownerOf(names: string, numbers: string): string {
  const [user = "", group = ""] = names.split(":");
  const [uid = "", gid = ""] = numbers.split(":");
  return `${user === "UNKNOWN" ? uid : user}:${group === "UNKNOWN" ? gid : group}`;
}

function writeError(host: HostName, files: readonly FileWrite[], result: CommandResult): CommandError {
  const what = scripts.writeFailures[result.exitCode];
  const at = /^file (\d+)$/m.exec(result.stderr);
  const path = files[Number(at?.[1])]?.path;
  if (what === undefined || path === undefined) return commandError(host, scripts.writeFiles.name, result);
  const said = lastLines(result.stderr.replace(/^file \d+$/m, ""));
  return new CommandError(
    host,
    result.exitCode,
    `cannot write ${path} on ${host}: ${what}${said === "" ? "" : `: ${said}`}`,
    { hint: result.exitCode === 87 ? "start it: systemctl start pve-cluster" : hintFor(said, path) },
  );
}

function hintFor(said: string, path = ""): string | undefined {
  if (/no space left on device|disk quota exceeded/i.test(said)) {
    return "free some space: `df -h` and `df -i` on that host show what is full";
  }
  if (/read-only file system/i.test(said)) return "the file system is mounted read-only; `dmesg` may say why";
  if (/permission denied/i.test(said) && path.startsWith("/etc/pve/")) {
    return "without quorum /etc/pve is read-only: `pvecm status` shows the cluster's state";
  }
  if (/permission denied|operation not permitted/i.test(said)) return "run phoenix as root";
  return undefined;
}

function assertAbsolute(paths: readonly string[]): void {
  for (const path of paths) {
    if (!path.startsWith("/")) throw new Error(`not an absolute path: ${JSON.stringify(path)}`);
  }
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
