/**
 * A week in the lab's clock: a look each hour and a sync each night, with faults on the second and the fifth day. A real receiver
 * counts the notices: those of the faults and of their ends, and none else.
 */
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { initLab } from "../../lab/init.ts";
import { setClockOffset } from "../../lab/lab-file.ts";
import { loadSite } from "../../src/site/load.ts";
import { call } from "../cli/edge.ts";
import { readExposition } from "../notices/exposition.ts";
import { openReceiver, type Receiver } from "../notices/receiver.ts";
import { newDirectory } from "./open.ts";

const hourMs = 3_600_000;
const metrics = "/var/lib/prometheus/node-exporter";
let receiver: Receiver;
beforeAll(async () => {
  receiver = await openReceiver();
});
afterAll(() => receiver.close());

interface Timers {
  /** A file of the hypervisor. */
  file(path: string): string;
  /** Runs a command at an hour since the lab was made, and returns its exit code. */
  at(hour: number, ...argv: readonly string[]): Promise<number | null>;
  /** All that the commands have said. */
  said(): string;
  /** The directory with the site and the lab. */
  readonly directory: string;
}

/** A lab of an example whose site also tells the receiver. */
async function timersOf(example: string): Promise<Timers> {
  const directory = await newDirectory();
  const site = join(directory, "site");
  cpSync(join(import.meta.dirname, "../../examples", example), site, { recursive: true });
  const config = join(site, "etc/phoenix_hypervisor_config.json");
  writeFileSync(join(site, "token"), canary);
  const hook = { type: "webhook", url: `${receiver.url}/hook`, token: "file:token" };
  const notices = [
    hook,
    { ...hook, name: "failures", url: `${receiver.url}/failures`, events: ["failed"] },
    { type: "mail", to: ["root"] },
  ];
  const more = JSON.stringify({ notices, metrics: { directory: metrics } }).slice(1, -1);
  writeFileSync(config, readFileSync(config, "utf8").replace("{", `{ ${more},`));
  const lab = join(directory, "lab");
  const loaded = await loadSite(site);
  if (loaded.site === undefined) throw new Error(JSON.stringify(loaded.problems));
  await initLab(lab, loaded.site);
  let output = "";
  return {
    directory,
    said: () => output,
    file: (path) => join(lab, "hosts/pve", path),
    at: async (hour, ...argv) => {
      setClockOffset(lab, Math.round(hour * hourMs));
      const { code, stdout, stderr } = await call(["--lab", lab, ...argv]);
      output += stdout + stderr;
      return code;
    },
  };
}

/** Must be nowhere but in the site and in what is sent. */
const canary = "n0tice-t0ken-4711-canary";

/** The titles of what arrived since the last call, without the site. */
let read = 0;
function told(): readonly string[] {
  const fresh = receiver.received.slice(read);
  read = receiver.received.length;
  return fresh
    .filter(({ path }) => path === "/hook")
    .map(({ body }) => String(JSON.parse(body).title).replace(/^\S+: /, ""));
}

function diskUse(path: string): number {
  return Number.parseInt(execFileSync("du", ["-sk", path], { encoding: "utf8" }), 10);
}

describe("a week of a small site", () => {
  let timers: Timers;
  const days: (readonly string[])[] = [];
  const used: number[] = [];

  beforeAll(async () => {
    timers = await timersOf("dns-only");
    expect(await timers.at(0, "sync", "all")).toBe(0);
    for (let day = 1; day <= 7; day++) {
      for (let hour = 0; hour < 24; hour++) {
        const now = (day - 1) * 24 + hour + 1;
        if (day === 2 && hour === 10) spoilRecords(timers);
        if (day === 5 && hour === 8) await timers.at(now, "lab", "break", "guest-down", "lxc/121");
        if (day === 5 && hour === 15) await timers.at(now, "lab", "mend");
        if (hour === 3) await timers.at(now, "unattended", "sync");
        await timers.at(now, "unattended", "verify");
      }
      days.push(told());
      used.push(diskUse(timers.file("/var/lib")));
    }
  }, 300_000);

  test("exactly the faults and their ends are told, none else", () => {
    expect(days).toEqual([
      [],
      ["dns drifted"],
      ["dns is in sync again"],
      [],
      ["lxc/121 (paperless) does not answer", "lxc/121 (paperless) answers again"],
      [],
      [],
    ]);
  });

  test("what is kept on the hypervisor does not grow", () => {
    expect(used.at(-1)).toBeLessThanOrEqual((used[2] ?? 0) + 64);
  });

  test("the metrics are those of the last run, for another user to read", () => {
    const families = readExposition(readFileSync(timers.file(`${metrics}/phoenix.prom`), "utf8"));
    expect(families.get("phoenix_last_run_exit_code")?.samples).toEqual([{ labels: {}, value: 0 }]);
    const run = families.get("phoenix_last_run_timestamp_seconds")?.samples[0]?.value ?? 0;
    expect(run * 1_000 - Date.now()).toBeGreaterThan(167 * hourMs);
  });
});

describe("what can go wrong with telling", () => {
  let timers: Timers;
  beforeAll(async () => {
    timers = await timersOf("dns-only");
    expect(await timers.at(0, "sync", "all")).toBe(0);
    told();
  });

  test("a notice that does not arrive fails no run, and is sent once more", async () => {
    spoilRecords(timers);
    receiver.answer(500);
    expect(await timers.at(1, "unattended", "verify")).toBe(3);
    expect(timers.said()).toContain(
      "cannot send the notice to webhook: it answers 500; the next run sends it again",
    );
    expect(await timers.at(2, "unattended", "verify")).toBe(3);
    expect(await timers.at(3, "unattended", "verify")).toBe(3);
    expect(told()).toEqual(["dns drifted", "dns drifted"]);
    const ids = receiver.received.slice(-2).map(({ body }) => JSON.parse(body).id);
    expect(ids[0]).toBe(ids[1]);
  });

  test("one that does not arrive twice is forgotten", async () => {
    receiver.answer(500, 500);
    await timers.at(4, "sync", "all");
    await timers.at(5, "unattended", "verify");
    expect(timers.said()).toContain("it answers 500; it is not sent again");
    await timers.at(6, "unattended", "verify");
    expect(told()).toEqual(["dns is in sync again", "dns is in sync again"]);
  });

  test("a run that was killed before it sent is followed by one that sends", async () => {
    spoilRecords(timers);
    receiver.answer("hang");
    const path = timers.file("/var/lib/phoenix/observation.json");
    const running = timers.at(7, "unattended", "verify");
    while (!readFileSync(path, "utf8").includes('"attempts": 1'))
      await new Promise((resolve) => setTimeout(resolve, 5));
    const asKilled = readFileSync(path, "utf8");
    await running;
    writeFileSync(path, asKilled);
    await timers.at(8, "unattended", "verify");
    expect(told()).toEqual(["dns drifted", "dns drifted"]);
    await timers.at(9, "unattended", "sync");
    await timers.at(10, "unattended", "verify");
    expect(told()).toEqual(["dns is in sync again"]);
  });

  test("an unattended sync that puts right what nobody knew tells that", async () => {
    spoilRecords(timers);
    await timers.at(11, "unattended", "sync");
    await timers.at(12, "unattended", "verify");
    expect(told()).toEqual(["dns had drifted and was repaired"]);
  });

  test("a site with errors is told once, and its end", async () => {
    const guests = join(timers.directory, "site/etc/phoenix_lxc_configs.json");
    const good = readFileSync(guests, "utf8");
    writeFileSync(guests, good.replace("192.168.50.21/24", "192.168.50.999/24"));
    expect(await timers.at(13, "unattended", "verify")).toBe(1);
    expect(await timers.at(14, "unattended", "verify")).toBe(1);
    expect(told()).toEqual(["phoenix unattended verify cannot run"]);
    writeFileSync(guests, good);
    expect(await timers.at(15, "unattended", "verify")).toBe(0);
    expect(await timers.at(16, "unattended", "verify")).toBe(0);
    expect(told()).toEqual(["phoenix unattended verify runs again"]);
  });

  test("the test of the notices reaches each target, whatever it is told", async () => {
    const before = receiver.received.length;
    expect(await timers.at(17, "notices", "test")).toBe(0);
    expect(
      receiver.received
        .slice(before)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(["/failures", "/hook"]);
    receiver.answer(401);
    expect(await timers.at(18, "notices", "test", "failures")).toBe(1);
    expect(timers.said()).toContain("not sent: it answers 401: check its token");
    told();
    const [head = "", body = ""] = readFileSync(timers.file("/var/mail/root"), "utf8").split("\n\n");
    expect(head).toContain("Subject: elm.home.arpa: dns drifted");
    expect(Buffer.from(body, "base64").toString()).toContain("dns drifted: dns/records to update");
  });

  test("its secrets are in nothing that is said, kept or sent but in the request's header", () => {
    expect(timers.said()).not.toContain(canary);
    expect(timers.said()).not.toContain("/hook");
    const kept = execFileSync("grep", ["-rlF", "-e", canary, "-e", `${receiver.url}/`, timers.directory], {
      encoding: "utf8",
    });
    const below = kept
      .trim()
      .split("\n")
      .map((path) => path.slice(timers.directory.length + 1));
    expect(below.sort()).toEqual(["site/etc/phoenix_hypervisor_config.json", "site/token"]);
    expect(receiver.received.every(({ body }) => !body.includes(canary))).toBe(true);
    expect(receiver.received.at(-1)?.headers.authorization).toBe(`Bearer ${canary}`);
  });
});

/** Somebody changes an address by hand. */
function spoilRecords({ file }: Timers): void {
  const paths = execFileSync("grep", ["-rl", "paperless", file("/etc")], { encoding: "utf8" });
  for (const path of paths.trim().split("\n"))
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("192.168.50.21", "192.168.50.99"));
}
