/** git as a run that nobody watches may use it: argv alone, no hooks, no questions, no submodules, and a limit of time. */

import type { CommandResult, Exec } from "../hosts/host.ts";
import { withoutSecrets } from "../secret-spans.ts";

/** Fetching a site takes seconds; a remote that hangs must not hold the run. Milliseconds. */
const fetchMs = 120_000;

/** What git would otherwise run or ask by the repository's own settings. */
const settings = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "submodule.recurse=false",
  "fetch.recurseSubmodules=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "merge.autoStash=false",
  "merge.verifySignatures=false",
  "protocol.ext.allow=never",
  "gpg.x509.program=/bin/false",
];

export interface Git {
  /** Runs git in the site's directory; a non-zero exit code is a result. */
  run(args: readonly string[], more?: readonly string[]): Promise<CommandResult>;
  /** Runs git over the network. @throws TransportError when the time is up */
  fetch(args: readonly string[]): Promise<CommandResult>;
}

export function openGit(exec: Exec, directory: string): Git {
  const command = (variables: readonly string[], more: readonly string[], args: readonly string[]) => [
    "env",
    "GIT_TERMINAL_PROMPT=0",
    "GIT_OPTIONAL_LOCKS=0",
    "SSH_ASKPASS_REQUIRE=never",
    ...variables,
    "git",
    "-C",
    directory,
    ...[...settings, ...more].flatMap((setting) => ["-c", setting]),
    ...args,
  ];
  const run: Git["run"] = (args, more = []) => exec({ argv: command([], more, args), effect: "change" });
  return {
    run,
    fetch: async (args) => {
      // A variable replaces the setting, which may name a deploy key.
      const own = (await run(["config", "--get", "core.sshCommand"])).stdout.trim();
      const ssh = `GIT_SSH_COMMAND=${own === "" ? "ssh" : own} -oBatchMode=yes -oConnectTimeout=15`;
      return exec({ argv: command([ssh], [], args), effect: "change", timeoutMs: fetchMs });
    },
  };
}

/** git's own words on one line, without credentials of a URL. */
export function wordsOf({ stderr, stdout }: Pick<CommandResult, "stderr" | "stdout">): string {
  const lines = (stderr.trim() === "" ? stdout : stderr).trim().split("\n");
  const telling = lines.filter((line) => /^(?:fatal|error|remote): |denied|failed|not |cannot/i.test(line));
  const text = (telling.length === 0 ? lines : telling)
    .slice(0, 2)
    .map((line) => line.replace(/^(?:fatal|error): /, "").trim())
    .join("; ");
  return withoutSecrets(text.replaceAll(/\w[\w+.-]*:\/\/\S+/g, withoutCredentials));
}

/** A URL without the parts in which tokens are passed: user and password, which may contain an "@" or a "/", and the query. */
function withoutCredentials(url: string): string {
  const [, scheme = "", rest = "", , end = ""] = /^([^:]+:\/\/)([^?#'"]*)([?#][^'"]*)?(.*)$/.exec(url) ?? [];
  return `${scheme}${rest.slice(rest.lastIndexOf("@") + 1)}${end}`;
}
