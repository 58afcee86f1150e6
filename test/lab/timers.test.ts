/** Timers on lab hosts outlive the process that armed them. */
import { expect, test } from "vitest";
import { setClockOffset } from "../../lab/lab-file.ts";
import { change, newLab, opened, read } from "./open.ts";

const arm = (...argv: string[]) =>
  change("systemd-run", "--unit=phoenix-undo", "--on-active=60", "--timer-property=AccuracySec=1s", ...argv);
const undo = ["cp", "/etc/before", "/etc/rules"];

async function withRules() {
  const lab = await newLab();
  const world = await opened(lab);
  const pve = world.host("pve");
  await pve.writeFiles([
    { path: "/etc/before", text: "old rules" },
    { path: "/etc/rules", text: "new rules" },
  ]);
  const rules = async () => (await pve.readFiles(["/etc/rules"])).get("/etc/rules")?.text;
  return { lab, world, pve, rules };
}

test("what is due runs when the lab is opened the next time", async () => {
  const { lab, world, pve, rules } = await withRules();
  expect((await pve.run(arm(...undo))).stderr).toContain("Running timer as unit: phoenix-undo.timer");
  expect(await rules()).toBe("new rules");
  await world.close();
  setClockOffset(lab, 30_000);
  const early = (await opened(lab)).host("pve");
  expect((await early.run(read("cat", "/etc/rules"))).stdout).toBe("new rules");
  expect((await early.run(read("systemctl", "is-active", "phoenix-undo.timer"))).stdout).toBe("active\n");
  setClockOffset(lab, 61_000);
  const late = (await opened(lab)).host("pve");
  expect((await late.run(read("cat", "/etc/rules"))).stdout).toBe("old rules");
  expect((await late.run(read("systemctl", "is-active", "phoenix-undo.timer"))).exitCode).not.toBe(0);
});

test("what is due runs before the next command, and before the next connection", async () => {
  const { world, pve, rules } = await withRules();
  await pve.expect(change("systemd-run", "--unit=soon", "--on-active=50ms", ...undo));
  await world.clock.sleep(60);
  expect(await rules()).toBe("old rules");
  await pve.expect(change("systemd-run", "--unit=soon", "--on-active=50ms", "systemctl", "stop", "dnsmasq"));
  await world.clock.sleep(60);
  expect(await world.network.connect("10.0.0.13", 53)).toEqual({ ok: false, reason: "refused" });
});

test("a timer that is stopped never runs, and its name can be used again", async () => {
  const { lab, pve, rules } = await withRules();
  await pve.expect(arm(...undo));
  expect(await pve.run(arm(...undo))).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("Unit phoenix-undo.timer was already loaded"),
  });
  await pve.expect(change("systemctl", "stop", "phoenix-undo.timer"));
  setClockOffset(lab, 100_000);
  await opened(lab);
  expect(await rules()).toBe("new rules");
  await pve.expect(arm(...undo));
});

test("a guest's timer runs in the guest", async () => {
  const world = await opened(await newLab());
  await world
    .host("lxc/102")
    .expect(change("systemd-run", "--unit=t", "--on-active=0", "touch", "/etc/here"));
  expect((await world.host("lxc/102").run(read("test", "-f", "/etc/here"))).exitCode).toBe(0);
  expect((await world.host("lxc/101").run(read("test", "-f", "/etc/here"))).exitCode).toBe(1);
});
