/** lock of src/journal/lock.ts. Between processes a directory stands in for flock(1): making one is atomic. */
import { mkdirSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { CommandResult } from "../../src/hosts/host.ts";
import type { HostName } from "../../src/resource.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";
import { codeOf } from "../store.ts";

/** Whoever holds the inner lock this long was killed while it looked and wrote. Milliseconds. */
const deadMs = 5_000;

export const lock: Program = async ({ context, host, args, stdin }) => {
  const [verb = "", directory = "", token = "", stale = "", heartbeat = ""] = args;
  context.files.makeDirectory(host, directory, { mode: "700" });
  if (context.fault("disk-full", host) !== undefined && verb === "take")
    return failed(82, "mktemp: failed to create file via template: No space left on device");
  const release = await exclusive(context);
  try {
    const path = `${directory}/lock`;
    switch (verb) {
      case "take":
        return take(context, host, path, stdin, { stale, heartbeat });
      case "renew":
        if (!heldBy(context, host, path, token)) return failed(84, "");
        context.files.touch(host, path);
        return done();
      case "release":
        if (heldBy(context, host, path, token)) context.files.remove(host, path);
        return done();
      default:
        return done();
    }
  } finally {
    release();
  }
};

function take(
  lab: Lab,
  host: HostName,
  path: string,
  content: string,
  { stale, heartbeat }: { stale: string; heartbeat: string },
): CommandResult {
  const there = lab.files.status(host, path);
  if (there !== undefined) {
    const beat = String(Math.floor(there.modifiedMs / 1000));
    if (!heldBy(lab, host, path, stale) || beat !== heartbeat) {
      const now = Math.floor(lab.clock.now() / 1000);
      return failed(83, "", `${beat} ${now}\n${lab.files.text(host, path) ?? ""}`);
    }
  }
  lab.files.write(host, path, content, { mode: "600" });
  return done();
}

function heldBy({ files }: Lab, host: HostName, path: string, token: string): boolean {
  return token !== "" && files.text(host, path)?.includes(`"token":"${token}"`) === true;
}

/** Waits until nobody else looks at the lock; returns what lets the next one in. */
async function exclusive(lab: Lab): Promise<() => void> {
  const inner = join(lab.directory, "state", "lock.held");
  for (;;) {
    try {
      mkdirSync(inner);
      return () => rmdirSync(inner);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      if (age(inner) > deadMs) rmdirSync(inner);
      else await delay(5, undefined, { signal: lab.signal });
    }
  }
}

function age(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}
