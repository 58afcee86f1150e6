/** Phoenix inside the testbed's hypervisor, as on a Proxmox host: what it changes is real, and a second run changes nothing. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { boot, down, expectRun, run, unavailable } from "./machines.ts";

const records = "/etc/phoenix/hosts.d/phoenix.hosts";
const states = [
  "stat",
  "--format=%n %i %Y %a",
  records,
  "/etc/dnsmasq.d",
  "/etc/ssl/certs/ca-certificates.crt",
];

describe.skipIf(unavailable !== undefined)("phoenix on the testbed's hypervisor", () => {
  beforeAll(() => boot(join(import.meta.dirname, "../../examples/homelab")), 1_200_000);
  afterAll(down);

  const sync = () => run("pve", ["phoenix", "sync", "trust", "dns"]);

  test("brings trust and DNS to what the site declares, and proves it", async () => {
    const { exitCode, stdout, stderr } = await sync();
    expect(exitCode, stdout + stderr).toBe(0);
    // Asked by somebody else, over the network.
    const { address, guests } = JSON.parse(
      await expectRun("pve", ["cat", "/srv/testbed/run/machines/pve/fabric.json"]),
    );
    const [guest] = guests;
    const name =
      /\s(\S+)$/m.exec(await expectRun("pve", ["grep", `^${guest.address}\\s`, records]))?.[1] ?? "";
    expect(await expectRun("client", ["dig", "+short", `@${address}`, name])).toBe(`${guest.address}\n`);
  });

  test("a second run changes nothing, not even a time", async () => {
    const before = await expectRun("pve", states);
    const started = await expectRun("pve", [
      "systemctl",
      "show",
      "--property=InvocationID,MainPID",
      "dnsmasq",
    ]);
    const { exitCode, stdout } = await sync();
    expect(exitCode).toBe(0);
    expect(stdout).toContain("0 created, 0 updated, 0 deleted · reloads 0 · restarts 0");
    expect(await expectRun("pve", states)).toBe(before);
    expect(await expectRun("pve", ["systemctl", "show", "--property=InvocationID,MainPID", "dnsmasq"])).toBe(
      started,
    );
  });

  test("an edit by hand is seen, and put back", async () => {
    const before = await expectRun("pve", ["cat", records]);
    await expectRun("pve", ["sed", "--in-place", "$d", records]);
    expect((await run("pve", ["phoenix", "plan", "trust", "dns"])).exitCode).toBe(2);
    expect((await sync()).exitCode).toBe(0);
    expect(await expectRun("pve", ["cat", records])).toBe(before);
  });
});
