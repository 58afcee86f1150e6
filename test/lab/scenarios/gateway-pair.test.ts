/** Two gateways with an address in common: both are converged by one sync, and the names outlive the loss of either. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { World } from "../../../src/hosts/world.ts";
import { call } from "../../cli/edge.ts";
import {
  containersFile,
  edit,
  hypervisorFile,
  servedName,
  shared,
  writePairSite,
} from "../../gateway-pair-site.ts";
import { change, newDirectory, opened, read } from "../open.ts";

const nothingDone = "0 created, 0 updated, 0 deleted · reloads 0 · restarts 0";

async function pairSite(): Promise<string> {
  const site = join(await newDirectory(), "site");
  writePairSite(site);
  return site;
}

describe("a pair of gateways", () => {
  let lab: string;
  let site: string;
  let world: World;

  const holders = async (): Promise<readonly string[]> => {
    const seen = await Promise.all(
      (["lxc/101", "lxc/111"] as const).map(async (host) => {
        const { stdout } = await world.host(host).run(read("ip", "-o", "-4", "addr", "show"));
        return stdout.includes(`${shared}/`) ? [host] : [];
      }),
    );
    return seen.flat();
  };
  const served = async (): Promise<boolean> =>
    (await world.network.handshake(shared, 443, { servername: servedName })).ok;

  beforeAll(async () => {
    site = await pairSite();
    lab = join(await newDirectory(), "lab");
    expect((await call(["check", "--site", site])).stdout).toContain("0 errors, 0 warnings");
    expect((await call(["lab", "init", lab, "--site", site])).code).toBe(0);
    const { code, stdout, stderr } = await call(["sync", "all", "--lab", lab]);
    expect(code, stdout + stderr).toBe(0);
    world = await opened(lab);
  });

  test("comes from nothing with one sync; the second one does nothing", async () => {
    const { code, stdout } = await call(["sync", "all", "--lab", lab]);
    expect([code, stdout]).toEqual([0, expect.stringContaining(nothingDone)]);
    expect(await holders()).toEqual(["lxc/101"]);
    expect((await world.network.query("192.168.80.2", servedName, "A")).answers).toEqual([shared]);
    expect(await served()).toBe(true);
    const status = await call(["status", "--lab", lab]);
    expect(status.stdout).toMatch(/lxc\/111 \(gateway-two\) +standby gateway/);
    // The mesh's own configuration is its administrator's: it trusts the first gateway alone.
    expect(stdout).toContain("does not trust the forwarded headers of the gateway (192.168.80.10)");
    const trace = await call(["trace", servedName, "--lab", lab]);
    expect([trace.code, trace.stdout]).toEqual([0, expect.stringContaining(shared)]);
  });

  test("moves the address when Nginx ends on one, and a sync starts Nginx again: the address stays where it is", async () => {
    await world.host("lxc/101").expect(change("systemctl", "stop", "nginx"));
    expect(await holders()).toEqual(["lxc/111"]);
    expect(await served()).toBe(true);
    const way = await call(["trace", servedName, "--lab", lab]);
    expect([way.code, way.stdout]).toEqual([0, expect.stringMatching(/gateway +lxc\/111 \(gateway-two\)/)]);
    const { code, stdout } = await call(["sync", "all", "--lab", lab]);
    expect(code, stdout).toBe(0);
    expect((await world.host("lxc/101").run(read("systemctl", "is-active", "nginx"))).exitCode).toBe(0);
    expect(await holders()).toEqual(["lxc/111"]);
  });

  test("one gateway that is down is named; the names go on, also when it is back", async () => {
    await call(["lab", "break", "guest-down", "lxc/111", "--lab", lab]);
    expect(await served()).toBe(true);
    const { code, stdout } = await call(["sync", "all", "--lab", lab]);
    expect(code, stdout).not.toBe(0);
    expect(stdout).toContain("lxc/111 (gateway-two)");
    await call(["lab", "mend", "guest-down", "--lab", lab]);
    const again = await call(["sync", "all", "--lab", lab]);
    expect(again.code, again.stdout).toBe(0);
    expect(await holders()).toEqual(["lxc/101"]);
  });

  test("two that do not hear each other are found out, with what lets them", async () => {
    const file = "/etc/pve/firewall/111.fw";
    const text = (await world.host("pve").readFiles([file])).get(file)?.text ?? "";
    const cut = text.replace("[RULES]\n", "[RULES]\n\nIN DROP -p vrrp\n");
    expect(cut).not.toBe(text);
    await world.host("pve").writeFiles([{ path: file, text: cut }]);
    expect(await holders()).toEqual(["lxc/101", "lxc/111"]);
    const { code, stdout } = await call(["verify", "--lab", lab]);
    expect([code, stdout]).toEqual([3, expect.stringContaining("they do not hear each other")]);
    await world.host("pve").writeFiles([{ path: file, text }]);
    expect((await call(["verify", "--lab", lab])).code).toBe(0);
  });
});

test.each([
  [
    "no shared address",
    hypervisorFile,
    (text: string) => text.replace(/"gateway_address".*\n/, ""),
    "PHX0216",
  ],
  [
    "no standby",
    containersFile,
    (text: string) => text.replace('"standby_gateway"', '"mesh"').replace('"102": {', '"102x": {'),
    "PHX0216",
  ],
  [
    "an address of somebody",
    hypervisorFile,
    (text: string) => text.replace(shared, "192.168.80.12"),
    "192.168.80.12 is the address of lxc/102 (mesh)",
  ],
  ["an address elsewhere", hypervisorFile, (text: string) => text.replace(shared, "10.1.1.1"), "PHX0205"],
  [
    "no certificate for the standby",
    containersFile,
    (text: string) => text.replace(/("192\.168\.80\.10\/24" \},)\n.*\n/, '"192.168.80.10/24" }\n'),
    "does not see /mnt/pve/tank/gateway/ssl/gateway.crt",
  ],
])("half a pair is refused with its place: %s", async (_, file, broken, words) => {
  const site = await pairSite();
  edit(site, file, broken);
  const { code, stdout, stderr } = await call(["check", "--site", site]);
  expect([code, stdout + stderr]).toEqual([1, expect.stringContaining(words)]);
});
