/** Programs of coreutils that change files, as far as administrators' commands use them. Texts as of coreutils 9 under C.UTF-8. */
import type { HostName } from "../../src/resource.ts";
import { askForLock, isLockDirectory, lockMade, renewLock } from "../lock-directories.ts";
import type { Lab, Program, ProgramCall } from "../parts.ts";
import { type done, failed } from "../parts.ts";
import { optionsOf } from "./options.ts";
import { attempt } from "./system-words.ts";

export const coreutils: Readonly<Record<string, Program>> = {
  mkdir: (call) =>
    each(call, "mkdir", "cannot create directory", { valued: "m" }, ({ lab, host, flags, values }, path) => {
      const { files } = lab;
      const there = files.status(host, path);
      const parents = flags.has("p") || flags.has("--parents");
      if (there !== undefined && !(parents && there.kind === "directory")) throw coded("EEXIST");
      if (!parents && files.status(host, parentOf(path)) === undefined) throw coded("ENOENT");
      const mode = values.get("m") ?? values.get("--mode");
      files.makeDirectory(host, path, mode === undefined ? {} : { mode });
      if (isLockDirectory(lab, host, path)) lockMade(lab, host, path);
    }),

  rm: (call) =>
    each(call, "rm", "cannot remove", {}, ({ files, host, flags }, path) => {
      const there = files.status(host, path, false);
      const force = flags.has("f") || flags.has("--force");
      if (there === undefined) {
        if (!force) throw coded("ENOENT");
        return;
      }
      const recursive = flags.has("r") || flags.has("R") || flags.has("--recursive");
      if (there.kind === "directory" && !recursive) throw coded("EISDIR");
      files.remove(host, path);
    }),

  rmdir: (call) =>
    each(call, "rmdir", "failed to remove", {}, ({ files, host }, path) => {
      if (files.status(host, path, false)?.kind !== "directory") throw coded("ENOENT");
      if (files.list(host, path).length > 0) throw coded("ENOTEMPTY");
      files.remove(host, path);
    }),

  touch: (call) =>
    each(call, "touch", "cannot touch", { valued: "d" }, ({ lab, host, flags, values }, path) => {
      const { files } = lab;
      const isThere = files.status(host, path) !== undefined;
      const isForLock = isThere && isLockDirectory(lab, host, path);
      const date = values.get("d") ?? values.get("--date");
      if (isForLock && date === "@0") askForLock(lab, host, path);
      else if (isForLock) renewLock(lab, host, path);
      else if (isThere) files.touch(host, path);
      else if (!flags.has("c") && !flags.has("--no-create")) files.write(host, path, "");
    }),

  chmod: (call) => {
    const { flags, operands } = optionsOf(call.args, "");
    const [mode = "", ...paths] = operands;
    return each(
      { ...call, args: [...flags, "--", ...paths] },
      "chmod",
      "cannot access",
      {},
      ({ files, host }, path) => files.changeMode(host, path, { mode }),
    );
  },

  chown: (call) => {
    const { flags, operands } = optionsOf(call.args, "");
    const [owner = "", ...paths] = operands;
    const account = call.context.files.accountOf(call.host, owner);
    if (typeof account === "string") return failed(1, `chown: ${account}`);
    return each(
      { ...call, args: [...flags, "--", ...paths] },
      "chown",
      "cannot access",
      {},
      ({ files, host }, path) => files.changeMode(host, path, { account }),
    );
  },

  ln: (call) => {
    const { flags, operands } = optionsOf(call.args, "");
    const [target = "", given = ""] = operands;
    const { files } = call.context;
    const isDirectory = files.status(call.host, given, !flags.has("n"))?.kind === "directory";
    const path = isDirectory ? `${given}/${nameOf(target)}` : given;
    if (!flags.has("s")) return failed(1, "ln: the lab makes symbolic links only: -s");
    if (files.status(call.host, path, false) !== undefined && !flags.has("f"))
      return failed(1, `ln: failed to create symbolic link ‘${path}’: File exists`);
    return attempt(`ln: failed to create symbolic link ‘${path}’`, () =>
      files.makeLink(call.host, target, path),
    );
  },

  cp: (call) => transfer(call, "cp"),
  mv: (call) => transfer(call, "mv"),
};

/** `cp` and `mv` of one file, to a path or into a directory. */
function transfer(call: ProgramCall, program: "cp" | "mv"): ReturnType<typeof done> {
  const { host } = call;
  const { files } = call.context;
  const { operands } = optionsOf(call.args, "");
  const [from = "", given = ""] = operands;
  const to = files.status(host, given)?.kind === "directory" ? `${given}/${nameOf(from)}` : given;
  const there = files.status(host, from, program === "cp");
  if (there === undefined) return failed(1, `${program}: cannot stat '${from}': No such file or directory`);
  if (program === "mv")
    return attempt(`mv: cannot move '${from}' to '${to}'`, () => files.move(host, from, to));
  if (there.kind !== "file") return failed(1, `cp: -r not specified; omitting directory '${from}'`);
  const kept = files.status(host, to);
  const { mode, account } = kept ?? there;
  return attempt(`cp: cannot create regular file '${to}'`, () =>
    files.write(host, to, files.read(host, from), { mode, account }),
  );
}

interface Operation {
  readonly lab: Lab;
  readonly files: Lab["files"];
  readonly host: HostName;
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
}

/** Does something to each operand; goes on after a failure, as coreutils do. */
function each(
  { context, host, args }: ProgramCall,
  program: string,
  cannot: string,
  { valued = "" }: { readonly valued?: string },
  action: (operation: Operation, path: string) => void,
): ReturnType<typeof done> {
  const { flags, values, operands } = optionsOf(args, valued);
  if (operands.length === 0 && !flags.has("f"))
    return failed(1, `${program}: missing operand\nTry '${program} --help' for more information.`);
  const results = operands.map((path) =>
    attempt(`${program}: ${cannot} ‘${path}’`, () =>
      action({ lab: context, files: context.files, host, flags, values }, path),
    ),
  );
  return {
    exitCode: results.some(({ exitCode }) => exitCode !== 0) ? 1 : 0,
    stdout: "",
    stderr: results.map(({ stderr }) => stderr).join(""),
  };
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function parentOf(path: string): string {
  return path.replace(/\/+$/, "").replace(/\/[^/]*$/, "") || "/";
}

function nameOf(path: string): string {
  return path.replace(/\/+$/, "").split("/").at(-1) ?? "";
}
