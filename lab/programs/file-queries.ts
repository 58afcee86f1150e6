/** Programs of coreutils that look at files and change nothing. Texts as of coreutils 9 under C.UTF-8. */
import { createHash } from "node:crypto";
import type { HostName } from "../../src/resource.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";
import { optionsOf } from "./options.ts";
import { attempt } from "./system-words.ts";

export const fileQueries: Readonly<Record<string, Program>> = {
  cat: ({ context, host, args, stdin }) => {
    const { operands } = optionsOf(args, "");
    if (operands.length === 0) return done(stdin);
    let stdout = "";
    for (const path of operands) {
      const problem = attempt(`cat: ${path}`, () => {
        stdout += path === "-" ? stdin : context.files.read(host, path).toString("utf8");
      });
      if (problem.exitCode !== 0) return { ...problem, stdout };
    }
    return done(stdout);
  },

  find: ({ context, host, args }) => {
    const at = args.findIndex((arg) => arg.startsWith("-") && arg !== "-L");
    const roots = args.slice(0, at < 0 ? args.length : at).filter((arg) => arg !== "-L");
    const tests = args.slice(at).join(" ");
    const [, depth, size, names] =
      /^-maxdepth (\d) -type f(?: -size -(\d+)k)?(?: \( (-name \S+(?: -o -name \S+)*) \))?$/.exec(tests) ??
      [];
    if (depth === undefined)
      return failed(
        1,
        `find: the lab knows -maxdepth, -type f, -size and ( -name … -o -name … ), not ${tests}`,
      );
    const patterns = (names ?? "-name *")
      .split(" -o ")
      .map((name) => globPattern(name.slice("-name ".length)));
    const wanted = ({ path, bytes }: FoundPath): boolean =>
      patterns.some((pattern) => pattern.test(path.slice(path.lastIndexOf("/") + 1))) &&
      // Sizes are rounded up to whole units.
      (size === undefined || Math.ceil(bytes / 1024) < Number(size));
    const found = roots.flatMap((root) => filesBelow(context, host, root, Number(depth))).filter(wanted);
    const absent = roots.filter((root) => context.files.status(host, root) === undefined);
    const stderr = absent.map((root) => `find: ‘${root}’: No such file or directory\n`).join("");
    return {
      ...done(found.map(({ path }) => `${path}\n`).join(""), stderr),
      exitCode: absent.length > 0 ? 1 : 0,
    };
  },

  readlink: ({ context, host, args }) => {
    const { flags, operands } = optionsOf(args, "");
    const [path = ""] = operands;
    const target = context.files.linkTarget(host, path);
    if (target === undefined) return failed(1, "");
    return done(flags.has("n") ? target : `${target}\n`);
  },

  sha256sum: ({ context, host, args, stdin }) => {
    const { operands } = optionsOf(args, "");
    const hash = (content: Buffer | string): string => createHash("sha256").update(content).digest("hex");
    if (operands.length === 0) return done(`${hash(stdin)}  -\n`);
    const absent = operands.find((path) => context.files.status(host, path)?.kind !== "file");
    if (absent !== undefined) return failed(1, `sha256sum: ${absent}: No such file or directory`);
    return done(operands.map((path) => `${hash(context.files.read(host, path))}  ${path}\n`).join(""));
  },

  ls: ({ context, host, args }) => {
    const { flags, operands } = optionsOf(args, "");
    const [path = "/"] = operands;
    const there = context.files.status(host, path);
    if (there === undefined) return failed(2, `ls: cannot access '${path}': No such file or directory`);
    if (there.kind !== "directory") return done(`${path}\n`);
    const hidden = flags.has("a") || flags.has("A");
    const names = context.files.list(host, path).filter((name) => hidden || !name.startsWith("."));
    return done(names.map((name) => `${name}\n`).join(""));
  },

  stat: ({ context, host, args }) => {
    const { flags, values, operands } = optionsOf(args, "c");
    const [path = ""] = operands;
    const there = context.files.status(host, path, flags.has("L"));
    if (there === undefined) return failed(1, `stat: cannot statx '${path}': No such file or directory`);
    const [user = "", group = ""] = context.files.ownerNames(host, there.account).split(":");
    const format = values.get("c") ?? values.get("--format") ?? "%n";
    const fields: Readonly<Record<string, string>> = {
      a: there.mode,
      U: user,
      G: group,
      u: String(there.account.uid),
      g: String(there.account.gid),
      s: String(there.size),
      Y: String(Math.floor(there.modifiedMs / 1000)),
      n: path,
      F: { file: "regular file", directory: "directory", link: "symbolic link", other: "other" }[there.kind],
    };
    return done(`${format.replace(/%(.)/g, (whole, key: string) => fields[key] ?? whole)}\n`);
  },

  test: ({ context, host, args }) => tested(context, host, args),
  "[": ({ context, host, args }) => tested(context, host, args.slice(0, -1)),
  sync: () => done(),
};

interface FoundPath {
  readonly path: string;
  readonly bytes: number;
}

/** The regular files at and below a path; links are followed. */
function filesBelow(
  { files }: Pick<Lab, "files">,
  host: HostName,
  path: string,
  depth: number,
): readonly FoundPath[] {
  const there = files.status(host, path);
  if (there?.kind === "file") return [{ path, bytes: there.size }];
  if (there?.kind !== "directory" || depth === 0) return [];
  return files.list(host, path).flatMap((name) => filesBelow({ files }, host, `${path}/${name}`, depth - 1));
}

function globPattern(glob: string): RegExp {
  const body = glob
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${body}$`, "s");
}

function tested({ files }: Lab, host: HostName, args: readonly string[]): ReturnType<typeof done> {
  const negated = args[0] === "!";
  const [first = "", second = "", third = ""] = negated ? args.slice(1) : args;
  const kind = (follow: boolean): string | undefined => files.status(host, second, follow)?.kind;
  const checks: Readonly<Record<string, () => boolean>> = {
    "-e": () => kind(true) !== undefined,
    "-f": () => kind(true) === "file",
    "-d": () => kind(true) === "directory",
    "-L": () => kind(false) === "link",
    "-h": () => kind(false) === "link",
    "-s": () => (files.status(host, second)?.size ?? 0) > 0,
    "-n": () => second !== "",
    "-z": () => second === "",
  };
  const holds =
    second === "=" ? first === third : second === "!=" ? first !== third : (checks[first]?.() ?? false);
  return holds === negated ? failed(1, "") : done();
}
