/** Generations on real files: what they keep, how many of them, and what a damaged one costs. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ComponentPlan, ComponentResult } from "../../src/engine/plan.ts";
import { localExec } from "../../src/hosts/local.ts";
import { createHost } from "../../src/hosts/script-host.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { FinishedRun } from "../../src/journal/recording.ts";
import type { KeptState } from "../../src/journal/run-record.ts";
import type { Change, Resource } from "../../src/resource.ts";

const host = createHost("pve", localExec(new AbortController().signal));
let directory: string;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), "phoenix-generations-")), "phoenix");
});
afterEach(() => rm(join(directory, ".."), { recursive: true }));

const runs = () => openJournal(host, { directory }).runs;
const records = (text: string): Resource => ({ id: "dns/records", host: "pve", text, units: { all: text } });
const objects = (): Promise<string[]> => readdir(join(directory, "objects"));

interface Facts extends Partial<FinishedRun> {
  readonly live?: Resource;
  readonly outcome?: ComponentResult["outcome"];
  readonly orphans?: readonly Resource[];
}

/** A run that finds `live` and leaves `desired`, unless it fails. */
function run(desired: Resource | undefined, facts: Facts = {}): FinishedRun {
  const {
    live,
    outcome = live?.text === desired?.text ? "unchanged" : "changed",
    orphans = [],
    ...more
  } = facts;
  const changes: Change[] =
    desired === undefined || live?.text === desired.text
      ? []
      : [live === undefined ? { verb: "create", desired } : { verb: "update", desired, live }];
  const nothing = { hazards: [], leftBehind: [], pendingActivation: [], unreadResources: [], notes: [] };
  const declared = desired === undefined ? [] : [desired];
  const part: ComponentPlan = { component: "dns", desired: declared, changes, orphans, ...nothing };
  const made = outcome === "changed" ? changes : [];
  const seen = { restored: [], unsettled: [], activations: [], checks: [], notes: [] };
  const ids = orphans.map(({ id }) => id);
  const facts2 = { outcome, changes: made, resources: 1, orphans: ids, durationMs: 1, ...seen };
  return {
    ...{ command: "sync all", who: "root", host: "pve", siteDigest: "ab12", startedMs: 0, exitCode: 0 },
    result: { command: "sync", components: [{ component: "dns", ...facts2 }], durationMs: 1 },
    plan: { components: [part], digest: "" },
    site: () => ({ files: [{ name: "etc/site.json", text: desired?.text ?? "" }], references: [] }),
    ...more,
  };
}

async function stateOf(generation: number): Promise<KeptState> {
  const record = await runs().read(generation);
  const name = record?.state?.dns;
  if (name === undefined) throw new Error(`generation ${generation} has no state`);
  return runs().state(name);
}

async function textsOf(generation: number): Promise<readonly (string | undefined)[]> {
  const { resources } = await stateOf(generation);
  const contents = await runs().contents(resources.map(({ content }) => content));
  return resources.map(({ content }) => contents.get(content)?.text);
}

test("each keeps what is in place at its end, and the site that declares it", async () => {
  await runs().append(run(records("one\n")));
  await runs().append(run(records("two\n"), { live: records("one\n") }));
  await runs().append(run(records("three\n"), { live: records("two\n"), outcome: "failed", exitCode: 1 }));
  expect(await Promise.all([1, 2, 3].map(textsOf))).toEqual([["one\n"], ["two\n"], ["two\n"]]);
  // What failed is as the run before has declared it.
  const [second, third] = [await stateOf(2), await stateOf(3)];
  expect(third.resources[0]?.site).toBe(second.resources[0]?.site);
  const site = second.resources[0]?.site;
  expect(site && (await runs().site(site))).toEqual({
    files: [{ name: "etc/site.json", text: "two\n" }],
    references: [],
  });
});

test("an orphan is kept as it was when it was declared; one that is deleted is gone", async () => {
  const old = records("old\n");
  await runs().append(run(old));
  await runs().append(run(undefined, { orphans: [{ ...old, text: "the same, read in another form\n" }] }));
  expect((await stateOf(2)).resources).toEqual((await stateOf(1)).resources);
  const gone = run(undefined);
  const [part] = gone.plan?.components ?? [];
  const [result] = gone.result.components;
  if (part === undefined || result === undefined) throw new Error("no component");
  const changes: Change[] = [{ verb: "delete", live: old }];
  await runs().append({
    ...gone,
    plan: { components: [{ ...part, changes }], digest: "" },
    result: { ...gone.result, components: [{ ...result, outcome: "changed", changes }] },
  });
  expect((await stateOf(3)).resources).toEqual([]);
});

test("as many are kept as were asked for, with no object that nothing names; runs that changed nothing go first", async () => {
  await runs().append(run(records("one\n"), { keep: 3 }));
  await runs().append(run(records("two\n"), { live: records("one\n"), keep: 3 }));
  for (let n = 0; n < 4; n++) await runs().append(run(records("two\n"), { live: records("two\n"), keep: 3 }));
  expect((await runs().list()).map(({ generation }) => generation)).toEqual([6, 2, 1]);
  const next = async (n: number): Promise<number> => {
    const live = records(n === 1 ? "two\n" : `new ${n - 1}\n`);
    await runs().append(run(records(`new ${n}\n`), { live, keep: 3 }));
    return (await objects()).length;
  };
  for (const n of [1, 2]) await next(n);
  const full = await next(3);
  expect((await runs().list()).map(({ generation }) => generation)).toEqual([9, 8, 7]);
  expect(await next(4)).toBe(full);
  const all = await Promise.all(
    (await objects()).map((name) => readFile(join(directory, "objects", name), "utf8")),
  );
  expect(all.some((text) => text.includes('"one'))).toBe(false);
});

test("the objects of a killed run are removed with the next generation that is", async () => {
  await mkdir(join(directory, "objects"), { recursive: true });
  const left = `${"0".repeat(64)}-5`;
  await writeFile(join(directory, "objects", left), "left\n");
  for (const n of [1, 2])
    await runs().append(run(records(`${n}\n`), { live: records(`${n - 1}\n`), keep: 1 }));
  expect(await objects()).not.toContain(left);
});

test("objects and records are for root alone", async () => {
  await runs().append(run(records("one\n")));
  for (const name of await objects())
    expect((await stat(join(directory, "objects", name))).mode & 0o777, name).toBe(0o600);
});

test("a damaged generation costs only itself", async () => {
  for (const n of [1, 2, 3]) await runs().append(run(records(`${n}\n`), { live: records(`${n - 1}\n`) }));
  const [second = ""] = (await readdir(join(directory, "runs"))).filter((name) => name.startsWith("2-"));
  await writeFile(join(directory, "runs", second, "run.json"), "{");
  expect((await runs().list()).map(({ generation }) => generation)).toEqual([3, 1]);
  expect(await runs().damaged()).toEqual([
    { generation: 2, reason: expect.stringContaining("run.json is damaged") },
  ]);
  await expect(runs().read(2)).rejects.toThrow("is damaged");
  expect(await runs().append(run(records("4\n"), { live: records("3\n") }))).toBe(4);
  // A damaged object is found by its name.
  const state = (await runs().read(4))?.state?.dns ?? "";
  await writeFile(join(directory, "objects", state), "{}");
  await expect(stateOf(4)).rejects.toThrow("missing or damaged");
  expect(await textsOf(3)).toEqual(["3\n"]);
});

test("runs of Phoenix 0.1 are listed beside new ones", async () => {
  await cp(join(import.meta.dirname, "../cases/state/0.1.0"), directory, { recursive: true });
  expect(await runs().append(run(records("one\n")))).toBe(2);
  const [first, older] = await runs().list();
  expect([first?.generation, older?.generation, older?.state]).toEqual([2, 1, undefined]);
});
