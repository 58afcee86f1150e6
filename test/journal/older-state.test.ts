/**
 * The state that Phoenix 0.1.0 left is read today. The files of test/cases/state/0.1.0 are its own: of a first sync of the example
 * in the lab (the record of the run cut down to two components), and the marks and the lock of one that was killed.
 */
import { cp, mkdtemp, readFile, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lastNotifications } from "../../src/components/certificates/record.ts";
import { localExec } from "../../src/hosts/local.ts";
import { createHost } from "../../src/hosts/script-host.ts";
import { openJournal } from "../../src/journal/journal.ts";
import { acquireLock } from "../../src/journal/lock.ts";
import type { Certificate } from "../../src/model.ts";

const host = createHost("pve", localExec(new AbortController().signal));
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "phoenix-older-"));
  await cp(join(import.meta.dirname, "../cases/state/0.1.0"), directory, { recursive: true });
});
afterEach(() => rm(directory, { recursive: true }));

test("what it owns, what it did not prove, and its history", async () => {
  const journal = openJournal(host, { directory });
  expect(await journal.owned("dns")).toEqual(
    ["configuration", "records", "service", "wildcards"].map((name) => ({ id: `dns/${name}`, host: "pve" })),
  );
  expect(await journal.pending("dns")).toEqual(["dns/configuration", "dns/records", "dns/wildcards"]);
  const latest = await journal.runs.latest();
  expect(latest).toMatchObject({ generation: 1, command: "sync all", exitCode: 0, durationMs: 12_691 });
  expect(latest?.components.map(({ component, outcome }) => [component, outcome])).toEqual([
    ["trust", "changed"],
    ["dns", "changed"],
  ]);
  expect(latest?.components[1]?.changes[0]).toMatchObject({ verb: "create", inPlace: true });
});

test("how the consumers of a certificate were last notified", async () => {
  const name = "mesh.oak.home.arpa.told.json";
  const text = await readFile(join(directory, "certificates", name), "utf8");
  const read = (written: string) =>
    lastNotifications(
      {
        ...host,
        readFiles: async (paths) =>
          new Map(
            paths.map((path) => [path, { text: written, mode: "600", owner: "root:root", ids: "0:0" }]),
          ),
      },
      [{ commonName: "mesh.oak.home.arpa" } as Certificate],
    );
  expect(await read(text)).toEqual([expect.objectContaining({ kind: "reload", atMs: 1_795_872_729_964 })]);
  // What a newer Phoenix means by it is not known: the consumers are notified again.
  expect(await read(text.replace("{", '{ "version": 2,'))).toEqual([undefined]);
});

test("the lock of a run that was killed is taken over", async () => {
  await utimes(join(directory, "lock"), 0, 0);
  const previous: string[] = [];
  const lock = await acquireLock(host, {
    command: "sync all",
    clock: { now: Date.now, sleep: async () => {} },
    directory,
    onTakeOver: (holder) => previous.push(holder),
  });
  await lock.release();
  expect(previous).toEqual([expect.stringMatching(/^root on vm since .* \(sync all, pid 28505\)$/)]);
});
