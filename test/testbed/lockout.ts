/** Rules that would shut the operator out: refused, and when forced by somebody who then dies, taken back by the host itself. */
import { describe, expect, test } from "vitest";
import type { Site } from "../../src/model.ts";
import { reaches } from "./client.ts";
import { eventually, expectRun, run, say } from "./machines.ts";
import { phoenixOver } from "./phoenix.ts";

/** The undo's window, and what it may be late. */
export const windowMs = 62_000;

/** The changed copy of the site. */
export const changed = "/root/lockout";
/** Not the one that is being written beside its place. */
const files = "cd /etc/pve/firewall && sha256sum *.fw";

/** The client's address: somebody there has come over SSH. */
export async function operator(): Promise<string> {
  return (await expectRun("client", ["hostname", "--all-ip-addresses"])).trim();
}

/** A copy of the site whose hypervisor has a rule before its own. */
export async function changeRules(rule: Readonly<Record<string, string>>): Promise<void> {
  const script = `rm -rf ${changed}; cp -R /usr/local/phoenix_hypervisor ${changed}; cd ${changed}/etc
node -e '
const { readFileSync, writeFileSync } = require("node:fs");
const file = "phoenix_hypervisor_config.json";
const rules = /"global_firewall_rules"\\s*:\\s*\\[/;
writeFileSync(file, readFileSync(file, "utf8").replace(rules, (head) => head + process.argv[1] + ","));
' "$1"`;
  await expectRun("pve", ["sh", "-eu", "-c", script, "sh", JSON.stringify(rule)]);
}

/** Forces the rules of that copy in, and kills Phoenix as soon as they are in place. @param from of the operator, to the hypervisor */
export async function forceAndKill(from: string, to: string): Promise<void> {
  const script = `export SSH_CONNECTION="$1 40000 $2 22"
phoenix sync firewall --site ${changed} --allow lockout >/tmp/lockout.log 2>&1 &
cp /etc/pve/firewall/cluster.fw /tmp/before.fw
while cmp -s /etc/pve/firewall/cluster.fw /tmp/before.fw; do kill -0 $!; sleep 0.02; done
kill -9 $!`;
  await expectRun("pve", ["sh", "-eu", "-c", script, "sh", from, to]);
}

/** @param site answers the site once it has converged */
export function lockout(site: () => Site): void {
  describe("rules that shut the operator out", () => {
    const installed = () => expectRun("pve", ["sh", "-c", files]);
    test("are refused, and nothing is changed", async () => {
      const { hypervisor } = site();
      // Nobody else is cut off: what is wrong for everybody is refused without looking at the host.
      await changeRules({ type: "in", action: "DROP", proto: "tcp", port: "22", source: await operator() });
      const before = await installed();
      const args = ["sync", "firewall", "--site", changed];
      const { exitCode, stderr } = await phoenixOver(
        await operator(),
        hypervisor.address,
        "SSH is to be dropped",
        ...args,
      );
      expect(exitCode, stderr).toBe(5);
      expect(stderr).toContain(`${hypervisor.address}:22`);
      expect(await installed()).toBe(before);
    }, 120_000);

    test("are taken back within a minute when they were forced and Phoenix was killed", async () => {
      const { hypervisor } = site();
      const before = await installed();
      expect(await reaches(hypervisor.address, 22)).toBe(true);
      say(
        "phoenix sync firewall --allow lockout, killed as soon as the files are in place; then the undo is waited for (1 min) …",
      );
      await forceAndKill(await operator(), hypervisor.address);
      const killed = Date.now();
      expect(await installed()).not.toBe(before);
      const isOut = await eventually(async () => !(await reaches(hypervisor.address, 22)), Boolean);
      expect(isOut).toBe(true);
      const left = () => windowMs - (Date.now() - killed);
      expect(await eventually(installed, (now) => now === before, left())).toBe(before);
      say(`  the previous rules were back after ${Math.round((Date.now() - killed) / 1000)} s`);
      expect(await eventually(() => reaches(hypervisor.address, 22), Boolean)).toBe(true);
      expect((await run("client", ["ssh-keyscan", "-T", "5", hypervisor.address])).stdout).toContain("ssh-");
    }, 120_000);

    test("are taken back at the start of a hypervisor that was restarted within the minute", async () => {
      const { hypervisor } = site();
      const before = await installed();
      say("the same, and then what a restart does: the timer is gone, and systemd starts what is enabled …");
      await forceAndKill(await operator(), hypervisor.address);
      expect(await installed()).not.toBe(before);
      const restart = `systemctl stop phoenix-firewall-undo.timer
systemctl daemon-reload
systemctl start multi-user.target`;
      await expectRun("pve", ["sh", "-eu", "-c", restart]);
      expect(await eventually(installed, (now) => now === before, 10_000)).toBe(before);
      expect(await eventually(() => reaches(hypervisor.address, 22), Boolean)).toBe(true);
      const left = await expectRun("pve", ["find", "/etc/systemd/system", "-name", "phoenix-firewall-*"]);
      expect(left).toBe("");
    }, 120_000);
  });
}
