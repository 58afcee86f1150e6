/** A guest that exchanges a directory of its share for a link, over and over, while the hypervisor's root writes and reads there. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CommandError } from "../../src/errors.ts";
import type { Host } from "../../src/hosts/host.ts";
import { localExec } from "../../src/hosts/local.ts";
import { createHost } from "../../src/hosts/script-host.ts";

let root: string;
let host: Host;
let guest: ChildProcess;

const exchange = `
const fs = require("fs");
process.chdir(process.argv[1]);
fs.mkdirSync("kept", { recursive: true });
for (;;) {
  try {
    fs.renameSync("queue", "kept/queue");
    fs.symlinkSync("../../outside", "queue");
    fs.unlinkSync("queue");
    fs.renameSync("kept/queue", "queue");
  } catch {}
}`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "phoenix-race-"));
  mkdirSync(join(root, "share/stacks/queue"), { recursive: true });
  mkdirSync(join(root, "outside"));
  writeFileSync(join(root, "outside/app.yml"), "secret", { mode: 0o600 });
  writeFileSync(join(root, "share/stacks/queue/app.yml"), "inside");
  host = createHost("pve", localExec(new AbortController().signal));
  guest = spawn(process.execPath, ["-e", exchange, join(root, "share/stacks")], { stdio: "ignore" });
});

afterEach(() => {
  guest.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});

test("nothing lands outside of the share, and nothing of the outside is read", async () => {
  const path = `${root}/share/./stacks/queue/app.yml`;
  const outcomes = { done: 0, refused: 0 };
  for (let at = 0; at < 60; at += 1)
    for (const operation of [
      () => host.writeFiles([{ path, text: `new ${at}`, mode: "644" }]),
      () => host.makeDirectory(`${root}/share/./stacks/queue/d${at}`, { mode: "711" }),
      () => host.readFiles([path]),
    ]) {
      try {
        const files = await operation();
        expect(files?.get(path)?.text ?? "").not.toBe("secret");
        outcomes.done += 1;
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        outcomes.refused += 1;
      }
      expect(readdirSync(join(root, "outside"))).toEqual(["app.yml"]);
    }
  expect(readFileSync(join(root, "outside/app.yml"), "utf8")).toBe("secret");
  expect(statSync(join(root, "outside/app.yml")).mode & 0o777).toBe(0o600);
  // Both happened, or the race was none.
  expect(outcomes.done).toBeGreaterThan(0);
  expect(outcomes.refused).toBeGreaterThan(0);
}, 60_000);
