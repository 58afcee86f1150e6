/**
 * The site from git: its working copy follows a branch of its remote, forwards only. What is there already is never lost, and a
 * site that has errors, or that nobody signed, is never left in place.
 */
import { defined } from "../defined.ts";
import { InterruptedError, messageOf, PhoenixError } from "../errors.ts";
import type { CommandResult, Exec } from "../hosts/host.ts";
import type { SiteSource } from "../unattended-settings.ts";
import { type Git, openGit, wordsOf } from "./git.ts";
import { signatureFault } from "./signature.ts";

/** How a pull ended. The first three are well. */
export type SourceOutcome =
  | "current"
  | "updated"
  /** The working copy has commits that the remote lacks, and lacks none. */
  | "ahead"
  /** Files with changes that are not committed. */
  | "dirty"
  /** Both sides have commits that the other lacks. */
  | "diverged"
  | "unreachable"
  | "unsigned"
  /** The new site has errors. */
  | "broken"
  /** No repository, no upstream, foreign owner, no git: a person must set it up. */
  | "unusable";

export interface Pulled {
  readonly outcome: SourceOutcome;
  /** The commit that is in place now, where it is known. */
  readonly commit?: string;
  /** The newest commit of the remote, where another one is in place. */
  readonly newest?: string;
  /** "origin/main". */
  readonly upstream?: string;
  /** What happened, a clause. */
  readonly message: string;
  readonly hint?: string;
}

export function isSourceFailure({ outcome }: Pulled): boolean {
  return !["current", "updated", "ahead"].includes(outcome);
}

export interface PullOptions {
  /** The site's directory; it may be below the repository's. */
  readonly root: string;
  /** What the site said before the pull: a new commit cannot change by whom it must be signed. */
  readonly source: SiteSource;
  readonly exec: Exec;
  /** Why the site that is in place now must not be used; undefined when it may. */
  readonly check: () => Promise<string | undefined>;
}

/** Brings the working copy to the newest commit of its branch. Every expected failure is an outcome. @throws InterruptedError */
export async function pullSource({ root, source, exec, check }: PullOptions): Promise<Pulled> {
  const git = openGit(exec, root);
  try {
    const before = await headOf(git, root);
    if (typeof before !== "string") return before;
    const dirty = await changedFiles(git);
    if (dirty.length > 0) return dirtyOutcome(dirty, before);
    const upstream = await upstreamOf(git, source);
    if ("outcome" in upstream) return { ...upstream, commit: before };
    const at = { commit: before, upstream: `${upstream.remote}/${upstream.branch}` };
    const fetched = await fetchFrom(git, upstream);
    if (typeof fetched !== "string") return { ...fetched, ...at };
    const moved = await compared(git, before, fetched);
    if (moved !== undefined)
      return { ...moved, ...at, ...(moved.outcome === "diverged" ? { newest: fetched } : {}) };
    const fault =
      source.signedBy.length === 0 ? undefined : await signatureFault(git, fetched, source.signedBy, root);
    if (fault !== undefined)
      return {
        outcome: "unsigned",
        ...at,
        newest: fetched,
        message: `commit ${short(fetched)} is not used: ${fault}`,
      };
    return { ...(await forward(git, before, fetched, check)), upstream: at.upstream };
  } catch (error) {
    if (!(error instanceof PhoenixError) || error instanceof InterruptedError) throw error;
    return { outcome: "unusable", message: messageOf(error) };
  }
}

/** "f3a9c1d2e4". */
export function short(commit: string): string {
  return commit.slice(0, 10);
}

/** The commit in place, or why there is none. */
async function headOf(git: Git, root: string): Promise<string | Pulled> {
  const result = await git.run(["rev-parse", "--verify", "HEAD^{commit}"]);
  if (result.exitCode === 0) return result.stdout.trim();
  const { stderr } = result;
  const unusable = (message: string, hint?: string): Pulled => ({
    outcome: "unusable",
    message,
    ...defined({ hint }),
  });
  if (result.exitCode === 127) return unusable("git is not installed", "`apt install git`");
  if (stderr.includes("dubious ownership"))
    return unusable(
      `git refuses ${root}: it belongs to another user than the one that phoenix runs as`,
      `\`chown -R root: ${root}\` gives it to root; \`git config --system --add safe.directory ${root}\` trusts its owner`,
    );
  if (stderr.includes("not a git repository"))
    return unusable(
      `${root} is not in a git repository`,
      "clone the site there, or remove unattended.source",
    );
  return unusable(wordsOf(result));
}

/** Tracked files with changes that are not committed. */
async function changedFiles(git: Git): Promise<readonly string[]> {
  const { stdout } = await git.run([
    "status",
    "--porcelain=v1",
    "-z",
    "--no-renames",
    "--untracked-files=no",
    "--ignore-submodules=all",
  ]);
  return stdout.split("\0").flatMap((entry) => (entry === "" ? [] : [entry.slice(3)]));
}

function dirtyOutcome(files: readonly string[], commit: string): Pulled {
  const [first = ""] = files;
  const more = files.length === 1 ? "" : ` and ${files.length - 1} more`;
  return {
    outcome: "dirty",
    commit,
    message: `${first}${more} changed here and not committed`,
    hint: "commit and push the changes, or drop them with `git restore`",
  };
}

interface Upstream {
  readonly remote: string;
  readonly branch: string;
}

/** What the current branch follows, or why it cannot be told. */
async function upstreamOf(git: Git, { branch }: SiteSource): Promise<Upstream | Pulled> {
  const setting = async (...args: readonly string[]): Promise<string | undefined> => {
    const { exitCode, stdout } = await git.run(args);
    return exitCode === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
  };
  const current = await setting("symbolic-ref", "--quiet", "--short", "HEAD");
  if (current === undefined)
    return noUpstream("no branch is checked out: HEAD is detached", "git switch main");
  const known = ((await setting("remote")) ?? "").split("\n");
  // Of several remotes none is meant.
  const only = known.length === 1 && known[0] !== "" ? known[0] : undefined;
  const remote = (await setting("config", "--get", `branch.${current}.remote`)) ?? only;
  const merge = branch ?? (await setting("config", "--get", `branch.${current}.merge`));
  if (remote === undefined) return noUpstream(`no remote is known for the branch ${current}`);
  if (merge === undefined) return noUpstream(`the branch ${current} has no upstream`);
  // git takes a URL or a directory there as well: it has no remote branches, and may hold a password.
  if (!known.includes(remote) || remote.startsWith("-"))
    return noUpstream(`the branch ${current} follows no named remote`);
  return { remote, branch: merge.replace(/^refs\/heads\//, "") };
}

function noUpstream(message: string, command = "git branch -u origin/main"): Pulled {
  return {
    outcome: "unusable",
    message,
    hint: `check out a branch that follows its remote: \`${command}\``,
  };
}

/** The newest commit of the remote's branch, or why it could not be fetched. */
async function fetchFrom(git: Git, { remote, branch }: Upstream): Promise<string | Pulled> {
  const target = `refs/remotes/${remote}/${branch}`;
  let result: CommandResult;
  try {
    const options = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance"];
    result = await git.fetch(["fetch", ...options, "--", remote, `+refs/heads/${branch}:${target}`]);
  } catch (error) {
    if (!(error instanceof PhoenixError) || error instanceof InterruptedError) throw error;
    return { outcome: "unreachable", message: `cannot fetch from ${remote}: ${messageOf(error)}` };
  }
  if (result.exitCode === 0) return (await git.run(["rev-parse", "--verify", target])).stdout.trim();
  const message = `cannot fetch from ${remote}: ${wordsOf(result)}`;
  if (/couldn't find remote ref/i.test(result.stderr)) return { outcome: "unusable", message };
  const isRefused = /permission denied|could not read|authentication failed|host key/i.test(result.stderr);
  const hint = isRefused
    ? "nobody can answer a question there: use a deploy key without a passphrase and a known host key, for the user that phoenix runs as"
    : undefined;
  return { outcome: "unreachable", message, ...defined({ hint }) };
}

/** How the two commits relate, unless the new one simply follows. */
async function compared(git: Git, before: string, newest: string): Promise<Pulled | undefined> {
  const follows = async (first: string, second: string): Promise<boolean> =>
    (await git.run(["merge-base", "--is-ancestor", first, second])).exitCode === 0;
  if (before === newest) return { outcome: "current", message: `at ${short(before)}` };
  if (await follows(before, newest)) return undefined;
  if (await follows(newest, before))
    return { outcome: "ahead", message: `${short(before)} is not pushed yet` };
  return {
    outcome: "diverged",
    message: `${short(before)} here and ${short(newest)} there have no common line: the site was not updated`,
    hint: "rebase or reset the working copy by hand; phoenix never overwrites commits",
  };
}

/** Goes to the new commit, and back when the site in it must not be used. */
async function forward(
  git: Git,
  before: string,
  newest: string,
  check: PullOptions["check"],
): Promise<Pulled> {
  const merged = await git.run(["merge", "--ff-only", "--quiet", "--no-stat", newest]);
  if (merged.exitCode !== 0)
    return {
      outcome: "dirty",
      commit: before,
      newest,
      message: `cannot go to ${short(newest)}: ${wordsOf(merged)}`,
      hint: "move the files away that git names, or add them to the repository",
    };
  const fault = await check();
  if (fault === undefined)
    return { outcome: "updated", commit: newest, message: `${short(before)} -> ${short(newest)}` };
  const message = `commit ${short(newest)} is not used: ${fault}`;
  // Unlike --hard it keeps what somebody has changed meanwhile, or refuses.
  const back = await git.run(["reset", "--quiet", "--keep", before]);
  if (back.exitCode === 0) return { outcome: "broken", commit: before, newest, message };
  return { outcome: "broken", commit: newest, message: `${message}; going back failed: ${wordsOf(back)}` };
}
