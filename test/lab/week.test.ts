/**
 * A week in the lab's clock: a look each hour and a sync each night, with faults on the second and the fifth day. A real receiver
 * counts the notices: those of the faults and of their ends, and none else.
 */
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { initLab } from "../../lab/init.ts";
import { openLab } from "../../lab/lab.ts";
import { setClockOffset } from "../../lab/lab-file.ts";
import { exitCodes } from "../../src/errors.ts";
import { acquireLock } from "../../src/journal/lock.ts";
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

  test("a run that is locked out is told with the second in a row", async () => {
    const world = await openLab(join(timers.directory, "lab"), { signal: AbortSignal.timeout(60_000) });
    const pve = world.host("pve");
    const lock = await acquireLock(pve, { command: "sync all", clock: world.clock, waitMs: 0 });
    expect(await timers.at(16.1, "unattended", "verify")).toBe(exitCodes.locked);
    expect(told()).toEqual([]);
    expect(await timers.at(16.2, "unattended", "verify")).toBe(exitCodes.locked);
    expect(await timers.at(16.3, "unattended", "verify")).toBe(exitCodes.locked);
    expect(told()).toEqual(["phoenix unattended verify cannot run"]);
    await lock.release(pve);
    await world.close();
    expect(await timers.at(16.4, "unattended", "verify")).toBe(0);
    expect(told()).toEqual(["phoenix unattended verify runs again"]);
  });

  test("a hypervisor that does not answer is told once", async () => {
    const env = { XDG_STATE_HOME: join(timers.directory, "state") };
    const argv = ["--site", join(timers.directory, "site"), "--host", "root@127.0.0.1:1"];
    for (let run = 0; run < 2; run++)
      expect((await call([...argv, "unattended", "verify", "--quiet"], env)).code).toBe(1);
    // Mail cannot leave there; who was reached is not told twice.
    expect(told()).toEqual(["the hypervisor does not answer"]);
  });

  test.each([
    ["torn", '{ "version": 1, "run": {'],
    ["of another kind", '{ "version": 1, "run": {}, "components": { "dns": 7 }, "checks": [] }'],
  ])("what is remembered is %s: it begins anew, and the next fault is told", async (_, text) => {
    writeFileSync(timers.file("/var/lib/phoenix/observation.json"), text);
    expect(await timers.at(16.5, "unattended", "verify", "--quiet")).toBe(0);
    expect(timers.said()).toContain("observation.json is damaged: what earlier runs found is forgotten");
    spoilRecords(timers);
    await timers.at(16.6, "unattended", "verify", "--quiet");
    await timers.at(16.7, "unattended", "sync", "--quiet");
    expect(told()).toEqual(["dns drifted", "dns is in sync again"]);
  });

  test("what is remembered is a newer phoenix's: it stays, and somebody is told that nobody would be", async () => {
    const path = timers.file("/var/lib/phoenix/observation.json");
    const known = readFileSync(path, "utf8");
    const newer = known.replace('"version": 1', '"version": 9');
    writeFileSync(path, newer);
    expect(await timers.at(16.8, "unattended", "verify", "--quiet")).toBe(0);
    expect(await timers.at(16.8, "unattended", "verify", "--quiet")).toBe(0);
    expect(readFileSync(path, "utf8")).toBe(newer);
    expect(told()).toEqual(["phoenix unattended verify cannot remember what it found"]);
    writeFileSync(path, known);
    expect(await timers.at(16.9, "unattended", "verify", "--quiet")).toBe(0);
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

describe("a certificate whose CA is down", () => {
  let timers: Timers;
  beforeAll(async () => {
    timers = await timersOf("no-portainer");
    expect(await timers.at(0, "sync", "all")).toBe(0);
    told();
  }, 60_000);

  test("is told when it could not be renewed, when it ends soon, when it has expired, and when it was renewed", async () => {
    await timers.at(15, "certs", "renew", "--due", "--quiet");
    expect(told()).toEqual([]);
    await timers.at(17, "lab", "break", "error-500", "ca");
    expect(await timers.at(17, "certs", "renew", "--due", "--quiet")).toBe(1);
    expect(await timers.at(18, "certs", "renew", "--due", "--quiet")).toBe(1);
    expect(told()).toEqual(["certificates failed"]);
    await timers.at(21, "certs", "renew", "--due", "--quiet");
    await timers.at(22, "certs", "renew", "--due", "--quiet");
    expect(told()).toEqual([expect.stringMatching(/^certificate \S+ expires soon/)]);
    await timers.at(25, "certs", "renew", "--due", "--quiet");
    expect(told()).toEqual([expect.stringMatching(/\bcertificate \S+ has expired/)]);
    await timers.at(26, "lab", "mend");
    expect(await timers.at(26, "certs", "renew", "--due", "--quiet")).toBe(0);
    expect(told()).toEqual([expect.stringMatching(/certificate \S+ was renewed/)]);
  });

  test("is not renewed a second time by a run that waited for the one that did it", async () => {
    const lab = join(timers.directory, "lab");
    const [files, due, renewed] = [timers.file("/"), join(lab, "due"), join(lab, "renewed")];
    const copy = (from: string, to: string): void => {
      execFileSync("cp", ["-a", "-T", from, to]);
    };
    copy(files, due);
    await timers.at(26 + 17, "certs", "renew", "--due");
    copy(files, renewed);
    copy(due, files);
    const world = await openLab(lab, { signal: AbortSignal.timeout(60_000) });
    const pve = world.host("pve");
    const lock = await acquireLock(pve, { command: "certs renew --due", clock: world.clock, waitMs: 0 });
    const waiting = timers.at(26 + 17, "certs", "renew", "--due", "--lock-wait", "60");
    // Until it has seen what is due, and waits.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    copy(renewed, files);
    await lock.release(pve);
    await world.close();
    expect(await waiting).toBe(0);
    expect(timers.said()).toContain("waiting for the lock");
    const observation = "var/lib/phoenix/observation.json";
    expect(readFileSync(timers.file(observation), "utf8")).toBe(
      readFileSync(join(renewed, observation), "utf8"),
    );
  });
});

/** Somebody changes an address by hand. */
function spoilRecords({ file }: Timers): void {
  const paths = execFileSync("grep", ["-rl", "paperless", file("/etc")], { encoding: "utf8" });
  for (const path of paths.trim().split("\n"))
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("192.168.50.21", "192.168.50.99"));
}
