/** The journal's documents, on real files. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ComponentResult, Plan } from "../../src/engine/plan.ts";
import type { RunJournal } from "../../src/engine/run.ts";
import { SiteError } from "../../src/errors.ts";
import { openFingerprints } from "../../src/fingerprint.ts";
import { decorated, readOnly } from "../../src/hosts/decorators.ts";
import { localExec } from "../../src/hosts/local.ts";
import { createHost } from "../../src/hosts/script-host.ts";
import { type Journal, type JournalOptions, openJournal } from "../../src/journal/journal.ts";
import { isObjectName } from "../../src/journal/objects.ts";
import type { FinishedRun } from "../../src/journal/recording.ts";
import { redactor } from "../../src/redaction.ts";
import type { Change, Resource } from "../../src/resource.ts";
import { Secret } from "../../src/secret.ts";

const exec = localExec(new AbortController().signal);
const host = createHost("pve", exec);
const readOnlyHost = createHost("pve", decorated(exec, "pve", [readOnly]));
let directory: string;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), "phoenix-journal-")), "phoenix");
});
afterEach(() => rm(join(directory, ".."), { recursive: true }));

/** A new one each time, as in another run. */
const journal = (more: JournalOptions = {}): Journal => openJournal(host, { directory, ...more });
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

test("it is what the engine wants", () => {
  const forEngine: RunJournal = journal();
  expect(forEngine).toBeDefined();
});

test("reading creates nothing, and works on a host that cannot be changed", async () => {
  const plan = openJournal(readOnlyHost, { directory, readOnly: true });
  expect(await plan.pending("dns")).toEqual([]);
  expect(await plan.owned("dns")).toEqual([]);
  expect(await plan.runs.list()).toEqual([]);
  expect(await plan.runs.latest()).toBeUndefined();
  expect(await plan.runs.read(1)).toBeUndefined();
  const [first, second] = [await plan.secret("agent"), await plan.secret("agent")];
  expect(first.reveal()).toBe(second.reveal());
  expect(await exists(directory)).toBe(false);
});

describe("marks", () => {
  test("they last until they are cleared, each component's apart", async () => {
    await journal().mark("dns", ["dns/records", "dns/conf"]);
    await journal().mark("nginx", ["nginx/site"]);
    const next = journal();
    expect(await next.pending("dns")).toEqual(["dns/conf", "dns/records"]);
    await next.mark("dns", ["dns/wildcards"]);
    expect(await next.pending("dns")).toEqual(["dns/conf", "dns/records", "dns/wildcards"]);
    await next.clear("dns");
    expect(await next.pending("dns")).toEqual([]);
    expect(await journal().pending("dns")).toEqual([]);
    expect(await journal().pending("nginx")).toEqual(["nginx/site"]);
  });

  test("clearing keeps what it is told to keep", async () => {
    await journal().mark("stacks", ["stacks/a", "stacks/b"]);
    await journal().clear("stacks", ["stacks/b", "stacks/never-marked"]);
    expect(await journal().pending("stacks")).toEqual(["stacks/b"]);
    await journal().clear("stacks");
    expect(await journal().pending("stacks")).toEqual([]);
  });

  test("components that mark side by side keep each other's", async () => {
    const one = journal();
    await Promise.all([
      one.mark("dns", ["dns/a"]),
      one.mark("nginx", ["nginx/a"]),
      one.mark("trust", ["trust/a"]),
    ]);
    const next = journal();
    expect(await next.pending("dns")).toEqual(["dns/a"]);
    expect(await next.pending("nginx")).toEqual(["nginx/a"]);
    expect(await next.pending("trust")).toEqual(["trust/a"]);
  });

  test.each([
    ["a newer format", '{"version":2,"ids":["dns/a"]}', "newer phoenix"],
    ["no JSON", "{", "damaged"],
    ["no version", '{"ids":["dns/a"]}', "damaged"],
    ["no ids", '{"version":1,"ids":[1]}', "damaged"],
  ])("%s is refused, with the file's name", async (_, text, reason) => {
    await mkdir(join(directory, "marks"), { recursive: true });
    await writeFile(join(directory, "marks/dns.json"), text);
    const error = await journal()
      .pending("dns")
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(SiteError);
    expect((error as Error).message).toContain("marks/dns.json");
    expect((error as Error).message).toContain(reason);
  });
});

describe("inventory", () => {
  const records = [{ id: "dns/records", host: "pve" }] as const;

  test("what a component owns is found again, sorted and once", async () => {
    const stacks = [
      { id: "stacks/wiki@vm/1002", host: "vm/1002" },
      { id: "stacks/chat@vm/1002", host: "vm/1002" },
      { id: "stacks/wiki@vm/1002", host: "vm/1002" },
    ] as const;
    await journal().own(new Map([["stacks", stacks]]));
    await journal().own(new Map([["dns", records]]));
    expect(await journal().owned("stacks")).toEqual([stacks[1], stacks[0]]);
    expect(await journal().owned("dns")).toEqual(records);
  });

  test("recording the same again writes nothing", async () => {
    await journal().own(new Map([["dns", records]]));
    await openJournal(readOnlyHost, { directory }).own(new Map([["dns", records]]));
  });

  test("a damaged one is told by its path", async () => {
    await journal().own(new Map([["dns", records]]));
    await writeFile(join(directory, "inventory.json"), '{ "version": 1, "owned": { "dns": [7] } }');
    await expect(journal().owned("dns")).rejects.toThrow(`${directory}/inventory.json is damaged`);
  });
});

describe("secrets", () => {
  test("one is made once, kept for root alone, and found again", async () => {
    const one = journal();
    const [first, again] = await Promise.all([one.secret("agent"), one.secret("agent")]);
    expect(Buffer.from(first.reveal(), "base64url")).toHaveLength(32);
    expect(again.reveal()).toBe(first.reveal());
    expect((await journal().secret("agent")).reveal()).toBe(first.reveal());
    expect((await journal().secret("other")).reveal()).not.toBe(first.reveal());
    expect((await stat(join(directory, "secrets/agent"))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "secrets"))).mode & 0o777).toBe(0o700);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  test("fingerprints are the same on each run once their key is kept; a read-only run keeps none", async () => {
    const of = async (more: Journal): Promise<string> =>
      (await openFingerprints(more))(new Secret("hunter2"));
    const plan = openJournal(readOnlyHost, { directory, readOnly: true });
    expect(await of(plan)).toBe(await of(plan));
    expect(await exists(directory)).toBe(false);
    const kept = await of(journal());
    expect(await of(openJournal(readOnlyHost, { directory, readOnly: true }))).toBe(kept);
  });

  test("an emptied secret is an error, not an empty password", async () => {
    await journal().secret("agent");
    await writeFile(join(directory, "secrets/agent"), "\n");
    await expect(journal().secret("agent")).rejects.toThrow("too short");
  });

  test("a name cannot leave the directory", async () => {
    await expect(journal().secret("../lock")).rejects.toThrow("not a name");
  });
});

const resource = (id: Resource["id"], text: string, more: Partial<Resource> = {}): Resource => ({
  id,
  host: "pve",
  text,
  units: {},
  ...more,
});

const result = (
  changes: readonly Change[],
  outcome: ComponentResult["outcome"] = "changed",
): ComponentResult => ({
  component: "dns",
  outcome,
  changes,
  resources: 1,
  restored: [],
  unsettled: [],
  orphans: [],
  activations: [],
  checks: [],
  notes: [],
  durationMs: 5,
});

const run = (changes: readonly Change[] = [], more: Partial<FinishedRun> = {}): FinishedRun => ({
  command: "sync all",
  who: "root",
  host: "pve",
  siteDigest: "ab12",
  startedMs: Date.UTC(2026, 10, 24, 9, 4, 0),
  exitCode: 0,
  result: { command: "sync", components: [result(changes)], durationMs: 5 },
  ...more,
});

/** The texts before and after each change of a run. */
async function textsOf(generation: number): Promise<readonly (readonly (string | undefined)[])[]> {
  const { runs } = journal();
  const changes = (await runs.read(generation))?.components.flatMap((component) => component.changes) ?? [];
  const names = changes.flatMap(({ before, after }) => [before, after]).filter(isObjectName);
  const contents = await runs.contents(names);
  const textOf = (name: string | undefined): string | undefined =>
    isObjectName(name) ? contents.get(name)?.text : undefined;
  return changes.map(({ before, after }) => [textOf(before), textOf(after)]);
}

describe("runs", () => {
  test("a run is kept with its changes and found again", async () => {
    const update: Change = {
      verb: "update",
      desired: resource("dns/records", "new\n"),
      live: resource("dns/records", "old\n"),
    };
    expect(await journal().runs.append(run([update]))).toBe(1);
    expect(await journal().runs.append(run([], { command: "sync dns" }))).toBe(2);
    expect(await readdir(join(directory, "runs"))).toEqual(["1-20261124T090400Z", "2-20261124T090400Z"]);
    expect(await journal().runs.read(1)).toMatchObject({
      generation: 1,
      command: "sync all",
      siteDigest: "ab12",
      durationMs: 5,
      components: [
        {
          component: "dns",
          outcome: "changed",
          changes: [
            {
              verb: "update",
              id: "dns/records",
              host: "pve",
              inPlace: true,
            },
          ],
        },
      ],
    });
    expect(await textsOf(1)).toEqual([["old\n", "new\n"]]);
    expect((await journal().runs.latest())?.command).toBe("sync dns");
    expect((await journal().runs.list()).map(({ generation }) => generation)).toEqual([2, 1]);
    expect((await journal().runs.list(1)).map(({ generation }) => generation)).toEqual([2]);
    expect((await stat(join(directory, "runs/1-20261124T090400Z/run.json"))).mode & 0o777).toBe(0o600);
  });

  test("changes that were taken back are kept too, and marked", async () => {
    const change: Change = { verb: "create", desired: resource("dns/records", "rejected\n") };
    const nothing = { desired: [], orphans: [], unreadResources: [] };
    const plan = {
      components: [{ component: "dns", changes: [change], ...nothing }],
      digest: "",
    } as unknown as Plan;
    const taken = { command: "sync" as const, components: [result([], "rolled-back")], durationMs: 1 };
    await journal().runs.append(run([], { result: taken, plan, exitCode: 7 }));
    expect((await journal().runs.latest())?.components[0]?.changes).toEqual([
      { verb: "create", id: "dns/records", host: "pve", inPlace: false, after: expect.any(String) },
    ]);
    expect(await textsOf(1)).toEqual([[undefined, "rejected\n"]]);
  });

  test("no secret is ever written down", async () => {
    const poison = new Secret("poison-0123456789");
    const text = `password = ${poison.reveal()}\n`;
    const sensitive = resource("dns/conf", text, { sensitive: true, units: { key: text } });
    const leaking = resource("dns/records", text);
    const changes: Change[] = [
      { verb: "update", desired: sensitive, live: resource("dns/conf", text) },
      { verb: "create", desired: leaking },
      { verb: "delete", live: leaking },
    ];
    const failed = { ...result(changes, "failed"), reason: `cannot use ${poison.reveal()}` };
    await journal({ redact: redactor([poison]) }).runs.append(
      run([], { result: { command: "sync", components: [failed], durationMs: 1 } }),
    );
    for (const path of await readdir(directory, { recursive: true, encoding: "utf8" }))
      if ((await stat(join(directory, path))).isFile())
        expect(await readFile(join(directory, path), "utf8"), path).not.toContain("poison");
    const [component] = (await journal().runs.latest())?.components ?? [];
    expect(component?.reason).toBe("cannot use (secret)");
    expect(component?.changes.every(({ sensitive: hidden }) => hidden === true)).toBe(true);
  });

  test("the last fifty are kept, counted as numbers, and nothing else is touched", async () => {
    const runs = join(directory, "runs");
    for (let generation = 1; generation <= 60; generation++) {
      await mkdir(join(runs, `${generation}-20260101T000000Z`), { recursive: true });
    }
    await mkdir(join(runs, "notes"));
    expect(await journal().runs.append(run())).toBe(61);
    const left = (await readdir(runs)).filter((name) => name !== "notes");
    expect(left.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, at) => at + 12),
    );
    expect(await readdir(runs)).toContain("notes");
  });

  test("a run that was killed while it was written down is passed over", async () => {
    await journal().runs.append(run());
    await mkdir(join(directory, "runs/2-20261124T100000Z"));
    expect((await journal().runs.list()).map(({ generation }) => generation)).toEqual([1]);
    expect(await journal().runs.append(run())).toBe(3);
  });
});
