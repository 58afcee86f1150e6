/** One cause is one error. */
import { expect, test } from "vitest";
import { type Check, external, failed } from "../../src/component.ts";
import { plan, sync } from "../../src/engine/run.ts";
import { CandidateError, TransportError, WrongHostError } from "../../src/errors.ts";
import type { Host } from "../../src/hosts/host.ts";
import type { Site } from "../../src/model.ts";
import { resultLines } from "../../src/render/text-result.ts";
import { plainView } from "../../src/render/view.ts";
import { Machine, testRun } from "./machine.ts";

const none = { allow: new Set<string>() };

const guests = [
  { host: "vm/31", address: "10.0.0.3" },
  { host: "vm/311", address: "10.0.0.31" },
];

/** A run on a site with two guests, of which those named do not run. */
function runWith(...down: readonly string[]) {
  const host = (name: string) =>
    ({
      run: async () => {
        if (down.includes(name))
          throw new TransportError(name, `${name} is not running`, {
            hint: `start it: qm start ${name.slice(3)}`,
          });
        return { exitCode: 0, stdout: "", stderr: "" };
      },
    }) as unknown as Host;
  const run = testRun();
  return { ...run, site: { guests } as unknown as Site, world: { ...run.world, host } };
}

const checking = (machine: Machine, ...checks: readonly Check[]) => ({
  ...machine.component,
  verify: async () => checks,
});

const closed = external(failed("firewall/a", "10.0.0.31:3000 is open to the hypervisor", "unreachable"));
const routed = external(
  failed("traefik/a", "wiki is forwarded to http://10.0.0.31:3000", "504", "look at vm/311"),
);
const other = external(
  failed("traefik/a", "chat is forwarded to http://10.0.0.3:3000", "502", "look at vm/31"),
);

test("a guest that is down is one error with its hint, and what fell because of it is counted", async () => {
  const firewall = new Machine("firewall", { "firewall/a": "x" });
  const stacks = new Machine("stacks", { "stacks/a": "x" }, { independent: true });
  stacks.behaviour.onApply = () => {
    throw new CandidateError("cannot deploy a: vm/311 is not running");
  };
  const traefik = new Machine("traefik", { "traefik/a": "x" });
  const result = await sync(
    [checking(firewall, closed), stacks.component, checking(traefik, routed)],
    runWith("vm/311"),
    none,
  );
  expect(result.causes).toEqual([
    { host: "vm/311", address: "10.0.0.31", reason: "vm/311 is not running", hint: "start it: qm start 311" },
  ]);
  const lines = resultLines(result, 4, plainView);
  expect(lines.filter((line) => line.startsWith("Error: "))).toEqual(["Error: vm/311 is not running"]);
  const at = lines.indexOf("Error: vm/311 is not running");
  expect(lines.slice(at + 1, at + 3)).toEqual([
    "  hint: start it: qm start 311",
    "  because of it: 1 check of firewall failed, stacks failed and 1 check of traefik failed",
  ]);
});

test("a failure that only resembles it stays an error of its own", async () => {
  const traefik = new Machine("traefik", { "traefik/a": "x" });
  const result = await sync([checking(traefik, routed, other)], runWith("vm/311"), none);
  const lines = resultLines(result, 3, plainView);
  expect(lines.filter((line) => line.startsWith("Error: "))).toEqual([
    "Error: vm/311 is not running",
    "Error: traefik: 1 check failed",
  ]);
  expect(lines).toContain("  hint: look at vm/31");
});

test("guests that answer explain nothing", async () => {
  const traefik = new Machine("traefik", { "traefik/a": "x" });
  const result = await sync([checking(traefik, routed)], runWith(), none);
  expect(result.causes).toEqual([]);
  expect(resultLines(result, 3, plainView)).toContain("Error: traefik: 1 check failed");
});

test("checks that need what the run did not cover are one error with one hint", async () => {
  const certificates = new Machine("certificates", { "certificates/a": "x" });
  const traefik = new Machine("traefik", { "traefik/a": "x" });
  const stacks = new Machine("stacks", { "stacks/a": "x" });
  const components = [checking(certificates, closed), checking(traefik, routed, other), stacks.component];
  const result = await sync(components, runWith(), { ...none, skip: ["stacks"] });
  const lines = resultLines(result, 3, plainView);
  expect(lines.filter((line) => /^Error: |hint:/.test(line))).toEqual([
    "Error: 3 checks failed for an external cause; this run did not cover stacks",
    "  hint: `phoenix sync stacks` sets up what may be missing",
  ]);
});

test("components that fail for one reason are one error", async () => {
  const unread = new TransportError("pve", "pve does not answer", { hint: "look at it" });
  const machines = ["dns", "trust"].map((name) => new Machine(name, { [`${name}/a`]: "x" }, { unread }));
  const result = await sync(
    machines.map(({ component }) => component),
    testRun(),
    none,
  );
  const lines = resultLines(result, 1, plainView);
  expect(lines.filter((line) => /^Error: |hint:/.test(line))).toEqual([
    "Error: dns and trust: pve does not answer",
    "  hint: look at it",
  ]);
});

test("a hint stands below its check", async () => {
  const traefik = new Machine("traefik", { "traefik/a": "x" });
  const result = await sync([checking(traefik, routed, other)], runWith(), none);
  const lines = resultLines(result, 3, plainView);
  expect(lines.filter((line) => line.startsWith("  "))).toEqual([
    "  check failed: wiki is forwarded to http://10.0.0.31:3000; got: 504",
    "  hint: look at vm/311",
    "  check failed: chat is forwarded to http://10.0.0.3:3000; got: 502",
    "  hint: look at vm/31",
  ]);
});

test("what is not a Proxmox VE host is one error, for a plan and for a sync", async () => {
  const unread = new WrongHostError("this is not a Proxmox VE host: pct is not installed");
  const machines = ["dns", "trust"].map((name) => new Machine(name, { [`${name}/a`]: "x" }, { unread }));
  const components = machines.map(({ component }) => component);
  await expect(plan(components, testRun(), none)).rejects.toThrow(unread.message);
  await expect(sync(components, testRun(), none)).rejects.toThrow(unread.message);
});
