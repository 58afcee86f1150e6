/** The completion scripts in real shells, where these are installed. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const program = join(import.meta.dirname, "../../../bin/phoenix");
const directory = mkdtempSync(join(tmpdir(), "phoenix-shells-"));
afterAll(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, "phoenix"), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
chmodSync(join(directory, "phoenix"), 0o755);
const env = {
  ...process.env,
  PATH: `${directory}:${process.env.PATH}`,
  HOME: directory,
  PHOENIX_SITE: "",
  PHOENIX_LAB: "",
};

const has = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;
const run = (shell: string, args: readonly string[]): string =>
  execFileSync(shell, args, { env, cwd: directory, encoding: "utf8", timeout: 20_000 });

/** A file that an evaluated word would leave behind. */
const trap = join(directory, "evaluated");
const evil = `$(touch ${trap})`;

describe("bash", () => {
  const replies = (...words: readonly string[]): readonly string[] =>
    run("bash", [
      "--norc",
      "-c",
      'source <(phoenix completion bash); COMP_WORDS=(phoenix "$@"); COMP_CWORD=$#; _phoenix; printf "%s\\n" "${COMPREPLY[@]}"',
      "bash",
      ...words,
    ])
      .trim()
      .split("\n");

  test("completes commands, options and values", () => {
    expect(replies("sy")).toEqual(["sync"]);
    expect(replies("plan", "--lock")).toEqual(["--lock-wait"]);
    expect(replies("plan", "--output", "=", "js")).toEqual(["json"]);
  });

  test("never evaluates what was typed", () => {
    replies("sync", evil);
    replies(evil, "");
    replies("plan", "--site", "`touch evaluated`");
    expect(existsSync(trap)).toBe(false);
  });
});

describe.skipIf(!has("zsh"))("zsh", () => {
  test("the script loads and completes", () => {
    const said = run("zsh", [
      "-f",
      "-c",
      `autoload -U compinit; compinit -D -u; source <(phoenix completion zsh)
       compadd() { print -r -- "\${(P)@[-1]}" }
       words=(phoenix sync '${evil}'); CURRENT=3; _phoenix
       words=(phoenix sy); CURRENT=2; _phoenix
       print -r -- "$_comps[phoenix-cli]"`,
    ]);
    expect(said.trim().split("\n")).toEqual(["sync", "_phoenix"]);
    expect(existsSync(trap)).toBe(false);
  });
});

describe.skipIf(!has("fish"))("fish", () => {
  const replies = (line: string): readonly string[] =>
    run("fish", ["--no-config", "-c", 'phoenix completion fish | source; complete -C "$argv[1]"', line])
      .trim()
      .split("\n")
      .map((reply) => reply.split("\t")[0] ?? "");

  test("completes and never evaluates what was typed", () => {
    expect(replies("phoenix sy")).toEqual(["sync"]);
    expect(replies("phoenix-cli plan --output nd")).toEqual(["ndjson"]);
    replies(`phoenix sync (touch ${trap}) `);
    expect(existsSync(trap)).toBe(false);
  });
});
