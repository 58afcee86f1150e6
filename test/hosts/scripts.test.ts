/**
 * The host contract once more, with the scripts run by dash (where `sh` is another shell), and by busybox with no other
 * tool in sight.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, test } from "vitest";
import type { Exec } from "../../src/hosts/host.ts";
import { localExec } from "../../src/hosts/local.ts";
import { createHost } from "../../src/hosts/script-host.ts";
import { hostContract } from "../contract/host.ts";

const local = localExec(new AbortController().signal);
const root = process.getuid?.() === 0;
const isThere = (program: string): boolean => spawnSync(program, ["true"]).error === undefined;
const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true });
});

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), "phoenix-sh-"));
  made.push(directory);
  return directory;
}

function contractWith(name: string, exec: () => Exec): void {
  hostContract(name, async () => ({ host: createHost("pve", exec()), directory: temporary() }), { root });
}

if (isThere("dash") && !realpathSync("/bin/sh").endsWith("/dash")) {
  contractWith("dash", () => (command) => {
    const argv = command.argv[0] === "sh" ? ["dash", ...command.argv.slice(1)] : command.argv;
    return local({ ...command, argv });
  });
} else describe("dash", () => test.skip("is sh itself, or not installed", () => {}));

if (isThere("busybox")) {
  contractWith("busybox", () => {
    const tools = temporary();
    const busybox = execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim();
    for (const applet of execFileSync("busybox", ["--list"], { encoding: "utf8" }).split("\n")) {
      if (applet !== "") symlinkSync(busybox, join(tools, applet));
    }
    return (command) => local({ ...command, argv: [`${tools}/env`, `PATH=${tools}`, ...command.argv] });
  });
} else describe("busybox", () => test.skip("is not installed", () => {}));
