import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { complete } from "../../src/cli/complete.ts";

const directory = mkdtempSync(join(tmpdir(), "phoenix-complete-"));
afterAll(() => rmSync(directory, { recursive: true }));
for (const stack of ["chat", "wiki"]) mkdirSync(join(directory, "site/stacks", stack), { recursive: true });
mkdirSync(join(directory, "lab"));
writeFileSync(
  join(directory, "lab/lab.json"),
  JSON.stringify({ version: 1, created: "", site: join(directory, "site") }),
);

async function candidates(...words: readonly string[]): Promise<readonly string[]> {
  const lines = await complete(words, commands, { env: {}, directory });
  return lines.map((line) => line.split("\t")[0] ?? "");
}

describe("what can come next", () => {
  test.each([
    [
      [""],
      [
        "init",
        "check",
        "doctor",
        "plan",
        "sync",
        "verify",
        "status",
        "certs",
        "unattended",
        "why",
        "trace",
        "dashboard",
        "history",
        "diff",
        "rollback",
        "import",
        "notices",
        "portainer",
        "explain",
        "lab",
        "schema",
        "completion",
      ],
    ],
    [["s"], ["sync", "status", "schema"]],
    [
      ["lab", ""],
      ["init", "status", "break", "mend", "move", "reset"],
    ],
    [["lab", "b"], ["break"]],
    [["certs", ""], ["renew"]],
    [["certs", "renew", "--du"], ["--due"]],
    [["lab", "break", "g"], ["guest-down"]],
    [
      ["lab", "break", "hang", "p"],
      ["pve", "portainer"],
    ],
    [["sync", "d"], ["dns"]],
    [["sync", "a"], ["all"]],
    [["plan", "a"], []],
    [["sync", "dns", "d"], []],
    [["--site", "x", "sync", "ng"], ["nginx"]],
    [["sync", "--on"], ["--only"]],
    [
      ["plan", "--only", "tr"],
      ["trust", "traefik"],
    ],
    [["plan", "--output", "nd"], ["ndjson"]],
    [["plan", "--output=nd"], ["--output=ndjson"]],
    [["plan", "--output", "=", "nd"], ["ndjson"]],
    [
      ["plan", "--output", "="],
      ["text", "json", "ndjson"],
    ],
    [["sync", "all", "--allow", "lo"], ["lockout"]],
    [["plan", "--site", ""], [":directories"]],
    [["plan", "--json-into", ""], [":files"]],
    [["lab", "init", ""], [":directories"]],
    [["completion", "z"], ["zsh"]],
    [["schema", "output-p"], ["output-plan"]],
    [["schema", "output-l"], ["output-lab"]],
    [["schema", "h"], ["hypervisor"]],
    [
      ["plan", "--only", "dns,tr"],
      ["dns,trust", "dns,traefik"],
    ],
    [["plan", "--skip=trust,tr"], ["--skip=trust,traefik"]],
    [["schema", "--in"], ["--into"]],
    [
      ["explain", "PHX030"],
      ["PHX0301", "PHX0302", "PHX0303", "PHX0304", "PHX0305", "PHX0306", "PHX0307", "PHX0308", "PHX0309"],
    ],
    [
      ["sync", "--site", "site", "stacks/"],
      ["stacks/chat", "stacks/wiki"],
    ],
    [["sync", "--lab=lab", "stacks/c"], ["stacks/chat"]],
    [["sync", "--site", "nowhere", "stacks/"], []],
    [["bogus", ""], []],
  ])("%j", async (words, expected) => {
    expect(await candidates(...words)).toEqual(expected);
  });

  test("descriptions stand behind a tab", async () => {
    expect(await complete(["sy"], commands, { env: {}, directory })).toEqual([
      "sync\tbring everything to what the site declares, and prove it",
    ]);
  });
});
