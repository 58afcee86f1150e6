/** The site from git, with real repositories and real signatures. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { localExec } from "../../src/hosts/local.ts";
import { isSourceFailure, type Pulled, pullSource } from "../../src/unattended/source.ts";

const base = mkdtempSync(join(tmpdir(), "phoenix-source-"));
afterAll(() => rmSync(base, { recursive: true, force: true }), 60_000);

const author = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@example.net",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@example.net",
};
const git = (directory: string, ...args: readonly string[]): string =>
  execFileSync("git", ["-C", directory, ...args], {
    encoding: "utf8",
    env: { ...process.env, ...author },
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();

let at = 0;
let [remote, writer, site]: string[] = [];
const commit = (text: string, ...options: readonly string[]): string => {
  writeFileSync(join(writer ?? "", "site.json"), text);
  git(writer ?? "", "add", "-A");
  git(writer ?? "", ...options, "commit", "-qm", text);
  git(writer ?? "", "push", "-q", "origin", "HEAD:main");
  return git(writer ?? "", "rev-parse", "HEAD");
};

beforeEach(() => {
  at += 1;
  const directory = join(base, String(at));
  [remote, writer, site] = ["remote.git", "writer", "site"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(directory);
  execFileSync("git", ["init", "-q", "--bare", "-b", "main", remote]);
  execFileSync("git", ["clone", "-q", remote, writer], { stdio: "ignore" });
  git(writer, "checkout", "-qb", "main");
  commit("one");
  execFileSync("git", ["clone", "-q", remote, site], { stdio: "ignore" });
});

const content = (): string => readFileSync(join(site ?? "", "site.json"), "utf8");
const pull = (more: Partial<Parameters<typeof pullSource>[0]> = {}): Promise<Pulled> =>
  pullSource({
    root: site ?? "",
    source: { signedBy: [] },
    exec: localExec(AbortSignal.timeout(60_000)),
    check: async () => undefined,
    ...more,
  });

describe("a pull", () => {
  test("takes the newest commit, and is quiet when it has it", async () => {
    const second = commit("two");
    expect(await pull()).toMatchObject({ outcome: "updated", commit: second, upstream: "origin/main" });
    expect(content()).toBe("two");
    expect(await pull()).toMatchObject({ outcome: "current", commit: second });
  });

  test("follows the declared branch", async () => {
    git(writer ?? "", "checkout", "-qb", "live");
    writeFileSync(join(writer ?? "", "site.json"), "live");
    git(writer ?? "", "commit", "-qam", "live");
    git(writer ?? "", "push", "-q", "origin", "live");
    expect(await pull({ source: { branch: "live", signedBy: [] } })).toMatchObject({ outcome: "updated" });
    expect(content()).toBe("live");
    expect(await pull({ source: { branch: "absent", signedBy: [] } })).toMatchObject({ outcome: "unusable" });
  });

  test("never loses what was changed here", async () => {
    commit("two");
    writeFileSync(join(site ?? "", "site.json"), "mine");
    expect(await pull()).toMatchObject({
      outcome: "dirty",
      message: "site.json changed here and not committed",
    });
    expect(content()).toBe("mine");
  });

  test("never overwrites a file that git does not know", async () => {
    writeFileSync(join(writer ?? "", "new.json"), "theirs");
    commit("two");
    writeFileSync(join(site ?? "", "new.json"), "mine");
    expect(await pull()).toMatchObject({ outcome: "dirty" });
    expect([content(), readFileSync(join(site ?? "", "new.json"), "utf8")]).toEqual(["one", "mine"]);
    rmSync(join(site ?? "", "new.json"));
    // A file that nobody else has is no obstacle.
    writeFileSync(join(site ?? "", "secrets.txt"), "mine");
    expect(await pull()).toMatchObject({ outcome: "updated" });
  });

  test("goes only forwards", async () => {
    writeFileSync(join(site ?? "", "other.json"), "mine");
    git(site ?? "", "add", "-A");
    git(site ?? "", "commit", "-qm", "mine");
    expect(await pull()).toMatchObject({ outcome: "ahead" });
    commit("two");
    expect(await pull()).toMatchObject({ outcome: "diverged" });
    expect(content()).toBe("one");
    expect(git(site ?? "", "log", "-1", "--format=%s")).toBe("mine");
  });

  test("does not follow a history that was written anew", async () => {
    commit("two");
    await pull();
    git(writer ?? "", "reset", "-q", "--hard", "HEAD~1");
    git(writer ?? "", "push", "-qf", "origin", "main");
    expect(await pull()).toMatchObject({ outcome: "ahead" });
    git(writer ?? "", "commit", "-q", "--amend", "-m", "anew");
    git(writer ?? "", "push", "-qf", "origin", "main");
    expect(await pull()).toMatchObject({ outcome: "diverged" });
    expect(content()).toBe("two");
  });

  test("stays when the remote is not there, and shows no credentials", async () => {
    git(site ?? "", "remote", "set-url", "origin", "http://user:t0ken-of-a-robot@127.0.0.1:1/site.git");
    const pulled = await pull();
    expect(pulled).toMatchObject({ outcome: "unreachable" });
    expect(JSON.stringify(pulled)).not.toMatch(/t0ken|user:/);
    expect(content()).toBe("one");
  });

  test.each([
    "http://user:t0ken-of-a-robot@127.0.0.1:1/site.git",
    "http://user:t0ken/of@a-robot@127.0.0.1:1/site.git",
    "http://127.0.0.1:1/site.git?private=t0ken-of-a-robot",
    "https://t0ken-of-a-robot:x-oauth-basic@127.0.0.1:1/site.git#main",
  ])("shows no credentials of %s", async (url) => {
    git(site ?? "", "remote", "set-url", "origin", url);
    const pulled = await pull();
    expect(pulled).toMatchObject({ outcome: "unreachable" });
    expect(JSON.stringify(pulled)).not.toMatch(/t0ken|user:|robot/);
    // A branch may name the URL itself instead of a remote.
    git(site ?? "", "config", "branch.main.remote", url);
    const unnamed = await pull();
    expect(unnamed).toMatchObject({
      outcome: "unusable",
      message: "the branch main follows no named remote",
    });
    expect(JSON.stringify(unnamed)).not.toMatch(/t0ken|user:|robot/);
  });

  test("stays at the previous commit when the new site must not be used", async () => {
    const first = git(site ?? "", "rev-parse", "HEAD");
    const second = commit("broken");
    const seen: string[] = [];
    const check = async (): Promise<string> => {
      seen.push(content());
      return "the site has 2 errors";
    };
    expect(await pull({ check })).toMatchObject({ outcome: "broken", commit: first, newest: second });
    expect(seen).toEqual(["broken"]);
    expect(content()).toBe("one");
    expect(git(site ?? "", "status", "--porcelain")).toBe("");
    commit("mended");
    expect(await pull()).toMatchObject({ outcome: "updated" });
  });

  test("runs no hook of the repository", async () => {
    const marker = join(site ?? "", "..", "ran");
    for (const hook of ["post-merge", "post-checkout", "reference-transaction", "pre-auto-gc"])
      writeFileSync(join(site ?? "", ".git/hooks", hook), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
    git(site ?? "", "config", "core.fsmonitor", `touch ${marker}; false`);
    commit("two");
    expect(await pull()).toMatchObject({ outcome: "updated" });
    expect(existsSync(marker)).toBe(false);
  });

  test("works in a directory below the repository's, and says so outside of one", async () => {
    mkdirSync(join(writer ?? "", "hosts/pve"), { recursive: true });
    writeFileSync(join(writer ?? "", "hosts/pve/a.json"), "{}");
    commit("two");
    await pull();
    commit("three");
    expect(await pull({ root: join(site ?? "", "hosts/pve") })).toMatchObject({ outcome: "updated" });
    expect(await pull({ root: base })).toMatchObject({
      outcome: "unusable",
      message: `${base} is not in a git repository`,
    });
  });

  test("needs a branch that follows one", async () => {
    git(site ?? "", "checkout", "-q", "--detach");
    const pulled = await pull();
    expect(pulled).toMatchObject({
      outcome: "unusable",
      message: "no branch is checked out: HEAD is detached",
    });
    expect(isSourceFailure(pulled)).toBe(true);
    git(site ?? "", "checkout", "-q", "-b", "local");
    expect(await pull()).toMatchObject({ message: "the branch local has no upstream" });
    git(site ?? "", "branch", "-q", "--set-upstream-to=main");
    expect(await pull()).toMatchObject({ message: "the branch local follows no named remote" });
    git(site ?? "", "checkout", "-q", "main");
    git(site ?? "", "remote", "remove", "origin");
    expect(await pull()).toMatchObject({ message: "no remote is known for the branch main" });
  });

  test("works in a shallow clone, and with a history that was written anew there", async () => {
    for (const text of ["two", "three", "four"]) commit(text);
    rmSync(site ?? "", { recursive: true });
    execFileSync("git", ["clone", "-q", "--depth=1", `file://${remote}`, site ?? ""], { stdio: "ignore" });
    expect(await pull()).toMatchObject({ outcome: "current" });
    commit("five");
    const sixth = commit("six");
    expect(await pull()).toMatchObject({ outcome: "updated", commit: sixth });
    git(writer ?? "", "commit", "-q", "--amend", "-m", "anew");
    git(writer ?? "", "push", "-qf", "origin", "main");
    expect(await pull()).toMatchObject({ outcome: "diverged" });
    expect(content()).toBe("six");
  });

  test("runs no program that the remote's URL or a submodule names", async () => {
    const marker = join(site ?? "", "..", "ran");
    git(site ?? "", "remote", "set-url", "origin", `ext::touch ${marker}`);
    expect(await pull()).toMatchObject({ outcome: "unreachable" });
    git(site ?? "", "remote", "set-url", "origin", remote ?? "");
    writeFileSync(
      join(writer ?? "", ".gitmodules"),
      `[submodule "x"]\n\tpath = x\n\turl = ext::touch ${marker}\n\tupdate = !touch ${marker}\n`,
    );
    git(
      writer ?? "",
      "update-index",
      "--add",
      "--cacheinfo",
      `160000,${git(writer ?? "", "rev-parse", "HEAD")},x`,
    );
    git(site ?? "", "config", "submodule.recurse", "true");
    mkdirSync(join(writer ?? "", "x"), { recursive: true });
    commit("two");
    expect(await pull()).toMatchObject({ outcome: "updated" });
    expect(existsSync(marker)).toBe(false);
  });
});

describe("signatures", () => {
  const key = (name: string): { file: string; text: string } => {
    const file = join(base, name);
    if (!existsSync(file))
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "a@example.net", "-f", file]);
    return { file, text: readFileSync(`${file}.pub`, "utf8").trim() };
  };
  const signedWith = (file: string): readonly string[] => [
    "-c",
    "gpg.format=ssh",
    "-c",
    `user.signingKey=${file}`,
    "-c",
    "commit.gpgSign=true",
  ];

  test("a commit counts when the newest one has an allowed key's signature", async () => {
    const [mine, theirs] = [key("mine"), key("theirs")];
    const source = { signedBy: [mine.text] };
    commit("unsigned");
    expect(await pull({ source })).toMatchObject({
      outcome: "unsigned",
      message: expect.stringMatching(/it is not signed$/),
    });
    commit("foreign", ...signedWith(theirs.file));
    expect(await pull({ source })).toMatchObject({ outcome: "unsigned" });
    expect(content()).toBe("one");
    commit("mine", ...signedWith(mine.file));
    expect(await pull({ source })).toMatchObject({ outcome: "updated" });
    expect(content()).toBe("mine");
  });

  test("an allowed signers file is the one from before the pull", async () => {
    const [mine, theirs] = [key("mine"), key("theirs")];
    const source = { signedBy: ["allowed_signers"] };
    expect(await pull({ source: { signedBy: ["absent"] } })).toMatchObject({ outcome: "current" });
    writeFileSync(join(writer ?? "", "allowed_signers"), `a@example.net ${mine.text}\n`);
    commit("two", ...signedWith(mine.file));
    expect(await pull({ source })).toMatchObject({
      outcome: "unsigned",
      message: expect.stringMatching(/cannot be read/),
    });
    await pull();
    // Somebody adds a key of their own, in the commit that they sign with it.
    writeFileSync(join(writer ?? "", "allowed_signers"), `a@example.net ${theirs.text}\n`);
    commit("taken over", ...signedWith(theirs.file));
    expect(await pull({ source })).toMatchObject({ outcome: "unsigned" });
    expect(content()).toBe("two");
  });

  test("the user's own settings allow nobody", async () => {
    const theirs = key("theirs");
    const file = join(base, "global-signers");
    writeFileSync(file, `* ${theirs.text}\n`);
    git(site ?? "", "config", "gpg.ssh.allowedSignersFile", file);
    commit("foreign", ...signedWith(theirs.file));
    expect(await pull({ source: { signedBy: [key("mine").text] } })).toMatchObject({ outcome: "unsigned" });
    expect(await pull({ source: { signedBy: ["0123456789abcdef0123456789abcdef01234567"] } })).toMatchObject({
      outcome: "unsigned",
    });
  });
});
