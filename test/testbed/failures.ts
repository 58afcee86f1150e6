/** Machines that are down, come back, or come back empty; a Portainer that remembers nothing. One sync puts each right. */
import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { WholeSite } from "../whole-site.ts";
import { answersOf } from "./client.ts";
import { eventually, expectRun, type Machine } from "./machines.ts";
import { converge, phoenix, runDirectory } from "./phoenix.ts";
import { containersOf, dockerMachinesOf, idsOf, machineOf } from "./reality.ts";

const unitOf = (machine: Machine): string => `testbed-guest@${machine}.service`;
const systemctl = (...args: readonly string[]) => expectRun("pve", ["systemctl", ...args]);

/** A machine as it was before anybody did anything on it: all that it wrote is gone. What lies on shares stays. */
async function wipe(machine: Machine): Promise<void> {
  await systemctl("stop", unitOf(machine));
  rmSync(`${runDirectory}/upper/${machine}`, { recursive: true });
  rmSync(`${runDirectory}/docker/${machine.replace("vm-", "")}`, { recursive: true, force: true });
  await systemctl("start", unitOf(machine));
}

/** @param site answers the site once it has converged */
export function failures(site: () => WholeSite): void {
  const lastDocker = () => {
    const found = site()
      .portainer?.environments.filter(({ kind }) => kind === "agent")
      .at(-1);
    if (found === undefined) throw new Error("the site has no agent");
    return machineOf(found.guest.host);
  };

  /** Containers come up by themselves after their machine; this waits until as many run as are named. */
  const allRun = async (wanted: ReadonlyMap<string, string>): Promise<void> => {
    const running = async () =>
      (await Promise.all(dockerMachinesOf(site()).map(containersOf)))
        .flat()
        .filter(({ state }) => state === "running").length;
    await eventually(running, (count) => count >= wanted.size, 60_000);
  };

  describe("failures", () => {
    test("a guest that is down is named, the others go on; once it is back all is well", async () => {
      const { mesh } = site().roles;
      await expectRun("pve", ["pct", "stop", `${mesh.id}`]);
      await expectRun("pve", ["sed", "--in-place", "$d", "/etc/phoenix/hosts.d/phoenix.hosts"]);
      const { exitCode, stdout } = await phoenix(`${mesh.host} is down`, "sync", "all");
      await expectRun("pve", ["pct", "start", `${mesh.id}`]);
      expect(exitCode, stdout).toBe(4);
      expect(stdout).toContain(`${mesh.host} (${mesh.name}) is not running`);
      expect(stdout).toMatch(/^~ dns /m);
      expect(stdout).toMatch(/^= stacks /m);
      await converge(`${mesh.host} is back`);
    }, 600_000);

    test("a machine that is booting is waited for or named; its containers are the same ones", async () => {
      const before = await idsOf(site());
      await systemctl("restart", "--no-block", unitOf(lastDocker()));
      const { exitCode, stdout } = await phoenix(`${lastDocker()} is booting`, "sync", "all");
      expect([0, 3, 4], stdout).toContain(exitCode);
      if (exitCode !== 0) {
        expect(stdout).toContain(lastDocker().replace("-", "/"));
        await systemctl("start", unitOf(lastDocker()));
        await allRun(before);
        await converge(`${lastDocker()} has booted`);
      }
      expect(await idsOf(site())).toEqual(before);
    }, 600_000);

    test("after all guests have restarted nothing is made anew", async () => {
      const before = await idsOf(site());
      await systemctl("restart", "testbed-guest@*.service");
      await allRun(before);
      // The mesh looks at some backends only every now and then, and takes them for dead until then.
      const ended = await eventually(
        () => phoenix("all guests have restarted", "sync", "all"),
        ({ exitCode }) => exitCode === 0,
        90_000,
      );
      expect(ended.exitCode, ended.stdout).toBe(0);
      expect(ended.stdout).toContain("0 created, 0 updated, 0 deleted");
      expect(await idsOf(site())).toEqual(before);
    }, 600_000);

    test("a gateway and a Docker machine that come back empty are built again", async () => {
      const gateway = machineOf(site().roles.gateway.host);
      const before = await idsOf(site());
      await wipe(gateway);
      await wipe(lastDocker());
      await converge(`${gateway} and ${lastDocker()} came back empty`);
      const after = await idsOf(site());
      expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
      const others = (ids: ReadonlyMap<string, string>) =>
        [...ids].filter(([key]) => !key.startsWith(`${lastDocker()} `));
      expect(others(after)).toEqual(others(before));
    }, 900_000);

    test("a Portainer that lost its data is set up again, and running containers stay", async () => {
      const { portainer } = site();
      if (portainer === undefined) return;
      const machine = machineOf(portainer.guest.host);
      const before = await idsOf(site());
      await expectRun(machine, ["docker", "stop", "--time=1", "portainer_server"]);
      await expectRun("pve", ["find", `${portainer.share.path}/portainer/data`, "-mindepth", "1", "-delete"]);
      await expectRun(machine, ["docker", "start", "portainer_server"]);
      await converge("Portainer lost its data");
      // Portainer up to 2.39 adopts no running containers whose name a stack of another environment has by then.
      const after = await idsOf(site());
      const names = site().stacks.map(({ project }) => project);
      const isDoubled = (key: string) =>
        names.some((name, at) => names.indexOf(name) !== at && key.includes(` ${name}-`));
      const changed = [...before].flatMap(([key, id]) => (after.get(key) === id ? [] : [key]));
      expect(changed.filter((key) => !isDoubled(key))).toEqual([]);
      expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
      const [{ status } = { status: 0 }] = await answersOf([portainer.hostname]);
      expect(status).toBe(200);
    }, 600_000);
  });
}
