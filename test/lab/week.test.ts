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
  /** Runs a command at an hour since the lab was made. */
  at(hour: number, ...argv: readonly string[]): Promise<number | null>;
}

/** A lab of an example whose site also tells the receiver. */
async function timersOf(example: string): Promise<Timers> {
  const directory = await newDirectory();
  const site = join(directory, "site");
  cpSync(join(import.meta.dirname, "../../examples", example), site, { recursive: true });
  const config = join(site, "etc/phoenix_hypervisor_config.json");
  const notices = [{ type: "webhook", url: `${receiver.url}/hook` }];
  const more = JSON.stringify({ notices, metrics: { directory: metrics } }).slice(1, -1);
  writeFileSync(config, readFileSync(config, "utf8").replace("{", `{ ${more},`));
  const lab = join(directory, "lab");
  const loaded = await loadSite(site);
  if (loaded.site === undefined) throw new Error(JSON.stringify(loaded.problems));
  await initLab(lab, loaded.site);
  return {
    file: (path) => join(lab, "hosts/pve", path),
    at: async (hour, ...argv) => {
      setClockOffset(lab, Math.round(hour * hourMs));
      const { code } = await call(["--lab", lab, ...argv]);
      return code;
    },
  };
}

/** The titles of what arrived since the last call, without the site. */
let read = 0;
function told(): readonly string[] {
  const fresh = receiver.received.slice(read);
  read = receiver.received.length;
  return fresh.map(({ body }) => String(JSON.parse(body).title).replace(/^\S+: /, ""));
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

/** Somebody changes an address by hand. */
function spoilRecords({ file }: Timers): void {
  const paths = execFileSync("grep", ["-rl", "paperless", file("/etc")], { encoding: "utf8" });
  for (const path of paths.trim().split("\n"))
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("192.168.50.21", "192.168.50.99"));
}
